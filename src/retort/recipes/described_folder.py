"""A prepared folder of described molecules: a text is asked, a molecule is the answer (``text_to_molecule``).

Types are elicited from it. Molecules of held-out benchmark rows, and those that names and descriptions hold out for
testing, are left out, and counted, as everywhere.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from retort.config import as_dict
from retort.data.clean import clean_described
from retort.data.protected import Protection, protected_molecules
from retort.data.records import MoleculeRow, Rejection
from retort.data.source import SOURCES
from retort.data.splits import TEST, TRAIN, molecule_part
from retort.errors import DataError
from retort.models.checkpoint import replacing
from retort.prompting.task import Question
from retort.prompting.vocabulary import Vocabulary, as_text
from retort.recipes.elicitation_config import DescribedSet
from retort.recipes.pairs_folder import write_pairs

TASK = "text_to_molecule"


def write_described(folder: Path, config: DescribedSet, say: Callable[[str], None] = print) -> Path:
    """Write a prepared folder; its manifest counts what was left out.

    Raises:
        UnknownNameError: There is no such source.
        DataError: The source is not there or holds no such texts, or a part would be empty.
        OutputError: The disk is full or may not be written.
    """
    source = SOURCES.get(config.source)
    if source.kind != "molecules":
        raise DataError(f"source {source.name!r} holds {source.kind}.", "Name a source of molecules.")
    protection, counts = protected_molecules(config.protect), Counter[str]()
    rows = [row for row in source.read(source.root()) if isinstance(row, MoleculeRow) and row.text_kind == config.text]
    parts: dict[str, list[tuple[str, str]]] = {"train": [], "valid": []}
    for part, text, smiles in _kept(source.name, rows, config.longest, protection, counts):
        parts["train" if part == TRAIN else "valid"].append((Question(TASK, as_text(text)).prompt, smiles))
    if not all(parts.values()):
        raise DataError(f"{source.name!r} gives {len(parts['train'])} train and {len(parts['valid'])} held-out rows.")
    say(f"{source.name}: {len(parts['train']):,} train, {len(parts['valid']):,} held out; left out: {dict(counts)}")
    vocabulary = (
        Vocabulary.load(config.vocabulary) if config.vocabulary else Vocabulary.build(s for _, s in parts["train"])
    )
    about = {"config": as_dict(config), "left_out": dict(counts), "protected": dict(protection.counts)}
    with replacing(folder) as temporary:
        write_pairs(temporary, TASK, source.name, parts, vocabulary, about)
    return folder


def _kept(
    source: str, rows: list[MoleculeRow], longest: int, protection: Protection, counts: Counter[str]
) -> Iterator[tuple[str, str, str]]:
    """Yield part, text and canonical SMILES; what is left out is counted."""
    for row in rows:
        made = clean_described(row, source)
        if isinstance(made, Rejection):
            counts[made.reason] += 1
            continue
        words, part = made.record.words, molecule_part(made.keys.products[0])
        if not words or len(words) > longest:
            counts["no text" if not words else f"text longer than {longest} characters"] += 1
        elif part == TEST:
            counts["held out for testing"] += 1
        elif (holder := protection.holder_of(made.keys)) is not None:
            counts[f"leak: a molecule of {holder}"] += 1
        else:
            yield part, words, ".".join(made.record.reaction.products)
