"""A prepared folder of planted reactions: what elicitation is tried on where the types are known."""

import csv
from collections.abc import Sequence
from pathlib import Path

from retort.chem.smiles import canonicalize
from retort.config import as_dict
from retort.data.prepare import encode_examples, write_arrays, write_manifest
from retort.data.records import Example
from retort.elicitation.planted_texts import PlantedTexts, planted_texts
from retort.models.checkpoint import replacing
from retort.prompting.task import Question
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.elicitation_config import PLANTED, PlantedSet

TASK, SOURCE = "forward_prediction", "planted"
_VALID = 5  # one row in so many is held out


def write_planted(folder: Path, config: PlantedSet) -> Path:
    """Write a prepared folder; its manifest has the planted type of every train row, a table those of held-out rows.

    Raises:
        ConfigError: So many types cannot be planted in so many rows.
        OutputError: The disk is full or may not be written.
    """
    planted = planted_texts(config.rows, config.types, config.seed)
    inputs, targets = ([canonicalize(text) for text in side] for side in (planted.inputs, planted.targets))
    vocabulary = Vocabulary.build([*inputs, *targets])
    held = config.rows // _VALID
    parts = {"train": range(held, config.rows), "valid": range(held)}
    with replacing(folder) as temporary:
        vocabulary.save(temporary / "vocabulary.json")
        counts = {}
        for name, rows in parts.items():
            examples = (Example(i, TASK, Question(TASK, inputs[i]).prompt, targets[i]) for i in rows)
            encoded = (encode_examples([example], 0, vocabulary) for example in examples)
            counts[name] = {"rows": write_arrays(temporary, name, encoded, 1)}
        _write_table(temporary / f"{SOURCE}.{TASK}.csv", parts["valid"], inputs, targets, planted)
        write_manifest(
            temporary,
            {
                "copies": dict.fromkeys(parts, 1),
                "tasks": [TASK],
                "sources": [SOURCE],
                "vocabulary_size": len(vocabulary),
                "vocabulary_sha256": vocabulary.sha256,
                "splits": counts,
                "config": as_dict(config),
                PLANTED: planted.types[parts["train"]].tolist(),
            },
        )
    return folder


def _write_table(
    path: Path, rows: Sequence[int], inputs: Sequence[str], targets: Sequence[str], planted: PlantedTexts
) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["input", "target", "planted"])
        writer.writerows([inputs[i], targets[i], int(planted.types[i])] for i in rows)
