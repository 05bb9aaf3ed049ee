"""HiTEA: high-throughput couplings and hydrogenations of a pharmaceutical company."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import conditions, percent, table_rows
from retort.data.records import RawRow
from retort.data.source import Source, under

_FOLDER = "yields/hitea_pfizer_hte"
_TYPES = ("buchwald", "ullmann", "hetero_hydrogenation", "homo_hydrogenation")
_REACTANTS = ("Reactant_1_SMILES", "reactant_2_SMILES", "reactant_3_SMILES")
_REAGENTS = ("catalyst_1_ID_1_SMILES", "catalyst_1_ID_2_SMILES", "catalyst_2_ID_1_SMILES", "catalyst_2_ID_2_SMILES")


def _read(root: Path) -> Iterator[RawRow]:
    for reaction_type in _TYPES:
        for table_row in table_rows(root / _FOLDER / f"{reaction_type}.csv.xz"):
            row = {column: "" if cell == "NA" else cell for column, cell in table_row.items()}
            yield RawRow(
                id=f"hitea:{reaction_type}:{row['REACTION_ID']}",
                split="all",
                reaction=">".join((_side(row, _REACTANTS), _side(row, _REAGENTS), row["PRODUCT_STRUCTURE"])),
                origin=row["NOTEBOOK_ID"],
                yield_percent=percent(row["Product_Yield_PCT_Area_UV"]),
                label=conditions(
                    type=reaction_type,
                    catalyst=row["catalyst"],
                    ligand=row["ligand"],
                    reagent=row["Reagent_1_Short_Hand"],
                    solvent=row["Solvent_1_Name"],
                    temperature=row["Reaction_T"] and f"{float(row['Reaction_T']):g} celsius",
                ),
            )


def _side(row: dict[str, str], columns: tuple[str, ...]) -> str:
    """Join the structures of some columns; a cell with a space is a name in the wrong column, and in the label."""
    return ".".join(dict.fromkeys(row[column] for column in columns if row[column] and " " not in row[column]))


SOURCE = Source(
    name="hitea",
    title="HiTEA: HTE yields of Buchwald, Ullmann, heterogeneous and homogeneous hydrogenation",
    origin="King-Smith et al. 2024 (HiTEA), data of Pfizer",
    licence="MIT (repository)",
    files=under(
        "yields/hitea_pfizer_hte",
        {
            "buchwald.csv.xz": "47bb806f4f2b5f290c74b2473d03053901256502ddb2bd762db8a2c1edc02b1b",
            "ullmann.csv.xz": "ff96f6f6d7c6b8b53347a2d7abcd4de48eb618fce2a9130bfcacbee46ef083a0",
            "hetero_hydrogenation.csv.xz": "fb7d1d78cbf318c56fa69547b84a9b07889990b004d15381681f4a78ef160c6c",
            "homo_hydrogenation.csv.xz": "3261a52381c2b67dee2d9c3fa30bbdf3f37404df1b28e45971b105383569e8a8",
        },
    ),
    rows={"all": 10_130},
    how_to_get="https://github.com/emmaking-smith/HiTEA; compress the four tables with xz, put into "
    "yields/hitea_pfizer_hte/.",
    read=_read,
    note="18-62 distinct reactions a type; 35-78 % of the yields are exactly 0. The published atom maps are unreliable "
    "and not used. Solvents, bases and some catalysts are names, in label.",
)
