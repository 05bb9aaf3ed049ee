"""Identifier tables of the library chemicals: SMILES, IUPAC name and common name of each compound."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import lines
from retort.data.records import MoleculeRow
from retort.data.source import Source

_TABLES = {
    "Anion_db": "200ea21aab3b4e8462e4ff55cd59a240cb5d533ea2bd6a37841086b8e00f5e76",
    "Cation_db": "10c2a0bf31e8706d424b2952585d29e019a6431d0e23311a9a44ed346ec1a4d1",
    "Inorganic_db": "ca02691e1d550acd6a28a9e593ec6b102b0d3af08dc4aadc07312636f5384542",
    "chemical_identifiers_example_user_db": "98ff32ca91da7b620cb6f3413d2e3635ba90de2bf9707669e6906fa385c30098",
    "chemical_identifiers_pubchem_small": "de20e68fefe3de04f80302a714f235616ec4000203ffd5956a37312ea4904774",
}
_SMILES, _IUPAC, _COMMON = 4, 7, 8  # columns behind PubChem id, CAS, formula and weight


def _read(root: Path) -> Iterator[MoleculeRow]:
    for table in _TABLES:
        for line, text in enumerate(lines(root / _file(table)), 1):
            cells = text.split("\t")
            place, smiles = f"names_calebbell:{table}:{line}", cells[_SMILES]
            systematic, common = cells[_IUPAC], cells[_COMMON]
            if systematic or not common:
                named = ("name", "iupac") if systematic else ("", "")
                yield MoleculeRow(place, "all", smiles, systematic, *named)
            if common and common != systematic:
                yield MoleculeRow(f"{place}:common", "all", smiles, common, "name", "trivial")


def _file(table: str) -> str:
    return f"names/calebbell_{table}.tsv.xz"


SOURCE = Source(
    name="names_calebbell",
    title="Names of inorganic and organic compounds and ions",
    origin="Caleb Bell, chemicals (identifier tables), from PubChem and others",
    licence="MIT",
    files={_file(table): checksum for table, checksum in _TABLES.items()},
    rows={"all": 9_359},
    kind="molecules",
    how_to_get="chemicals/Identifiers of https://github.com/CalebBell/chemicals; compress with xz, prefix calebbell_, "
    "put into names/.",
    read=_read,
    note="15 compounds have a name and no SMILES. Further columns of the tables hold synonyms, trade names among them "
    "but not marked as such, which are not read.",
)
