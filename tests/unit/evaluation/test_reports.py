"""Reports of texts and numbers: figures worked out by hand, every row counted, unreadable targets said."""

from pathlib import Path

import pytest

from retort.errors import DataError
from retort.evaluation.comparison import differences
from retort.evaluation.predictions import Candidate, Header, Prediction, Predictions, PredictionWriter, read, resume
from retort.evaluation.reports import report
from retort.evaluation.scoring import score

AMIDE, RING = "acylation and related processes", "heterocycle formation"
TEXTS, VALUES = (
    Header(task, "m", 1, kind) for task, kind in (("reaction_classification", "text"), ("yield_prediction", "value"))
)


def text(place: int, target: str, answer: str | None) -> Prediction:
    said = () if answer is None else (Candidate("", -0.1, "p", answer),)
    return Prediction(place, "C>>C", target, "ok" if said else "no_answer", "", said)


def value(place: int, target: str, answer: float | None, ends: tuple[float, float] | None = None) -> Prediction:
    said = () if answer is None else (Candidate("", None, "p", value=answer, interval=ends),)
    return Prediction(place, "C>>C", target, "ok" if said else "no_answer", "", said)


def test_texts_of_any_wording_are_judged_as_captions_and_to_the_letter() -> None:
    header = Header("molecule_captioning", "m", 3, "text")
    right, wrong = "The molecule is an acid.", "The molecule is a base."
    first = Prediction(0, "CC(=O)O", right, "ok", "", (Candidate("", -0.1, "p", right),))
    third = tuple(Candidate("", -0.1, "p", said) for said in (wrong, "Nothing.", right))
    rows = (first, Prediction(1, "CO", right, "ok", "", third), Prediction(2, "C", right, "no_answer", "", ()))
    found = report(Predictions(header, rows), 3)
    assert found.metrics["accuracy"] == pytest.approx(1 / 3)
    assert found.metrics["accuracy@3"] == pytest.approx(2 / 3)
    assert found.metrics["rouge_1"] == pytest.approx((1 + 0.6 + 0) / 3)
    assert "macro_f1" not in found.metrics
    assert found.intervals.keys() == found.metrics.keys()
    worse = Predictions(header, (rows[1], rows[1], rows[1]))
    better = Predictions(header, tuple(Prediction(0, "CO", right, "ok", "", first.candidates) for _ in range(3)))
    gains = differences(worse, better, 3)
    assert gains["accuracy"].difference == 1.0
    assert gains["rouge_1"].difference == pytest.approx(0.4)
    assert gains.keys() == found.metrics.keys()


def test_numbers_names_and_rows_without_answer_or_target_count() -> None:
    rows = [text(0, "2", AMIDE), text(1, AMIDE.upper(), AMIDE), text(2, "4", AMIDE), text(3, "4", None)]
    found = report(Predictions(TEXTS, tuple(rows)), 1)
    assert found.metrics["accuracy"] == 0.5
    assert found.metrics["macro_f1"] == pytest.approx((0.8 + 0) / 2)
    assert found.status_counts == {"ok": 3, "invalid_input": 0, "no_answer": 1}
    assert found.notes == ()
    worse = report(Predictions(TEXTS, (*rows, text(4, "eleven", RING))), 1)
    assert worse.metrics["accuracy"] == 0.4
    assert worse.n == 5
    assert "1 targets cannot be read and count as wrong; the first is row 4: 'eleven' is none of" in worse.notes[-1]


def test_distances_and_coverage_of_numbers() -> None:
    rows = [value(0, "10", 20, (5, 25)), value(1, "50 %", 40, (45, 60)), value(2, "90", None), value(3, "140", 99)]
    found = report(Predictions(VALUES, tuple(rows)), 1)
    assert found.metrics["mae"] == pytest.approx((10 + 10 + 90) / 3)
    assert found.metrics["coverage"] == pytest.approx(2 / 3)
    assert found.metrics["width"] == pytest.approx((20 + 15 + 100) / 3)
    assert found.n == 4
    assert "1 targets cannot be read and are left out of the figures; the first is row 3" in found.notes[-1]
    with pytest.raises(DataError, match="no target can be read as a number"):
        report(Predictions(VALUES, (value(0, "much", 3),)), 1)


def test_molecules_are_scored_as_before() -> None:
    row = Prediction(0, "CO", "OC", "ok", "", (Candidate("CO", -0.1, "p"),))
    found = Predictions(Header("retrosynthesis", "m", 1), (row,))
    assert report(found, 1).as_dict() == score(found, 1).as_dict()


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (TEXTS, [text(0, "2", AMIDE), text(1, "4", None)]),
        (VALUES, [value(0, "10", 20.5, (5.0, 25.0)), value(1, "50", 40.0), value(2, "1", None)]),
    ],
)
def test_files_of_every_kind_read_back_and_go_on(tmp_path: Path, header: Header, rows: list[Prediction]) -> None:
    path = tmp_path / "kept.jsonl"
    for start in (0, len(rows) - 1):
        assert resume(path, header) == start
        with PredictionWriter(path, header) as writer:
            for row in rows[start : len(rows) - 1 if start == 0 else None]:
                writer.write(row)
    assert read(path) == Predictions(header, tuple(rows))
    assert '"version": 2' in path.read_text()
    assert '"smiles"' not in path.read_text()
