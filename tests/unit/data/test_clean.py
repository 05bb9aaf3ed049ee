"""Cleaning: roles, canonical spelling, and a reason for every refusal."""

import pytest

from retort.chem.reaction import Reaction
from retort.data.clean import Clean, clean, clean_described, keys_of, of_several, unfit_for_training
from retort.data.records import MoleculeRow, RawRow, Record, Rejection

MAPPED = "[CH3:1][C:2](=[O:3])[Cl:9].[NH2:4][CH3:5].[Na+:7].[OH-:8]>>[CH3:1][C:2](=[O:3])[NH:4][CH3:5]"


def cleaned(reaction: str, **fields: object) -> Record:
    result = clean(RawRow("r1", "train", reaction, **fields), "here")  # type: ignore[arg-type]
    assert isinstance(result, Clean)
    return result.record


def test_roles_come_from_the_atom_maps_and_maps_are_gone() -> None:
    record = cleaned(MAPPED, roles="from_maps")
    assert record.reaction == Reaction(("CC(=O)Cl", "CN"), ("[Na+]", "[OH-]"), ("CNC(C)=O",))
    assert record.mapped == "[CH3:1][C:2](=[O:3])[Cl:9].[NH2:4][CH3:5]>>[CH3:1][C:2](=[O:3])[NH:4][CH3:5]"


def test_multiplicity_and_stereo_are_kept() -> None:
    record = cleaned("OCC.CCO.C[C@H](N)O>>O")
    assert record.reaction.reactants == ("CCO", "CCO", "C[C@H](N)O")


@pytest.mark.parametrize(
    ("reaction", "roles", "reason"),
    [
        ("C1CC>>CC", "given", "SMILES"),
        ("CC>>", "given", "no product"),
        (">>CC", "given", "no reactants"),
        ("CC.CO", "given", "reaction"),
        ("CC>>CO", "from_maps", "no atom maps"),
        ("[CH4:1]>>[OH2:2]", "from_maps", "shares an atom"),
    ],
)
def test_unreadable_rows_are_refused_with_a_reason(reaction: str, roles: str, reason: str) -> None:
    result = clean(RawRow("r1", "train", reaction, roles=roles), "here")  # type: ignore[arg-type]
    assert isinstance(result, Rejection)
    assert reason in result.reason
    assert result.text == reaction


def test_reasons_do_not_hold_the_row_so_that_they_can_be_counted() -> None:
    reasons = {clean(RawRow("r", "train", f"{bad}>>CC"), "here").reason for bad in ("C1CC", "c1cc")}  # type: ignore[union-attr]
    assert len(reasons) == 1


def test_a_molecule_keeps_its_name_or_description_on_one_line() -> None:
    rows = [
        MoleculeRow("1", "all", "OCC", " spirit  of\nwine ", "name", "trivial"),
        MoleculeRow("2", "all", "OCC", "An alcohol.", "description"),
        MoleculeRow("3", "all", "OCC", "LFQSCWFLJHTTHZ-UHFFFAOYSA-N", "inchikey"),
        MoleculeRow("4", "all", "OCC"),
    ]
    made = [clean_described(row, "here") for row in rows]
    records = [row.record for row in made if isinstance(row, Clean)]
    assert [(r.name, r.name_kind, r.description, r.words) for r in records] == [
        ("spirit of wine", "trivial", None, "spirit of wine"),
        (None, None, "An alcohol.", "An alcohol."),
        (None, None, None, ""),
        (None, None, None, ""),
    ]
    assert {r.reaction for r in records} == {Reaction((), (), ("CCO",))}
    assert records[0].iupac_name is None
    assert isinstance(clean_described(MoleculeRow("5", "all", "", "alone", "description"), "here"), Rejection)
    assert unfit_for_training(records[1], 10) == "longer than 10 tokens"
    assert unfit_for_training(records[1], 11) is None


def test_words_that_stand_for_several_molecules_are_found() -> None:
    pairs = [("title compound", "CCO"), ("ethanol", "CCO"), ("title compound", "CCN"), ("ethanol", "CCO")]
    assert of_several(pairs) == {"title compound"}
    assert of_several([]) == frozenset()


def test_keys_are_stereo_free_and_name_the_largest_product() -> None:
    keys = keys_of(Reaction(("C[C@H](O)F",), (), ("CC(=O)[O-]", "[Na+]")))
    assert keys.reactants == "CC(O)F"
    assert keys.products == ("CC(=O)[O-].[Na+]", "CC(=O)[O-]")


def test_training_refuses_what_does_not_change_and_what_is_too_long() -> None:
    same = cleaned("CCO.CC>>CCO")
    assert "no change" in (unfit_for_training(same, 100) or "")
    assert "longer than 3 tokens" in (unfit_for_training(cleaned("CCCC>>CCO"), 3) or "")
    assert unfit_for_training(cleaned("CCCC>>CCO"), 100) is None
