"""The whole of USPTO-1k-TPL: 445,000 reactions with one of 1,000 template classes."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import table_rows
from retort.data.records import RawRow
from retort.data.source import Source
from retort.errors import InputFileError

_STEMS = {"train": "uspto_1k_TPL_train_valid.tsv", "test": "uspto_1k_TPL_test.tsv"}
_NEEDED = {"canonical_rxn", "labels"}


def _read(path: Path) -> Iterator[RawRow]:
    candidates = {split: [path / stem, path / f"{stem}.gzip"] for split, stem in _STEMS.items()}
    files = {split: file for split, names in candidates.items() for file in names[::-1] if file.is_file()}
    if not files:
        raise InputFileError(f"{path} holds none of {', '.join(_STEMS.values())} (.gzip too).", SOURCE.how_to_get)
    for split, file in files.items():
        for line, row in enumerate(table_rows(file, "\t"), 1):
            if not row.keys() >= _NEEDED:
                raise InputFileError(f"{file} lacks canonical_rxn or labels.", f"Its columns are: {', '.join(row)}.")
            yield RawRow(
                id=f"uspto_1k_tpl_full:{split}:{line}",
                split=split,
                reaction=row["canonical_rxn"],
                roles="mixed",
                origin=row.get("source", ""),
                year=int(float(row["year"])) if row.get("year") else None,
                template_class=int(row["labels"]),
            )


SOURCE = Source(
    name="uspto_1k_tpl_full",
    title="USPTO-1k-TPL, 1,000 template classes, reagents among the precursors (path to the unpacked folder)",
    origin="Schwaller et al. 2021, https://github.com/rxn4chemistry/rxnfp, from D. Lowe's patent text mining",
    licence="not stated: do not redistribute",
    rows={"train": 400_604, "test": 44_511},
    published_split=True,
    how_to_get="MappingChemicalReactions.zip from https://ibm.box.com/v/MappingChemicalReactions; then path = its "
    "folder data_set with uspto_1k_TPL_train_valid.tsv.gzip and uspto_1k_TPL_test.tsv.gzip.",
    read=_read,
    note="Row counts as used by others, checksum unknown; classes are strongly imbalanced. Patent reactions: protected "
    "products occur.",
)
