"""An audit sees molecules, not their spelling: any way to write a leak finds it, and finds nothing else."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from retort.data.audit import Collection, compare
from retort.data.audit_columns import columns
from retort.data.audit_keys import Asked, AuditRow, keys_of_row
from retort.data.records import MoleculeRow, RawRow

REACTIONS = [
    (("CC(=O)Cl", "NC(C)c1ccccc1"), "CC(=O)NC(C)c1ccccc1"),
    (("C[C@H](N)C(=O)O", "O=C(Cl)c1ccccc1"), "C[C@H](NC(=O)c1ccccc1)C(=O)O"),
    (("F/C=C/CBr", "Oc1ccc2[nH]ccc2c1"), "F/C=C/COc1ccc2[nH]ccc2c1"),
    (("[Na+]", "[O-]c1ccncc1", "CI"), "COc1ccncc1"),
]
seeds = st.integers(min_value=0, max_value=2**32 - 1)


def respelled(molecules: tuple[str, ...], rng: random.Random, *, keep_stereo: bool) -> str:
    texts = []
    for smiles in rng.sample(molecules, len(molecules)):
        mol = Chem.MolFromSmiles(smiles)
        root = rng.randrange(mol.GetNumAtoms())
        texts.append(Chem.MolToSmiles(mol, rootedAtAtom=root, canonical=False, isomericSmiles=keep_stereo))
    return ".".join(texts)


def collection(row: AuditRow) -> Collection:
    block, refused = columns([row], "", False, ("forward_prediction",))
    assert not refused
    return Collection("one", (block,), {})


def categories(first: AuditRow, second: AuditRow) -> set[str]:
    findings = compare(collection(first), collection(second))
    return {name for name, finding in findings.items() if finding is not None and finding.rows}


@given(st.sampled_from(REACTIONS), seeds, st.booleans())
def test_spelling_stereo_and_order_do_not_matter(
    reaction: tuple[tuple[str, ...], str], seed: int, keep_stereo: bool
) -> None:
    rng = random.Random(seed)
    reactants, product = reaction
    left = respelled(reactants, rng, keep_stereo=keep_stereo)
    right = respelled((product,), rng, keep_stereo=keep_stereo)
    first = RawRow("1", "all", f"{'.'.join(reactants)}>>{product}")
    same = {"same_reaction", "same_product", "same_reactants"}
    assert categories(first, RawRow("2", "all", f"{left}>>{right}")) == same
    assert categories(first, Asked("2", "forward_prediction", left, right)) == same
    assert categories(Asked("2", "retrosynthesis", right, left), first) == same | {"reversed_task"}
    assert categories(first, MoleculeRow("2", "all", right)) == {"same_molecule"}


@given(st.permutations(REACTIONS), seeds)
def test_different_reactions_share_nothing(reactions: list[tuple[tuple[str, ...], str]], seed: int) -> None:
    rng = random.Random(seed)
    (one, made), (other, target) = reactions[:2]
    first = RawRow("1", "all", f"{respelled(one, rng, keep_stereo=True)}>>{made}")
    second = RawRow("2", "all", f"{respelled(other, rng, keep_stereo=True)}>>{target}")
    assert categories(first, second) == set()


@given(st.text(alphabet="CNO=()[]123.>@/:+ab ", max_size=30))
def test_any_text_is_read_or_refused_with_a_reason(text: str) -> None:
    for row in (
        RawRow("1", "all", text),
        MoleculeRow("1", "all", text),
        Asked("1", "forward_prediction", text, text),
        Asked("1", "retrosynthesis", text, text),
        Asked("1", "reagent_prediction", text, text),
    ):
        keys = keys_of_row(row)
        assert keys if isinstance(keys, str) else keys.products or keys.molecules


@pytest.mark.parametrize("mapped", ["[CH3:1][Cl:2].[NH3:3]>>[CH3:1][NH2:3]", "[NH3:7].[CH3:9]Cl>>[CH3:9][NH2:7]"])
def test_atom_maps_do_not_matter(mapped: str) -> None:
    found = categories(RawRow("1", "all", "CCl.N>>CN"), RawRow("2", "all", mapped))
    assert found == {"same_reaction", "same_product", "same_reactants"}
