"""The examples before a question: the most similar first, by ring system or by text; by chance with a seed."""

import pytest

from retort.data.shots import ShotPool, Solved
from retort.errors import DataError
from retort.prompting.task import TASKS

RETRO, CLASSES = TASKS.get("retrosynthesis"), TASKS.get("reaction_classification")
INDOLE, PYRIDINE, CHAIN, BENZENE = "Cc1c[nH]c2ccccc12", "CCc1ccccn1", "CCCCO", "CCCc1ccccc1"
POOL = [Solved(CHAIN, "C"), Solved(PYRIDINE, "N"), Solved(INDOLE, "O"), Solved(BENZENE, "S")]


def questions(shots: tuple[Solved, ...]) -> list[str]:
    return [shot.question for shot in shots]


def test_the_same_ring_system_is_nearest_by_scaffold() -> None:
    pool = ShotPool(RETRO, POOL, "scaffold")
    assert questions(pool.choose(Solved("OC(=O)c1c[nH]c2ccccc12", "F"), 1)) == [INDOLE]
    assert questions(pool.choose(Solved("NCCc1ccccc1", "F"), 1)) == [BENZENE]
    assert questions(pool.choose(Solved("NCCCN", "F"), 1)) == [CHAIN]  # no ring is like no ring


def test_of_a_reaction_the_product_counts() -> None:
    pool = ShotPool(CLASSES, [Solved(f"{PYRIDINE}>>{CHAIN}", "a"), Solved(f"{CHAIN}>>{PYRIDINE}", "b")], "scaffold")
    assert pool.choose(Solved("CO>>Nc1ccccn1", "c"), 1)[0].answer == "b"


def test_text_counts_runs_of_three_characters() -> None:
    pool = ShotPool(RETRO, [Solved("CCCCO", "N"), Solved("CCCCN", "O"), Solved("CCBr", "S")], "text")
    # CCCO has CCC, CCO; CCCCO has CCC twice, CCO: 2 of 3. CCCCN shares CCC alone: 1 of 4. CCBr shares nothing.
    assert questions(pool.choose(Solved("CCCO", "F"), 3)) == ["CCCCO", "CCCCN", "CCBr"]


def test_a_spelling_with_stereo_or_another_border_of_roles_is_the_same_question() -> None:
    rows = [Solved("C[C@H](N)O>>CC", "a"), Solved("C[C@@H](N)O.CC>>", "b"), Solved("CC>>O", "c")]
    assert questions(ShotPool(CLASSES, rows, "random").choose(Solved("CC(N)O>>CC", "x"), 9)) == ["CC>>O"]


def test_seeds_choose_differently_and_repeat_themselves() -> None:
    rows = [Solved("C" * n, "O" * n) for n in range(2, 60)]
    pool, query = ShotPool(RETRO, rows, "random"), Solved("N", "F")
    assert pool.choose(query, 5, 1) == ShotPool(RETRO, rows, "random").choose(query, 5, 1)
    assert len({pool.choose(query, 5, seed) for seed in range(8)}) == 8
    assert pool.choose(query, 5, 1) != pool.choose(Solved("NN", "F"), 5, 1)


def test_an_empty_pool_is_refused() -> None:
    with pytest.raises(DataError, match="empty"):
        ShotPool(RETRO, [], "random")
