"""Schneider 50k: superclass of each product; the precursors are at hand for the test rows alone."""

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

from retort.data.files import line_pairs, lines, untokenized
from retort.data.records import RawRow
from retort.data.source import Source, under

_FOLDER = "schneider_50k"


def _read(root: Path) -> Iterator[RawRow]:
    folder = root / _FOLDER
    precursors = {"train": repeat(""), "test": lines(folder / "precursors-test.txt.xz")}
    for split in ("train", "test"):
        pairs = line_pairs(folder / f"product-{split}.txt.xz", folder / f"class-multi-{split}.txt.xz")
        for (line, product, label), reactants in zip(pairs, precursors[split], strict=False):
            yield RawRow(
                id=f"schneider_50k:{split}:{line}",
                split=split,
                reaction=f"{untokenized(reactants)}>>{untokenized(product)}",
                roles="mixed",
                reaction_class=int(label),
            )


SOURCE = Source(
    name="schneider_50k",
    title="Schneider 50k: superclass 1-10 of products; precursors of test rows only",
    origin="Schneider et al. 2015 from D. Lowe's patent text mining, in the token files of Schwaller et al. (rxnfp)",
    licence="CC0-1.0",
    files=under(
        "schneider_50k",
        {
            "product-train.txt.xz": "8bfa6f23b79db34011029d530717a4d150e6c65782bd9a1a8f11f3228f3a5200",
            "class-multi-train.txt.xz": "2d239cb9717e152748b35f61debdc12ff4c3f12a0136d651095895f6c7e52ef1",
            "product-test.txt.xz": "ec6082dcf04b44e1e3d969a909832c175cb14577d54c30a1033366687ffc0e9d",
            "precursors-test.txt.xz": "ef2ab16f5b742499c785cfa36944284af24a8c3f953aa845c6b1935ba3d4e68e",
            "class-multi-test.txt.xz": "3f8dba3af1cc27a88825cddc428e1a948fb38b8a18bca1cf69f472f6e9887522",
        },
    ),
    rows={"train": 44_980, "test": 5_020},
    published_split=True,
    how_to_get="Supporting information of https://doi.org/10.1021/ci5006614 (ci5006614_si_002.zip), tokenised one "
    "reaction a line; compress with xz, put into schneider_50k/.",
    read=_read,
    note="A train row is '>>product' (cleaning rejects it as 'no reactants'): class from the product. A "
    "set of its own: separate models only.",
)
