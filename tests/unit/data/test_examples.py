"""Spellings: equivalent to the record, seeded, aligned where maps are known, and blind to the mapped order."""

from itertools import takewhile

import pytest

from retort.chem.reaction import Reaction
from retort.chem.smiles import canonicalize
from retort.data.examples import Spelling, canonical_example, fits, spelled_examples
from retort.data.records import Record
from retort.prompting.task import TASKS

RECORD = Record(
    id="amide",
    source="here",
    split="train",
    reaction=Reaction(("CC(=O)Cl", "NCc1ccccc1"), ("CCN(CC)CC",), ("CC(=O)NCc1ccccc1",)),
    mapped=(
        "[CH3:1][C:2](=[O:3])[Cl:90].[NH2:4][CH2:5][c:6]1[cH:7][cH:8][cH:9][cH:10][cH:11]1"
        ">>[CH3:1][C:2](=[O:3])[NH:4][CH2:5][c:6]1[cH:7][cH:8][cH:9][cH:10][cH:11]1"
    ),
    reaction_class=2,
)
SPELLING = Spelling(copies=20, aligned=0.8, separated=0.5, with_class=0.5)


def sides(task: str, prompt: str, target: str) -> tuple[str, str]:
    return prompt.removeprefix(f"<{task}>").removeprefix("<class_2>"), target


def shared_prefix(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


@pytest.mark.parametrize("name", TASKS.names())
def test_every_copy_is_the_same_chemistry(name: str) -> None:
    task = TASKS.get(name)
    given, wanted = task.given(RECORD.reaction), task.wanted(RECORD.reaction)
    for example in spelled_examples(task, RECORD, 3, SPELLING, seed=1):
        prompt, target = sides(name, example.prompt, example.target)
        assert example.row == 3
        assert canonicalize(prompt.replace(">", ".").strip(".").replace("..", ".")) == canonicalize(
            given.replace(">>", ".").replace(">", ".")
        )
        assert canonicalize(target) == canonicalize(wanted)
        assert ":" not in prompt + target


def test_the_first_copy_is_canonical_and_seeds_repeat() -> None:
    task = TASKS.get("retrosynthesis")
    first = spelled_examples(task, RECORD, 0, SPELLING, seed=1)
    assert first[0] == canonical_example(task, RECORD, 0)
    assert first == spelled_examples(task, RECORD, 0, SPELLING, seed=1)
    assert first != spelled_examples(task, RECORD, 0, SPELLING, seed=2)


def test_aligned_copies_share_a_longer_prefix_than_unaligned_ones() -> None:
    task = TASKS.get("retrosynthesis")

    def shared(aligned: float) -> float:
        examples = spelled_examples(task, RECORD, 0, Spelling(60, aligned, 0, 0), seed=1)[1:]
        return sum(shared_prefix(*sides(task.name, e.prompt, e.target)) for e in examples) / len(examples)

    assert shared(1.0) > 1.5 * shared(0.0)


def test_class_tokens_and_separated_prompts_appear_as_often_as_asked() -> None:
    retro = spelled_examples(TASKS.get("retrosynthesis"), RECORD, 0, SPELLING, seed=1)
    assert 3 < sum("<class_2>" in e.prompt for e in retro) < 17
    forward = spelled_examples(TASKS.get("forward_prediction"), RECORD, 0, SPELLING, seed=1)
    assert 3 < sum(">" in e.prompt.removeprefix("<forward_prediction>") for e in forward) < 17


def test_unknown_roles_allow_forward_prediction_alone() -> None:
    mixed = Record("m", "here", "train", RECORD.reaction, roles_known=False)
    assert [name for name in TASKS.names() if fits(TASKS.get(name), mixed)] == ["forward_prediction"]


def test_a_reaction_without_reagents_asks_for_none() -> None:
    bare = Record("b", "here", "train", Reaction(("CCO",), (), ("CC=O",)))
    assert not fits(TASKS.get("reagent_prediction"), bare)
