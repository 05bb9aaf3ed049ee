"""Properties of the choice of examples: neither the question nor the molecules of its answer is ever among them."""

from hypothesis import given
from hypothesis import strategies as st

from retort.chem.smiles import canonicalize, without_stereo
from retort.data.shots import ShotPool, Solved
from retort.prompting.task import TASKS

MOLECULES = ["CCO", "CC(=O)O", "c1ccccc1", "C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "Nc1ccccc1", "C1CCNCC1", "CBr"]
CANONICAL = [canonicalize(smiles) for smiles in MOLECULES]
sides = st.lists(st.sampled_from(CANONICAL), min_size=1, max_size=2).map(lambda parts: ".".join(sorted(parts)))
choices = st.sampled_from(["random", "scaffold", "text"])
pairs = st.builds(Solved, sides, sides)
reactions = st.builds(Solved, st.builds("{}>>{}".format, sides, sides), sides)


def flat(text: str) -> list[str]:
    """Return the molecules of a text without stereo, whatever their roles."""
    return sorted(without_stereo(part) for part in text.replace(">>", ".").split("."))


@given(
    st.sampled_from(["forward_prediction", "retrosynthesis"]), choices, st.lists(pairs, min_size=1), pairs, st.data()
)
def test_neither_question_nor_molecules_of_the_answer_are_shown(
    task: str, choice: str, rows: list[Solved], query: Solved, data: st.DataObject
) -> None:
    pool = ShotPool(TASKS.get(task), rows, choice)  # type: ignore[arg-type]
    shots = pool.choose(query, data.draw(st.integers(0, 6)), data.draw(st.integers(0, 3)))
    shown = {part for shot in shots for part in flat(f"{shot.question}.{shot.answer}")}
    assert not shown & set(flat(query.answer))
    assert flat(query.question) not in [flat(shot.question) for shot in shots]


@given(choices, st.lists(reactions, min_size=1), reactions, st.integers(0, 6), st.integers(0, 3))
def test_where_answers_recur_the_question_alone_is_kept_away(
    choice: str, rows: list[Solved], query: Solved, number: int, seed: int
) -> None:
    """All allowed rows are shown where there is room, and never more than wanted nor one question twice."""
    shots = ShotPool(TASKS.get("reagent_prediction"), rows, choice).choose(query, number, seed)  # type: ignore[arg-type]
    asked = [tuple(flat(shot.question)) for shot in shots]
    allowed = {tuple(flat(row.question)) for row in rows} - {tuple(flat(query.question))}
    assert len(set(asked)) == len(asked) == min(number, len(allowed))
    assert set(asked) <= allowed
    assert all(shot in rows for shot in shots)


@given(st.lists(pairs, min_size=1), pairs, st.integers(0, 3), st.randoms(use_true_random=False))
def test_the_order_of_the_questions_changes_nothing(
    rows: list[Solved], query: Solved, seed: int, random: object
) -> None:
    pool = ShotPool(TASKS.get("retrosynthesis"), rows, "random")
    first = pool.choose(query, 3, seed)
    for other in rows:
        pool.choose(other, 2, seed)
    assert pool.choose(query, 3, seed) == first
