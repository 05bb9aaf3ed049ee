"""Molecules of held-out rows are refused wherever they come from; those of train rows are not."""

from pathlib import Path

import pytest

from retort.chem.reaction import Reaction
from retort.data.protected import protected_molecules
from retort.data.records import MoleculeRow, RawRow, Record
from retort.data.source import SOURCES
from retort.errors import ChemistryError, DataError, UnknownNameError

RECORDS = [
    Record("a", "own", "train", Reaction(("CCBr", "CN"), (), ("CCNC",))),
    Record("b", "own", "test", Reaction(("C[C@H](F)Br", "CN"), ("CCO",), ("CN[C@@H](C)F",))),
    Record("c", "own", "valid_a", Reaction(("CCCC(=O)OC",), (), ("CCCC(=O)O", "CO"))),
]


@pytest.mark.parametrize(
    ("smiles", "holder"),
    [
        ("CCNC", None),  # a train row's product
        ("CNC(C)F", "own/test"),  # a product; stereo does not matter
        ("CN[C@H](C)F", "own/test"),
        ("CCCC(=O)O", "own/valid_a"),  # the largest of several products
        ("CO", None),  # a side product
        ("CN.CC(F)Br", "own/test"),  # a reactant set, in any order
        ("CN", None),  # one reactant of it
        ("CCCC(=O)OC", "own/valid_a"),
        ("CCO", None),  # a reagent
    ],
)
def test_molecules_of_held_out_rows_are_refused(smiles: str, holder: str | None, data_root: Path) -> None:
    protection = protected_molecules(["t5chem_yields"], RECORDS)
    assert protection.holder(smiles) == holder
    assert protection.counts == {"t5chem_yields/test": 1188, "own/test": 1, "own/valid_a": 1}


def test_what_cannot_be_read_or_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    nothing = protected_molecules()
    assert "uspto_50k" in nothing.absent
    assert not nothing.counts
    assert nothing.holder("CCO") is None
    with pytest.raises(ChemistryError):
        nothing.holder("C(")
    with pytest.raises(DataError, match="was not found"):
        protected_molecules(["uspto_50k"])
    with pytest.raises(DataError, match="holds molecules"):
        protected_molecules(["chebi20"])
    with pytest.raises(UnknownNameError):
        protected_molecules(["uspto_5k"])


@pytest.mark.slow
def test_no_benchmark_molecule_is_taken_from_names(data_root: Path) -> None:
    protection = protected_molecules()
    assert protection.absent == ()
    assert protection.counts["uspto_50k/test"] == 5007
    source = SOURCES.get("uspto_50k")
    test = [r for r in source.read(source.root()) if isinstance(r, RawRow) and r.split == "test"]
    assert all(protection.holder(row.reaction.split(">")[-1]) for row in test[:300])
    names = SOURCES.get("names_ord")
    leaks = sum(
        isinstance(row, MoleculeRow) and bool(row.smiles) and protection.holder(row.smiles) is not None
        for row in list(names.read(names.root()))[:3000]
    )
    assert leaks > 0  # so the check has something to do
