"""Figures of published tables on answers judged by hand: nothing unreadable is perfect, no row is left out."""

import math

import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import AllChem, MACCSkeys

from retort.errors import DataError, UsageError
from retort.evaluation.molecule_tables import molecule_scores

PERFECT = {
    "bleu_characters": 1,
    "inchi_match_flat": 1,
    "edits": 0,
    "rdk_whole": 1,
    "maccs_whole": 1,
    "morgan_whole": 1,
    "validity": 1,
}


def test_the_target_in_another_spelling_order_and_stereo_is_perfect() -> None:
    found = molecule_scores(["CC(=O)Cl.N[C@@H](C)c1ccccc1"], ["c1ccccc1[C@@H](N)C.ClC(C)=O"])
    assert found.values == PERFECT
    assert set(found.intervals) == set(PERFECT)


@pytest.mark.parametrize("answer", [None, "", "C1CC", "no molecule"])
def test_an_unreadable_answer_is_an_empty_one(answer: str | None) -> None:
    found = molecule_scores(["CCO"], [answer])
    assert found.values == dict.fromkeys(PERFECT, 0) | {"edits": 3}
    assert found.counts == {"unreadable": 1, "unreadable_targets": 0}


def test_an_unreadable_answer_costs_its_row_in_every_figure() -> None:
    found = molecule_scores(["CCCCO", "CCCCN"], ["CCCCO", "CCC("])
    assert found.n == 2
    assert found.values["edits"] == 5 / 2
    assert found.values["morgan_whole"] == found.values["validity"] == 1 / 2
    assert math.isclose(found.values["bleu_characters"], math.exp(1 - 10 / 5))  # half the characters are missing


def test_an_unreadable_target_is_counted_and_gives_nothing() -> None:
    found = molecule_scores(["C1CC", ""], ["C1CC", "CCO"])
    assert found.counts == {"unreadable": 1, "unreadable_targets": 2}
    assert found.values["edits"] == (4 + 1) / 2
    assert found.values["inchi_match_flat"] == found.values["bleu_characters"] == 0
    assert found.values["validity"] == 1 / 2


def test_edits_are_those_of_canonical_texts() -> None:
    assert molecule_scores(["OCC"], ["C(C)N"]).values["edits"] == 1  # CCO against CCN


def test_fingerprints_are_those_of_the_whole_answer() -> None:
    wanted, made = "CC(=O)Nc1ccccc1.O", "CC(=O)Oc1ccccc1"
    found = molecule_scores([wanted], [made]).values
    mols = [Chem.MolFromSmiles(smiles) for smiles in (wanted, made)]
    keys = DataStructs.TanimotoSimilarity(*map(MACCSkeys.GenMACCSKeys, mols))
    paths = DataStructs.TanimotoSimilarity(*map(Chem.RDKFingerprint, mols))
    assert found["maccs_whole"] == keys
    assert found["rdk_whole"] == paths
    generator = AllChem.GetMorganGenerator(radius=2)
    counts = [generator.GetSparseCountFingerprint(mol).GetNonzeroElements() for mol in mols]
    places = counts[0].keys() | counts[1].keys()
    shared, total = (sum(f(c.get(p, 0) for c in counts) for p in places) for f in (min, max))
    assert math.isclose(found["morgan_whole"], shared / total)


def test_a_molecule_that_has_no_fingerprint_is_still_itself() -> None:
    assert molecule_scores(["[Na+]"], ["[Na+]"]).values["rdk_whole"] == 1
    assert molecule_scores(["[Na+]"], ["[K+]"]).values["rdk_whole"] == 0


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError):
        molecule_scores(["C", "C"], ["C"])
    with pytest.raises(DataError):
        molecule_scores([], [])
