"""USPTO-50k with the split of Liu et al. 2017, written as tokens with a class token in front."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import line_pairs, untokenized
from retort.data.records import RawRow
from retort.data.source import Source, under

_FOLDER = "uspto_50k/liu2017_split"


def _read(root: Path) -> Iterator[RawRow]:
    for split in ("train", "valid", "test"):
        files = (root / _FOLDER / f"{split}_{side}.txt.xz" for side in ("sources", "targets"))
        for line, source, target in line_pairs(*files):
            token, _, product = source.partition(" ")
            yield RawRow(
                id=f"uspto_50k_liu:{split}:{line}",
                split=split,
                reaction=f"{untokenized(target)}>>{untokenized(product)}",
                reaction_class=int(token.removeprefix("<RX_").removesuffix(">")),
            )


SOURCE = Source(
    name="uspto_50k_liu",
    title="USPTO-50k, split of Liu et al. 2017, ten reaction classes, stereo, no reagents",
    origin="Liu et al. 2017 (seq2seq retrosynthesis) from Schneider et al. 2016 and D. Lowe's patent text mining",
    licence="CC0-1.0",
    files=under(
        "uspto_50k/liu2017_split",
        {
            "train_sources.txt.xz": "ba7f04cc767bc729d360787bf4eab6c8b04543f35a121493928ae21968f764ad",
            "train_targets.txt.xz": "af76a8344ed2061cd019aa2441f953416eda79f3c55e35c8b10f4f0164d1fd6c",
            "valid_sources.txt.xz": "98cdac13a62931f2eced768d0b8534a43f33df6a65ac442e94f5900054326f2d",
            "valid_targets.txt.xz": "af484f958ef9e2d2bdc1a8baf618674da457fda32c77999e0e2dd335edf949df",
            "test_sources.txt.xz": "4c2f169254eca07ec160773d1613278479f3e326585367d915636327d705fe71",
            "test_targets.txt.xz": "224ced5480ce1f297d9fafb1fe121d2c9517b42dc49cf00e31c5be396c3602b6",
        },
    ),
    rows={"train": 40_029, "valid": 5_004, "test": 5_004},
    published_split=True,
    how_to_get="https://github.com/pandegroup/reaction_prediction_seq2seq; compress each file with xz, put them into "
    "uspto_50k/liu2017_split/.",
    read=_read,
    note="Never mix with the Dai split: 78.6 % of its test reactions are train rows here. Separate models only.",
)
