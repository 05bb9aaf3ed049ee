"""What all figures of lists of answers must do: count every row, see no order, know the best and the worst."""

import json
import math
import pkgutil
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import retort.evaluation
from retort.chem.smiles import randomize
from retort.errors import DataError, UsageError
from retort.evaluation.captions import caption_scores
from retort.evaluation.classification import class_scores
from retort.evaluation.molecule_tables import molecule_scores
from retort.evaluation.ranking import ranking_scores
from retort.evaluation.regression import interval_scores, regression_scores
from retort.evaluation.scores import Scores
from retort.evaluation.selectivity import selectivity_scores


@dataclass(frozen=True)
class Scorer:
    """One function and the rows it is tried on.

    Attributes:
        score: Takes truths and answers of all rows.
        truths: Eight rows.
        perfect: Their perfect answers.
        mixed: Answers of which some are wrong, some perfect and two unreadable.
        nothing: An answer that cannot be read.
        best: Name -> figure of perfect answers.
        worst: Name -> figure where nothing can be read.
        ends: Name -> least and greatest possible figure, where they are not 0 and 1.
    """

    score: Callable[[Sequence[Any], Sequence[Any]], Scores]
    truths: Sequence[Any]
    perfect: Sequence[Any]
    mixed: Sequence[Any]
    nothing: Any
    best: dict[str, float]
    worst: dict[str, float]
    ends: dict[str, tuple[float, float]]


def share(*names: str) -> dict[str, float]:
    return dict.fromkeys(names, 1.0)


def regression(truths: Sequence[float], answers: Sequence[float]) -> Scores:
    return regression_scores(np.array(truths, float), np.array(answers, float))


def intervals(truths: Sequence[float], answers: Sequence[tuple[float, float]]) -> Scores:
    low, high = np.array(answers, float).reshape(-1, 2).T
    return interval_scores(np.array(truths, float), low, high)


NAN = float("nan")
CLASSES = ["a", "a", "b", "b", "c", "c", "c", "d"]
YIELDS = [0.0, 10.0, 30.0, 50.0, 50.0, 70.0, 90.0, 100.0]
LISTS = [[10.0 * i, 5.0, 90.0 - i] for i in range(8)]
CAPTIONS = [f"The molecule number {i} is a rather weak carboxylic acid." for i in range(8)]
MOLECULES = ["CCO", "C[C@H](N)C(=O)O", "Cc1ccccc1Br", "[Na+].[Cl-]", "C/C=C/C", "CCOC(C)=O.O", "NCc1ccccc1", "C1CCCO1"]
WRONG = ["CCO", "C[C@@H](N)C(=O)O", "Cc1ccc(Br)cc1", "[Na+]", "CC=CC", "CCC(=O)OC.O", None, "C1CC"]
KINDS = ("stereo_left_out", "stereo_added", "other_stereoisomer", "regioisomer", "other_site", "other_isomer", "other")
TABLE = ("bleu_characters", "inchi_match_flat", "rdk_whole", "maccs_whole", "morgan_whole", "validity")
WORDS = ("bleu_2", "bleu_4", "rouge_1", "rouge_2", "rouge_l")

SCORERS = {
    "classification": Scorer(
        class_scores,
        CLASSES,
        CLASSES,
        ["a", "b", "b", "a", "c", None, "z", None],
        None,
        share("accuracy", "macro_f1", "micro_f1"),
        dict.fromkeys(("accuracy", "macro_f1", "micro_f1"), 0.0),
        {},
    ),
    "regression": Scorer(
        regression,
        YIELDS,
        YIELDS,
        [5.0, 10.0, NAN, 40.0, 60.0, 70.0, 80.0, NAN],
        NAN,
        {"mae": 0, "rmse": 0, "r2": 1},
        {"mae": (100 + 90 + 70 + 50 + 50 + 70 + 90 + 100) / 8},  # every answer at the farther end
        {"mae": (0, 100), "rmse": (0, 100), "r2": (-math.inf, 1)},
    ),
    "intervals": Scorer(
        intervals,
        YIELDS,
        [(value, value) for value in YIELDS],
        [(0, 5), (20, 30), (NAN, 40), (40, 60), (60, 40), (0, 100), (80, 95), (99, 100)],
        (NAN, NAN),
        {"coverage": 1, "width": 0},
        {"coverage": 0, "width": 100},
        {"width": (0, 100)},
    ),
    "ranking": Scorer(
        ranking_scores,
        LISTS,
        [sorted(range(3), key=lambda place, row=row: -row[place]) for row in LISTS],
        [[2], [0, 1, 2], [], [1], [9, 2], [1, 1, 1], [], [2, 0, 1]],
        [],
        {"hit@1": 1, "hit@3": 1, "regret@1": 0, "regret@3": 0, "ndcg": 1},
        {"hit@1": 0, "hit@3": 0, "regret@1": math.fsum(max(row) - min(row) for row in LISTS) / 8, "ndcg": 0},
        {"regret@1": (0, 100), "regret@3": (0, 100), "chance_regret@1": (0, 100)},
    ),
    "captions": Scorer(
        caption_scores,
        CAPTIONS,
        CAPTIONS,
        [*CAPTIONS[:2], CAPTIONS[0], "An acid.", "weak acid a is molecule the", None, "", "Something else entirely."],
        None,
        share(*WORDS) | {"meteor_exact": 1 - 0.5 / 10**3},
        dict.fromkeys((*WORDS, "meteor_exact"), 0.0),
        {},
    ),
    "molecule_tables": Scorer(
        molecule_scores,
        MOLECULES,
        MOLECULES,
        WRONG,
        None,
        share(*TABLE) | {"edits": 0},
        dict.fromkeys(TABLE, 0.0) | {"edits": (3 + 11 + 11 + 11 + 5 + 11 + 10 + 7) / 8},  # lengths, without stereo
        {"edits": (0, math.inf)},
    ),
    "selectivity": Scorer(
        selectivity_scores,
        MOLECULES,
        MOLECULES,
        WRONG,
        None,
        share("same") | dict.fromkeys((*KINDS, "unreadable"), 0.0),
        share("unreadable") | dict.fromkeys((*KINDS, "same"), 0.0),
        {},
    ),
}
LOWER_IS_BETTER = {"mae", "rmse", "width", "regret@1", "regret@3", "edits"}


