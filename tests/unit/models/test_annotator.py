"""The annotator: what it reads, what it may not see, what is unreadable, and how it is judged."""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score

from retort.errors import DataError, ModelError
from retort.models.annotator import (
    LinearHead,
    ProbeAnnotator,
    ScoredAnnotator,
    calibration_error,
    fit_temperature,
    judge,
    read_label,
    read_labels,
    softmax,
    type_tokens,
)
from retort.models.toy import ToySeq2Seq
from retort.prompting.reaction_types import TypeRange
from retort.prompting.vocabulary import TYPES, Vocabulary

VOCABULARY = Vocabulary.build([])
SOURCES = [VOCABULARY.encode(f"<retrosynthesis>{text}") for text in ("CCO", "c1ccccc1", "NN")]


class Scores:
    """A language model that prefers the type token whose number is the length of the source, modulo three."""

    def generate(self, sources, *, beam_size, num_hypotheses, max_length):  # type: ignore[no-untyped-def]
        raise AssertionError("types are scored, never generated")

    def score(self, sources, targets):  # type: ignore[no-untyped-def]
        first = VOCABULARY.ids["<type_0>"]
        return [
            -0.5 if target[0] - first == len(source) % 3 else -2.5
            for source, target in zip(sources, targets, strict=True)
        ]


def scored() -> ScoredAnnotator:
    return ScoredAnnotator(Scores(), type_tokens(VOCABULARY, 3))


def probe() -> ProbeAnnotator:
    random = np.random.default_rng(0)
    head = LinearHead(random.standard_normal((2, 3)), np.array([0.0, 0.5, -np.inf]))
    return ProbeAnnotator(head, lambda texts: np.array([[len(t), sum(t) % 7] for t in texts], np.float32))


def test_a_language_model_scores_every_type_token() -> None:
    read = scored().annotate(SOURCES)
    assert read.ids.tolist() == [len(source) % 3 for source in SOURCES]
    assert read.probabilities.sum(axis=1) == pytest.approx(np.ones(3))
    assert read.probabilities.max(axis=1) == pytest.approx(np.full(3, 1 / (1 + 2 * np.exp(-2))))


def test_any_engine_of_the_protocol_will_do() -> None:
    toy = ScoredAnnotator(ToySeq2Seq(VOCABULARY), type_tokens(VOCABULARY, 4))
    assert toy.annotate(SOURCES).probabilities == pytest.approx(np.full((3, 4), 0.25))


def test_a_probe_gives_an_unseen_type_no_probability() -> None:
    read = probe().annotate(SOURCES)
    assert read.probabilities[:, 2].tolist() == [0.0, 0.0, 0.0]
    assert read.probabilities.sum(axis=1) == pytest.approx(np.ones(3))


@pytest.mark.parametrize("annotator", [scored(), probe()], ids=["scored", "probe"])
def test_the_only_way_in_is_the_source(annotator: ScoredAnnotator | ProbeAnnotator) -> None:
    assert list(inspect.signature(annotator.annotate).parameters) == ["sources"]
    whole, single = annotator.annotate(SOURCES), [annotator.annotate([source]) for source in SOURCES]
    assert whole.probabilities == pytest.approx(np.concatenate([one.probabilities for one in single]))


def test_nothing_to_read_and_numbers_that_are_none_are_refused() -> None:
    class Broken(Scores):
        def score(self, sources, targets):  # type: ignore[no-untyped-def]
            return [float("nan")] * len(sources)

    with pytest.raises(DataError, match="no source"):
        scored().annotate([])
    with pytest.raises(DataError, match="no number"):
        ScoredAnnotator(Broken(), type_tokens(VOCABULARY, 3)).annotate(SOURCES)
    with pytest.raises(ModelError, match="vectors of size 2"):
        probe().head.probabilities(np.zeros((1, 5)))
    with pytest.raises(ModelError, match="65 type tokens"):
        type_tokens(VOCABULARY, 65)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("0", 0),
        (" 5\n", 5),
        ("<type_4>", 4),
        ("6", None),
        ("<type_6>", None),
        ("-1", None),
        ("+3", None),
        ("03", None),
        ("3.0", None),
        ("٣", None),
        ("type 3", None),
        ("3 3", None),
        ("", None),
    ],
)
def test_what_states_no_type_is_no_type(text: str, label: int | None) -> None:
    assert read_label(text, TypeRange(6)) == label


def test_offsets_and_names_are_read_as_they_are_shown() -> None:
    joint, named = TypeRange(10, offset=10), TypeRange(2, names=("acylation", "reduction"))
    assert [read_label(joint.shown(label), joint) for label in range(10)] == list(range(10))
    assert read_label("3", joint) is None
    assert [read_label(text, named) for text in ("reduction", "1", "<type_1>")] == [1, None, 1]
    assert read_labels(["10", "?", "19"], joint).tolist() == [0, -1, 9]


@given(st.text(), st.integers(1, 12))
def test_whatever_is_read_is_in_range(text: str, count: int) -> None:
    label = read_label(text, TypeRange(count))
    assert label is None or (0 <= label < count and text.strip() in (str(label), TYPES[label]))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_figures_are_those_of_the_library(pairs: list[tuple[int, int]]) -> None:
    truth, read = map(list, zip(*pairs, strict=True))
    report = judge(truth, read, 4)
    assert report.confusion == tuple(map(tuple, confusion_matrix(truth, read, labels=range(4)).tolist()))
    seen = sorted({*truth, *read})
    assert report.macro_f1 == pytest.approx(f1_score(truth, read, labels=seen, average="macro", zero_division=0.0))
    assert report.accuracy == pytest.approx(np.mean(np.equal(truth, read)))
    assert report.majority == max(map(truth.count, truth)) / len(truth)


def test_unreadable_answers_count_as_wrong_and_apart() -> None:
    report = judge([0, 0, 0, 1], [0, -1, -1, 1], 2)
    assert (report.accuracy, report.unreadable, report.confusion) == (0.5, 2, ((1, 0), (0, 1)))
    assert report.macro_f1 == pytest.approx((2 * 1 / (3 + 1) + 1) / 2)
    with pytest.raises(DataError, match="is not in"):
        judge([0, 2], [0, 1], 2)
    with pytest.raises(DataError, match="cannot be compared"):
        judge([], [], 2)


def test_the_calibration_error_is_the_gap_between_confidence_and_truth() -> None:
    sure = np.array([[0.95, 0.05]] * 4)
    assert calibration_error(sure, np.array([0, 0, 1, 1])) == pytest.approx(0.45)
    assert calibration_error(np.array([[1.0, 0.0]]), np.array([0])) == 0.0
    assert calibration_error(np.empty((0, 2)), np.empty(0, np.int64)) is None


def test_a_temperature_makes_overconfident_probabilities_honest() -> None:
    random = np.random.default_rng(1)
    logits = random.standard_normal((4000, 5)) * 2
    truth = np.array([random.choice(5, p=row) for row in softmax(logits)])
    assert fit_temperature(softmax(3 * logits), truth) == pytest.approx(3, rel=0.1)
    assert fit_temperature(softmax(logits), truth) == pytest.approx(1, rel=0.1)
    assert np.isfinite(fit_temperature(np.array([[1.0, 0.0]]), np.array([1])))


def test_a_few_rows_that_are_all_read_right_do_not_make_certain() -> None:
    right = np.tile([0.9, 0.1], (8, 1))
    assert fit_temperature(right, np.zeros(8, np.int64)) > 0.6
    assert fit_temperature(np.tile([1 - 1e-9, 1e-9], (8, 1)), np.zeros(8, np.int64)) == 4.0
