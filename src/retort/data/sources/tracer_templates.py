"""TRACER: a template label and the main reactant in, the product out."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import line_pairs, untokenized
from retort.data.records import RawRow
from retort.data.source import Source, under

_FOLDER = "tracer_templates"


def _read(root: Path) -> Iterator[RawRow]:
    for split in ("valid", "test"):
        files = (root / _FOLDER / f"{side}_{split}.txt.xz" for side in ("src", "tgt"))
        for line, source, target in line_pairs(*files):
            token, _, reactant = source.partition(" ")
            yield RawRow(
                id=f"tracer_templates:{split}:{line}",
                split=split,
                reaction=f"{untokenized(reactant)}>>{untokenized(target)}",
                label=token.strip("[]"),
            )


SOURCE = Source(
    name="tracer_templates",
    title="TRACER: template label and main reactant to product",
    origin="TRACER (sekijima-lab), curated from USPTO-1k-TPL, D. Lowe's patent text mining",
    licence="CC0-1.0 (patent reactions)",
    files=under(
        "tracer_templates",
        {
            "src_valid.txt.xz": "e5be2cbeab48d1b37eddbeccfbf54284b2a96a08796946187ae19edf94fa2641",
            "tgt_valid.txt.xz": "d153ba3467f50ea544db459f3f50c13f47f4a965c9c8801d4388e189d5bb70fe",
            "src_test.txt.xz": "51e19a820ceadc42f3062933c20a4dcd52b5ea4c4c939fd74236db0a22bc4333",
            "tgt_test.txt.xz": "07b5ae6e06ee0711872570284164131affde33e75c985ac9a742e8b7879d1f71",
        },
    ),
    rows={"valid": 40_604, "test": 44_511},
    how_to_get="Folder data/USPTO of https://github.com/sekijima-lab/TRACER; compress src_* and tgt_* with xz, put "
    "into tracer_templates/.",
    read=_read,
    note="The train part is not here: cut it by product. Only the main reactant is written: not a whole "
    "reaction. label: template class. 3.3 % of the products are protected ones.",
)