@pytest.fixture(params=SCORERS)
def scorer(request: pytest.FixtureRequest) -> Scorer:
    return SCORERS[request.param]


def test_every_module_of_figures_is_tried() -> None:
    """A module that gives ``Scores`` and is not in the table above fails here."""
    names = [m.name for m in pkgutil.iter_modules(retort.evaluation.__path__) if not m.ispkg]
    making = {n for n in names if n != "upstream" and any(key.endswith("_scores") for key in functions(n))}
    assert making == {*SCORERS} - {"intervals"}  # a second one of the module of regression


def functions(name: str) -> list[str]:
    module = import_module(f"retort.evaluation.{name}")
    return [key for key, value in vars(module).items() if callable(value) and value.__module__ == module.__name__]


def test_perfect_answers_have_the_best_of_each_figure(scorer: Scorer) -> None:
    found = scorer.score(scorer.truths, scorer.perfect).values
    assert {name: found[name] for name in scorer.best} == pytest.approx(scorer.best)
    mixed = scorer.score(scorer.truths, scorer.mixed).values
    for name, best in scorer.best.items():
        if name not in (*KINDS, "unreadable"):
            assert mixed[name] > best if name in LOWER_IS_BETTER else mixed[name] < best, name


def test_where_nothing_can_be_read_each_figure_is_the_worst(scorer: Scorer) -> None:
    found = scorer.score(scorer.truths, [scorer.nothing] * 8)
    assert {name: found.values[name] for name in scorer.worst} == pytest.approx(scorer.worst)
    assert found.counts["unreadable"] == found.n == 8
    mixed = scorer.score(scorer.truths, scorer.mixed).values
    for name in set(scorer.worst) - {"unreadable", *KINDS}:
        assert found.values[name] > mixed[name] if name in LOWER_IS_BETTER else found.values[name] < mixed[name], name


def test_unreadable_answers_are_counted_and_no_row_is_dropped(scorer: Scorer) -> None:
    found = scorer.score(scorer.truths, scorer.mixed)
    assert found.counts["unreadable"] == 2
    assert found.n == 8


def test_figures_stay_within_their_ends(scorer: Scorer) -> None:
    for answers in (scorer.perfect, scorer.mixed, scorer.perfect[::-1], [scorer.nothing] * 8):
        found = scorer.score(scorer.truths, answers)
        for name, value in found.values.items():
            low, high = scorer.ends.get(name, (0, 1))
            assert low <= value <= high, name


def test_intervals_hold_their_figure_and_perfect_ones_have_no_width(scorer: Scorer) -> None:
    found = scorer.score(scorer.truths, scorer.mixed)
    assert set(found.intervals) == set(found.values)
    assert all(low <= high for low, high in found.intervals.values())
    assert any(low < high for low, high in found.intervals.values())
    perfect = scorer.score(scorer.truths, scorer.perfect)
    assert all(perfect.intervals[name] == pytest.approx((best, best)) for name, best in scorer.best.items())


def test_the_order_of_rows_does_not_matter(scorer: Scorer) -> None:
    expected = scorer.score(scorer.truths, scorer.mixed)
    pairs = list(zip(scorer.truths, scorer.mixed, strict=True))
    random.Random(3).shuffle(pairs)
    found = scorer.score(*zip(*pairs, strict=True))
    assert found.values == pytest.approx(expected.values)
    assert found.counts == expected.counts


def test_every_row_twice_changes_no_figure(scorer: Scorer) -> None:
    twice = scorer.score([*scorer.truths] * 2, [*scorer.mixed] * 2)
    assert twice.values == pytest.approx(scorer.score(scorer.truths, scorer.mixed).values)
    assert twice.n == 16


def test_figures_are_plain_and_repeatable(scorer: Scorer) -> None:
    found = scorer.score(scorer.truths, scorer.mixed)
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["metrics"] == found.values
    assert scorer.score(scorer.truths, scorer.mixed) == found


@pytest.mark.parametrize("name", ["molecule_tables", "selectivity"])
def test_spelling_and_order_of_molecules_do_not_matter(name: str) -> None:
    scorer, rng = SCORERS[name], random.Random(5)
    expected = scorer.score(scorer.truths, scorer.mixed)
    respelled = [randomize(text, rng) if text not in (None, "C1CC") else text for text in WRONG]
    assert scorer.score([randomize(text, rng) for text in MOLECULES], respelled) == expected


def test_no_rows_and_too_few_answers_are_refused(scorer: Scorer) -> None:
    with pytest.raises(DataError):
        scorer.score([], [])
    with pytest.raises(UsageError):
        scorer.score(scorer.truths, scorer.perfect[:7])
