"""Sentences of experimental procedures and the actions they tell of."""

from collections.abc import Iterator
from pathlib import Path

from retort.data.files import line_pairs
from retort.data.records import TextRow
from retort.data.source import Source, under

_FOLDER = "paragraph2actions"


def _read(root: Path) -> Iterator[TextRow]:
    for split in ("train", "valid", "test"):
        files = (root / _FOLDER / f"{side}-{split}.txt.xz" for side in ("src", "tgt"))
        for line, sentence, actions in line_pairs(*files):
            yield TextRow(
                id=f"paragraph2actions:{split}:{line}",
                split=split,
                kind="procedure to actions",
                input=sentence,
                output=actions,
            )


SOURCE = Source(
    name="paragraph2actions",
    title="Procedure sentences and their actions, samples",
    origin="Vaucher et al. 2020 (paragraph2actions)",
    licence="not stated with the data",
    files=under(
        "paragraph2actions",
        {
            "src-train.txt.xz": "de2723298cfce210a22261ab6164958b0f358b5c3b4d9d21e314d94d4c2a036d",
            "tgt-train.txt.xz": "52c5c01df350129a3cf2b9fa2f4482673cc0eb30880f54d13c3de190f8d32258",
            "src-valid.txt.xz": "9661360087a86d28cb6683556dc93526407d8e0780908995b09e4f9f9be1b308",
            "tgt-valid.txt.xz": "159678e6745e04412f739c5271923d99df2e7a8550af90d00b6f4a324de68588",
            "src-test.txt.xz": "f51d873edc2650bbd1afc32984932fbd112fb47200c0cc27f852b2d6f748a3b1",
            "tgt-test.txt.xz": "7caddc21de2418659035bdd65f2786ea005ec9bd0fe02ca1280b2079a9a31efb",
        },
    ),
    rows={"train": 80, "valid": 10, "test": 10},
    kind="texts",
    published_split=True,
    how_to_get="Test data of https://github.com/rxn4chemistry/paragraph2actions; compress each file with xz, put into "
    "paragraph2actions/.",
    read=_read,
)
