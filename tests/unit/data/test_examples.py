"""Spellings: equivalent to the record, seeded, aligned where maps are known, and blind to the mapped order."""

from dataclasses import replace
from itertools import takewhile

import pytest

from retort.chem.reaction import Reaction
from retort.chem.smiles import canonicalize
from retort.data.examples import Spelling, canonical_example, fits, span_examples, spelled_examples
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
OF_ROLES = [name for name in TASKS.names() if not (TASKS.get(name).label or TASKS.get(name).ranked_by)]


def sides(task: str, prompt: str, target: str) -> tuple[str, str]:
    return prompt.removeprefix(f"<{task}>").removeprefix("<class_2>"), target


def shared_prefix(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


@pytest.mark.parametrize(
    "name",
    [n for n in TASKS.names() if not (TASKS.get(n).label or TASKS.get(n).query_label or TASKS.get(n).ranked_by)],
)
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


def test_words_have_one_spelling_and_one_answer_and_molecules_many() -> None:
    reaction = Reaction((), (), ("CC(=O)Oc1ccccc1C(=O)O",))
    named = Record("aspirin", "here", "train", reaction, name="2-acetyloxybenzoic acid", name_kind="iupac")
    asked = spelled_examples(TASKS.get("name_conversion"), named, 0, SPELLING, seed=1)
    assert {(example.prompt, example.target) for example in asked} == {
        ("<name_conversion><text>2-acetyloxybenzoic acid</text>", "CC(=O)Oc1ccccc1C(=O)O")
    }
    told = spelled_examples(TASKS.get("molecule_naming"), named, 0, SPELLING, seed=1)
    assert {example.target for example in told} == {"<text>2-acetyloxybenzoic acid</text>"}
    assert len({example.prompt for example in told}) > 5
    assert not fits(TASKS.get("molecule_naming"), replace(named, name_kind="trivial"))
    assert not fits(TASKS.get("molecule_captioning"), named)


def test_a_label_is_the_answer_of_every_copy() -> None:
    known = replace(RECORD, reaction_class=2, yield_percent=61.5)
    for name, target in (("reaction_classification", "acylation and related processes"), ("yield_prediction", "61.5")):
        examples = spelled_examples(TASKS.get(name), known, 0, SPELLING, seed=1)
        assert {example.target for example in examples} == {f"<text>{target}</text>"}
        assert len({example.prompt for example in examples}) > 1
        assert canonical_example(TASKS.get(name), known, 0).target == target
    assert not fits(TASKS.get("yield_prediction"), replace(RECORD, yield_percent=140.0))
    assert not fits(TASKS.get("reaction_classification"), replace(RECORD, reaction_class=11))


def test_the_first_question_is_canonical_and_its_answer_aligned() -> None:
    task = TASKS.get("retrosynthesis")
    canonical = canonical_example(task, LOPSIDED, 0)
    first = spelled_examples(task, LOPSIDED, 0, SPELLING, seed=1)[0]
    assert first == replace(canonical, target="CCCCCCO.C(=O)(Cl)c1ccccn1")
    assert canonicalize(first.target) == canonicalize(canonical.target)
    assert spelled_examples(task, replace(LOPSIDED, mapped=None), 0, SPELLING, seed=1)[0] == canonical
    assert spelled_examples(task, LOPSIDED, 0, replace(SPELLING, aligned=0.0), seed=1)[0] == canonical
    forward = TASKS.get("forward_prediction")
    backwards = replace(LOPSIDED, mapped=">>".join(reversed(LOPSIDED.mapped.split(">>"))))  # type: ignore[union-attr]
    turned = replace(backwards, reaction=Reaction(LOPSIDED.reaction.products, (), LOPSIDED.reaction.reactants))
    assert spelled_examples(forward, turned, 0, SPELLING, seed=1)[0].target == first.target


def test_seeds_repeat() -> None:
    task = TASKS.get("retrosynthesis")
    first = spelled_examples(task, RECORD, 0, SPELLING, seed=1)
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


def counted_spellings(record: Record, spelling: Spelling) -> int:
    """Count copies whose reactants follow the product: retrosynthesis leaves them canonical in all other copies."""
    task = TASKS.get("retrosynthesis")
    examples = spelled_examples(task, record, 0, spelling, seed=1)
    assert len(examples) == spelling.copies
    return sum(aligned_to(record, e.prompt.partition(">")[2].removeprefix("<class_2>"), e.target) for e in examples)


def aligned_to(record: Record, product: str, reactants: str) -> bool:
    """Say whether the two sides were spelled together; chance cannot do it, as unaligned reactants are canonical."""
    return reactants != ".".join(record.reaction.reactants)


LOPSIDED = replace(
    RECORD,
    reaction=Reaction(("CCCCCCO", "O=C(Cl)c1ccccn1"), (), ("CCCCCCOC(=O)c1ccccn1",)),
    mapped=(
        "[O:8]=[C:7]([Cl:90])[c:9]1[cH:10][cH:11][cH:12][cH:13][n:14]1.[CH3:1][CH2:2][CH2:3][CH2:4][CH2:5][CH2:6][OH:15]"
        ">>[CH3:1][CH2:2][CH2:3][CH2:4][CH2:5][CH2:6][O:15][C:7](=[O:8])[c:9]1[cH:10][cH:11][cH:12][cH:13][n:14]1"
    ),
)


@pytest.mark.parametrize(
    ("copies", "share", "aligned"), [(20, 0.8, 16), (4, 0.8, 3), (5, 0.0, 0), (3, 1.0, 3), (1, 1, 1)]
)
def test_the_number_of_aligned_copies_is_exact(copies: int, share: float, aligned: int) -> None:
    assert Spelling(copies=copies, aligned=share).aligned_copies == aligned
    for name in ("a", "b", "c", "d"):
        record = replace(LOPSIDED, id=name)
        # An aligned copy may start at the atom where the canonical spelling starts: then nothing tells them apart.
        found = counted_spellings(record, Spelling(copies, share))
        assert found <= aligned
        assert found >= aligned * 0.6
    assert counted_spellings(replace(LOPSIDED, mapped=None), Spelling(copies, share)) == 0


def test_span_texts_are_whole_reactions_or_bare_molecules() -> None:
    texts = [example.prompt for example in span_examples(RECORD, 0, SPELLING, seed=1)]
    assert texts[0] == str(RECORD.reaction)
    assert len(set(texts)) > 10
    for text in texts:
        roles = text.split(">")
        wanted = (RECORD.reaction.reactants, RECORD.reaction.reagents, RECORD.reaction.products)
        assert [canonicalize(role) for role in roles] == [canonicalize(".".join(role)) for role in wanted]
    molecule = Record("m", "here", "train", Reaction((), (), ("Cl", "NCc1ccccc1")))
    examples = span_examples(molecule, 0, SPELLING, seed=1)
    assert examples[0].prompt == "Cl.NCc1ccccc1"
    assert {canonicalize(e.prompt) for e in examples} == {"Cl.NCc1ccccc1"}
    assert len({e.prompt for e in examples}) > 5
    assert {e.target for e in examples} == {""}


def test_maps_of_some_reactants_are_enough() -> None:
    """An aligner names contributing reactants alone; the others are spelled without maps."""
    mixed = replace(RECORD, reaction=Reaction(("CC(=O)Cl", "CCN(CC)CC", "NCc1ccccc1"), (), RECORD.reaction.products))
    task = TASKS.get("forward_prediction")
    examples = spelled_examples(task, mixed, 0, Spelling(20, 1.0, 0, 0), seed=1)
    assert {canonicalize(sides(task.name, e.prompt, e.target)[0]) for e in examples} == {
        canonicalize("CC(=O)Cl.CCN(CC)CC.NCc1ccccc1")
    }
    assert len({e.target for e in examples}) > 2, "the product follows the reactants"


def test_maps_of_other_molecules_are_not_used() -> None:
    other = replace(RECORD, mapped="[CH3:1][OH:2]>>[CH3:1][Cl:3]")
    task = TASKS.get("retrosynthesis")
    examples = spelled_examples(task, other, 0, SPELLING, seed=1)
    assert {e.target for e in examples} == {".".join(RECORD.reaction.reactants)}


def test_the_order_of_the_mapped_text_leaves_no_trace() -> None:
    """The same maps on the same atoms, written in another order: the same examples."""
    other = replace(
        RECORD,
        mapped=(
            "[cH:11]1[c:6]([CH2:5][NH2:4])[cH:7][cH:8][cH:9][cH:10]1.[Cl:90][C:2]([CH3:1])=[O:3]"
            ">>[c:6]1([CH2:5][NH:4][C:2]([CH3:1])=[O:3])[cH:7][cH:8][cH:9][cH:10][cH:11]1"
        ),
    )
    for name in ("forward_prediction", "retrosynthesis"):
        one, two = (spelled_examples(TASKS.get(name), r, 0, Spelling(30, 0.9, 0, 0), seed=1) for r in (RECORD, other))
        assert one == two
