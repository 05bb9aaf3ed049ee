"""A prepared folder of planted reactions: what elicitation is tried on where the types are known."""

import csv
from collections.abc import Sequence
from pathlib import Path

from retort.chem.smiles import canonicalize
from retort.config import as_dict
from retort.elicitation.planted_texts import PlantedTexts, planted_texts
from retort.models.checkpoint import replacing
from retort.prompting.task import Question
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.elicitation_config import PLANTED, PlantedSet
from retort.recipes.pairs_folder import write_pairs

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
    held = config.rows // _VALID
    parts = {"train": range(held, config.rows), "valid": range(held)}
    pairs = {name: [(Question(TASK, inputs[i]).prompt, targets[i]) for i in rows] for name, rows in parts.items()}
    about = {"config": as_dict(config), PLANTED: planted.types[parts["train"]].tolist()}
    with replacing(folder) as temporary:
        _write_table(temporary / f"{SOURCE}.{TASK}.csv", parts["valid"], inputs, targets, planted)
        write_pairs(temporary, TASK, SOURCE, pairs, Vocabulary.build([*inputs, *targets]), about)
    return folder


def _write_table(
    path: Path, rows: Sequence[int], inputs: Sequence[str], targets: Sequence[str], planted: PlantedTexts
) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["input", "target", "planted"])
        writer.writerows([inputs[i], targets[i], int(planted.types[i])] for i in rows)
