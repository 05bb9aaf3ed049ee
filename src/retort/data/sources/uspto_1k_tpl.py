"""USPTO-1k-TPL, 32 train rows of each of its 1,000 template classes."""

import json
from collections.abc import Iterator
from pathlib import Path

from retort.data.files import table_rows
from retort.data.records import RawRow
from retort.data.source import Source, open_text, under
from retort.errors import DataError

_FOLDER = "uspto_1k_tpl"


def _read(root: Path) -> Iterator[RawRow]:
    with open_text(root / _FOLDER / "label_template.json.xz") as file:
        templates = json.load(file)
    for line, row in enumerate(table_rows(root / _FOLDER / "train.csv.xz"), 1):
        if row["label"] not in templates:
            raise DataError(f"row {line} of uspto_1k_tpl has label {row['label']!r}, which names no template.")
        yield RawRow(
            id=f"uspto_1k_tpl:{line}",
            split="train",
            reaction=row["rxn_smiles"],
            roles="mixed",
            template_class=int(row["label"]),
        )


SOURCE = Source(
    name="uspto_1k_tpl",
    title="USPTO-1k-TPL, 32 train rows of each of 1,000 template classes, reagents among the precursors",
    origin="Schwaller et al. 2021 (rxnfp) from D. Lowe's patent text mining; a subset drawn by others",
    licence="not stated: do not redistribute",
    files=under(
        "uspto_1k_tpl",
        {
            "train.csv.xz": "2cd1359e3be69dcfc193c5cd17d84ac9de6541b2ad7861e38310b8ef96cb5b08",
            "label_template.json.xz": "c2379fe571a072643137da99034d690ad4dd6c490bfea40ddb18829e333b7a4f",
        },
    ),
    rows={"train": 32_000},
    published_split=True,
    how_to_get="Draw 32 rows a class from uspto_1k_tpl_full, columns rxn_smiles and label, into "
    "uspto_1k_tpl/train.csv.xz.",
    read=_read,
    note="template_class: 0-999; label_template.json gives the template of each. The test rows are not "
    "here. 2.1 % of the products are protected ones.",
)
