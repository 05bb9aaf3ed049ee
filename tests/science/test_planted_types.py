"""Planted reaction types are recovered, and chosen without trying every cell, where accuracy chooses something else."""

import numpy as np
import pytest

from retort.elicitation.clustering import adjusted_rand, cluster
from retort.elicitation.information import Information, InformationConfig, UsableInformation
from retort.elicitation.planted import PlantedReactions, planted_reactions
from retort.elicitation.selection import Cell, by_accuracy, by_information, fixed_n, successive_halving
from retort.elicitation.vectors import ENCODINGS, Encoding, Origin, TextVectors

TYPES = 6
QUICK = InformationConfig(folds=3, inner_folds=2, draws=200)
TRIED: tuple[Encoding, ...] = tuple(e for e in ENCODINGS if e != "concat_text")
CELLS = [Cell(encoding, types) for encoding in TRIED for types in (3, TYPES, 10)]


@pytest.fixture(scope="module", params=[0, 1, 2])
def planted(request: pytest.FixtureRequest) -> PlantedReactions:
    return planted_reactions(1200, TYPES, seed=request.param)


def texts_of(planted: PlantedReactions, rows: int) -> TextVectors:
    return TextVectors(planted.inputs[:rows], planted.outputs[:rows], None, Origin("planted", str(rows)))


def judged(planted: PlantedReactions, cell: Cell, rows: int) -> Information:
    """Measure what a cell's types are worth, on the first rows alone."""
    texts = texts_of(planted, rows)
    vectors = texts.reaction(cell.encoding).values  # type: ignore[arg-type]
    labels = cluster(vectors, cell.types, n_init=4).assign(vectors)
    return UsableInformation(texts.inputs, texts.outputs, QUICK).of(labels, cell.types)


def test_planted_types_are_recovered(planted: PlantedReactions) -> None:
    change = texts_of(planted, 1200).reaction("difference").values
    assert adjusted_rand(cluster(change, TYPES).assign(change), planted.types) > 0.95


def test_the_criterion_chooses_what_was_planted_and_accuracy_does_not(planted: PlantedReactions) -> None:
    results = {cell: judged(planted, cell, 1200) for cell in CELLS}
    values = {cell: result.value for cell, result in results.items()}
    errors = {cell: result.standard_error for cell, result in results.items()}
    accuracies = {cell: result.accuracy for cell, result in results.items()}
    assert by_information(values, errors) == Cell("difference", TYPES)
    assert by_accuracy(accuracies).encoding != "difference"
    assert fixed_n(accuracies).encoding != "difference"


def test_halving_finds_it_for_less_than_the_grid(planted: PlantedReactions) -> None:
    search = successive_halving(
        CELLS, [200, 400, 1200], lambda cell, rows: judged(planted, cell, int(rows)).value, keep=0.34
    )
    assert search.best == Cell("difference", TYPES)
    assert search.share < 0.5


def test_types_that_ignore_the_output_are_worth_less(planted: PlantedReactions) -> None:
    criterion = UsableInformation(planted.inputs, planted.outputs, QUICK)
    types = criterion.of(planted.types, TYPES)
    blind = criterion.of(cluster(planted.inputs, TYPES).assign(planted.inputs), TYPES)
    more, error = criterion.difference(types, blind)
    assert more > 10 * error
    assert blind.accuracy > types.accuracy


def test_shuffled_types_are_worth_nothing(planted: PlantedReactions) -> None:
    criterion = UsableInformation(planted.inputs, planted.outputs, QUICK)
    for seed in range(3):
        shuffled = criterion.of(np.random.default_rng(seed).permutation(planted.types), TYPES)
        assert abs(shuffled.value) <= 2 * shuffled.standard_error + 1e-12
        assert shuffled.accuracy < 0.25
