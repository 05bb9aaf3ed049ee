"""A prepared folder of plain pairs of texts: what is asked and answered, row by row, without other spellings."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from retort.data.encode import Encoded
from retort.data.prepare import write_arrays, write_manifest
from retort.prompting.vocabulary import Vocabulary

Pairs = Sequence[tuple[str, str]]


def write_pairs(
    folder: Path, task: str, source: str, parts: Mapping[str, Pairs], vocabulary: Vocabulary, about: Mapping[str, Any]
) -> None:
    """Write vocabulary, arrays and manifest into a folder that exists.

    Args:
        folder: Where.
        task: Name of the task.
        source: Name of the source of all rows.
        parts: ``train`` and ``valid``, each with prompts and answers.
        vocabulary: Turns both into ids.
        about: What else the manifest says.

    Raises:
        ChemistryError: Some text outside of words is not SMILES.
        OutputError: The disk is full or may not be written.
    """
    vocabulary.save(folder / "vocabulary.json")
    counts = {
        name: {"rows": write_arrays(folder, name, _encoded(pairs, vocabulary), 1)} for name, pairs in parts.items()
    }
    manifest = {
        "copies": dict.fromkeys(parts, 1),
        "tasks": [task],
        "sources": [source],
        "vocabulary_size": len(vocabulary),
        "vocabulary_sha256": vocabulary.sha256,
        "splits": counts,
    }
    write_manifest(folder, {**manifest, **about})


def _encoded(pairs: Pairs, vocabulary: Vocabulary) -> Iterator[Encoded]:
    for pair in pairs:
        yield 0, [np.asarray(vocabulary.encode(text), np.uint16) for text in pair]
