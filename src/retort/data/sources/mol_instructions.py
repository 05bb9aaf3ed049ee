"""Mol-Instructions reaction tasks in SMILES, the published subset that carries elicited labels."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import json_rows
from retort.data.records import TextRow
from retort.data.source import Source, under

_FOLDER = "mol_instructions"
_STEMS = ("reactions", "forward_reaction_prediction", "retrosynthesis", "reagent_prediction")


def _read(root: Path) -> Iterator[TextRow]:
    for stem in _STEMS:
        for row in json_rows(root / _FOLDER / f"{stem}.json.xz"):
            yield TextRow(
                id=f"mol_instructions:{stem}:{row['id']}",
                split=row["metadata"]["split"],
                kind=row["metadata"]["task"],
                input=row["input"],
                output=row["output"],
                instruction=row["instruction"],
                label=str(row["reaction_label"]),
            )


SOURCE = Source(
    name="mol_instructions",
    title="Mol-Instructions subset: forward, retrosynthesis, reagents, with elicited labels",
    origin="Fang et al. 2023 (Mol-Instructions), labelled by SLM4CRP (Liu et al. 2024)",
    licence="CC BY 4.0",
    files=under(
        "mol_instructions",
        {
            "reactions.json.xz": "a3e572126f12012791ad885f1cedff776b33f8c9393bc141d393a7b589db27aa",
            "forward_reaction_prediction.json.xz": "f7796a498e4c910b7d64d4ba7f6aaf8394d009aed66749864f2185bb76904c06",
            "retrosynthesis.json.xz": "273d8562e2c4ab2e3334c1b59d6481885b93061e381a14ece8af8ad413b607bf",
            "reagent_prediction.json.xz": "91b548438c0626e770476cf091fc855ac99cf787c339342f3104abdfe665e6a2",
        },
    ),
    rows={"train": 4_145, "valid": 147, "test": 148},
    kind="texts",
    published_split=True,
    how_to_get="https://huggingface.co/datasets/liupf/SLM4CRP_with_RTs holds the whole set; the subset comes with the "
    "authors' code.",
    read=_read,
    note="label: elicited type, 30 types in reactions.json and 10 in each other file. Labels of held-out rows may have "
    "been computed from the target: audit before use.",
)
