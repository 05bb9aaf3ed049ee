"""A tiny prepared folder of eight real reactions, and a tiny model card for it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from retort.data.prepare import encode_examples, write_arrays, write_manifest
from retort.data.records import Example
from retort.models.backbone import Seq2SeqConfig
from retort.prompting.vocabulary import Vocabulary

# Textbook reactions: amide and ester formation, Suzuki, Buchwald-Hartwig, reductions, protections, SNAr.
REACTIONS = [
    ("CC(=O)Cl.Nc1ccc(O)cc1", "CC(=O)Nc1ccc(O)cc1"),
    ("CCO.O=C(O)c1ccccc1", "CCOC(=O)c1ccccc1"),
    ("Brc1ccccc1.OB(O)c1ccncc1", "c1ccc(-c2ccncc2)cc1"),
    ("C1COCCN1.COc1ccc(I)cc1", "COc1ccc(N2CCOCC2)cc1"),
    ("O=Cc1ccc(Cl)cc1", "OCc1ccc(Cl)cc1"),
    ("CC(C)(C)OC(=O)OC(=O)OC(C)(C)C.C1CCNCC1", "CC(C)(C)OC(=O)N1CCCCC1"),
    ("CN.O=[N+]([O-])c1ccc(F)cc1", "CNc1ccc([N+](=O)[O-])cc1"),
    ("C[C@H](N)C(=O)O.O=C(Cl)OCc1ccccc1", "C[C@H](NC(=O)OCc1ccccc1)C(=O)O"),
]
TASKS = ("forward_prediction", "retrosynthesis")


def questions() -> list[Example]:
    """Every reaction as a forward and as a backward question."""
    examples = []
    for row, (reactants, product) in enumerate(REACTIONS):
        examples.append(Example(row, "forward_prediction", f"<forward_prediction>{reactants}", product))
        examples.append(Example(row, "retrosynthesis", f"<retrosynthesis>{product}", reactants))
    return examples


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return Vocabulary.build([text for pair in REACTIONS for text in pair], min_count=1)


@pytest.fixture(scope="session")
def examples() -> list[Example]:
    return questions()


@pytest.fixture
def prepare(tmp_path: Path, vocabulary: Vocabulary) -> Callable[[int], Path]:
    """Write the questions as a prepared folder, each train row in the given number of equal copies."""

    def write(copies: int = 1) -> Path:
        folder = tmp_path / f"prepared{copies}"
        folder.mkdir()
        vocabulary.save(folder / "vocabulary.json")
        rows = {}
        for split, k in (("train", copies), ("valid", 1)):
            encoded = (encode_examples([e] * k, TASKS.index(e.task), vocabulary) for e in questions())
            rows[split] = {"rows": write_arrays(folder, split, encoded, k)}
        write_manifest(
            folder,
            {
                "copies": {"train": copies, "valid": 1},
                "tasks": list(TASKS),
                "vocabulary_size": len(vocabulary),
                "vocabulary_sha256": vocabulary.sha256,
                "splits": rows,
            },
        )
        return folder

    return write


@pytest.fixture
def prepared(prepare: Callable[[int], Path]) -> Path:
    return prepare(1)


@pytest.fixture
def card() -> Seq2SeqConfig:
    return Seq2SeqConfig(
        d_model=48, d_kv=16, d_ff=96, layers=1, decoder_layers=1, heads=3, relative_attention_buckets=32
    )
