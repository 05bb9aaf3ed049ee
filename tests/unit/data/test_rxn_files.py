"""RXN and RDF files: what is read, and what becomes of broken ones."""

from pathlib import Path

import pytest
from rdkit.Chem import AllChem

from retort.chem.rxn_block import read_rxn_block
from retort.data.clean import Clean, clean
from retort.data.records import RawRow, Rejection
from retort.data.source import SOURCES, source_of_file
from retort.errors import ChemistryError, InputFileError

MAPPED = "[CH3:1][C:2](=[O:3])[OH:9].[NH2:4][CH3:5]>>[CH3:1][C:2](=[O:3])[NH:4][CH3:5]"
SALT = "CC(=O)Cl.N[C@@H](C)C(=O)OC>[Na+].[OH-].ClCCl>CC(=O)N[C@@H](C)C(=O)OC"


def block(smiles: str, *, v3000: bool = False) -> str:
    reaction = AllChem.ReactionFromSmarts(smiles, useSmiles=True)  # type: ignore[attr-defined]
    for molecule in [*reaction.GetReactants(), *reaction.GetProducts(), *reaction.GetAgents()]:
        molecule.UpdatePropertyCache()
        AllChem.Compute2DCoords(molecule)  # type: ignore[attr-defined]
    write = AllChem.ReactionToV3KRxnBlock if v3000 else AllChem.ReactionToRxnBlock  # type: ignore[attr-defined]
    return str(write(reaction, separateAgents=True))


def rows_of(path: Path) -> list[RawRow]:
    return [row for row in SOURCES.get("rxn").read(path) if isinstance(row, RawRow)]


def cleaned(row: RawRow) -> str:
    found = clean(row, "rxn")
    assert isinstance(found, Clean)
    return str(found.record.reaction)


@pytest.mark.parametrize("v3000", [False, True])
def test_a_block_is_the_reaction_that_was_written(v3000: bool) -> None:
    read = RawRow("x", "all", read_rxn_block(block(SALT, v3000=v3000)).with_groups())
    assert cleaned(read) == cleaned(RawRow("x", "all", SALT))


def test_windows_line_ends_change_nothing() -> None:
    assert read_rxn_block(block(SALT).replace("\n", "\r\n")) == read_rxn_block(block(SALT))


def test_maps_tell_the_roles_where_there_are_no_agents(tmp_path: Path) -> None:
    (tmp_path / "one.rxn").write_text(block(f"{MAPPED.replace('>>', '.ClCCl>>')}"))
    (row,) = rows_of(tmp_path / "one.rxn")
    assert row.roles == "from_maps"
    assert cleaned(row) == "CC(=O)O.CN>ClCCl>CNC(C)=O"


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda text: text[: text.rindex("$MOL")], "counts 3 molecules and holds 2"),
        (lambda text: text[:10], "ends before the line of counts"),
        (lambda text: text.replace(" C ", " Xx", 1), "a molecule cannot be read"),
        (lambda text: text.replace("  2  1", "  two", 1), "does not count its molecules"),
    ],
)
def test_a_broken_block_says_why(damage: object, why: str) -> None:
    assert callable(damage)
    with pytest.raises(ChemistryError, match=why):
        read_rxn_block(damage(block("CC(=O)Cl.NC>>CC(=O)NC")))


def test_a_broken_block_is_a_refused_row_and_the_others_are_read(tmp_path: Path) -> None:
    good, broken = block("CC(=O)Cl.NC>>CC(=O)NC"), block("CC.NC>>CC").replace(" C ", " Xx")
    entries = [f"$RFMT $RIREG {n}\n{text}" for n, text in enumerate([good, broken, good], 7)]
    (tmp_path / "some.rdf").write_text("\n".join(["$RDFILE 1", "$DATM today", *entries]))
    rows = rows_of(tmp_path / "some.rdf")
    assert [(row.id, row.origin) for row in rows] == [("some.rdf:1", "7"), ("some.rdf:2", "8"), ("some.rdf:3", "9")]
    refused = clean(rows[1], "rxn")
    assert isinstance(refused, Rejection)
    assert "a molecule cannot be read" in refused.text
    assert cleaned(rows[0]) == cleaned(rows[2]) == "CC(=O)Cl.CN>>CNC(C)=O"


def test_a_folder_is_read_file_by_file_and_other_texts_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "B.RXN").write_text(block("CC(=O)Cl.NC>>CC(=O)NC"))
    assert [row.id for row in rows_of(tmp_path)] == ["a/B.RXN:1"]
    (tmp_path / "a" / "B.RXN").write_text("no reaction at all")
    with pytest.raises(InputFileError, match="holds no RXN block"):
        rows_of(tmp_path)
    (tmp_path / "a" / "B.RXN").write_bytes("$RXN\né".encode("latin-1"))
    with pytest.raises(InputFileError, match="Text must be UTF-8"):
        rows_of(tmp_path)


def test_a_file_finds_its_source_by_name(tmp_path: Path) -> None:
    names = {"a.csv.xz": "table", "b.RDF": "rxn", "c.pb.gz": "ord", "d.pb": "ord", "e.smi": "reaction_smiles"}
    for name, expected in names.items():
        (tmp_path / name).touch()
        assert source_of_file(tmp_path / name).name == expected
    (tmp_path / "f.docx").touch()
    with pytest.raises(InputFileError, match=r"unknown kind.*\.rxn"):
        source_of_file(tmp_path / "f.docx")
    with pytest.raises(InputFileError, match="there is no file"):
        source_of_file(tmp_path / "g.csv")
