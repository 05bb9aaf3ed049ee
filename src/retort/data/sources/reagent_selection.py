"""Which ligand, reactant or solvent of a list gave the best yield, from a Suzuki screen."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import json_rows
from retort.data.records import TextRow
from retort.data.source import Source, under

_FOLDER = "reagent_selection"
_QUERY = "Given the rest of reaction components:"


def _read(root: Path) -> Iterator[TextRow]:
    for what in ("ligand", "reactant", "solvent"):
        for line, row in enumerate(json_rows(root / _FOLDER / f"{what}_selection.json.xz"), 1):
            instruction, mark, query = row["task"].rpartition(_QUERY)
            yields = (pair for group in row["yield_details"] for pair in group)
            yield TextRow(
                id=f"reagent_selection:{what}:{line}",
                split="all",
                kind=f"{what} selection",
                instruction=instruction.strip(),
                input=(mark + query).strip(),
                output=row["candidate_rank"][0],
                label="; ".join(f"{smiles}={percent:g}" for smiles, percent in yields),
            )


SOURCE = Source(
    name="reagent_selection",
    title="Ligand, reactant or solvent with the best yield out of a list, Suzuki HTE",
    origin="ChemLLMBench (Guo et al. 2023) from Perera et al. 2018",
    licence="not stated: do not redistribute",
    files=under(
        "reagent_selection",
        {
            "ligand_selection.json.xz": "79ebd6680637e4512a4805516e6f0363ff22d98227a01f8224dd918398af8a3a",
            "reactant_selection.json.xz": "3d8affc277857218caf894a6defd055d38f531ab7a1090ee841d86e5335692bc",
            "solvent_selection.json.xz": "cda669ea0994514bf1828d699ad49e92934cf47332c9275736a20cab08653073",
        },
    ),
    rows={"all": 3_655},
    kind="texts",
    how_to_get="Reagent selection files of https://github.com/ChemFoundationModels/ChemLLMBench; compress with xz, put "
    "into reagent_selection/.",
    read=_read,
    note="label: 'SMILES=yield in percent' of every candidate, best first. Some prompts have base and solvent "
    "exchanged, as published. Ties at 0 % occur. The reactions of suzuki_yields.",
)
