"""The Suzuki screen of Perera et al. 2018 as published: names and abbreviations instead of structures."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import sheets
from retort.data.records import TextRow
from retort.data.source import Source

_FILE = "yields/suzuki_perera2018.xlsx"
_COLUMNS = {
    "electrophile": "Reactant_1_Name",
    "nucleophile": "Reactant_2_Name",
    "catalyst": "Catalyst_1_Short_Hand",
    "ligand": "Ligand_Short_Hand",
    "base": "Reagent_1_Short_Hand",
    "solvent": "Solvent_1_Short_Hand",
}


def _read(root: Path) -> Iterator[TextRow]:
    for _, rows in sheets(root / _FILE):
        for row in rows:
            yield TextRow(
                id=f"suzuki_perera2018:{int(row['Reaction_No'])}",
                split="all",
                kind="yield prediction",
                input="; ".join(f"{role}: {row[column]}" for role, column in _COLUMNS.items()),
                output=f"{row['Product_Yield_PCT_Area_UV']:.2f}",
            )


SOURCE = Source(
    name="suzuki_perera2018",
    title="Suzuki yields (HTE) as published: names of components, yield in percent",
    origin="Perera et al. 2018, supplementary workbook",
    licence="not stated with the data",
    files={_FILE: "a869e020ba31bd5676c67a4791c3b7384711b5216de6af444b8cd0a24c284640"},
    rows={"all": 5_760},
    kind="texts",
    how_to_get="Supplementary data of https://doi.org/10.1126/science.aap9112, also in data/Suzuki-Miyaura of "
    "https://github.com/rxn4chemistry/rxn_yields, as yields/suzuki_perera2018.xlsx; needs the extra [data].",
    read=_read,
    note="Reaction number n is row n-1 of suzuki_yields, which has the structures.",
)
