"""A prepared folder of described molecules: a text is asked, a molecule is the answer (``text_to_molecule``).

Molecules of held-out benchmark rows are left out, and counted, as everywhere.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from retort.chem.smiles import canonicalize
from retort.config import as_dict
from retort.data.protected import Protection, protected_molecules
from retort.data.records import MoleculeRow
from retort.data.source import SOURCES
from retort.errors import ChemistryError, DataError
from retort.models.checkpoint import replacing
from retort.prompting.task import Question
from retort.prompting.vocabulary import TEXT_CLOSE, TEXT_OPEN, Vocabulary
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
    for text, smiles in _kept(rows, config.longest, protection, counts):
        unit = int.from_bytes(hashlib.sha256(smiles.encode()).digest()[:8]) / 2**64
        prompt = Question(TASK, f"{TEXT_OPEN}{text}{TEXT_CLOSE}").prompt
        parts["valid" if unit < config.valid_share else "train"].append((prompt, smiles))
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
    rows: list[MoleculeRow], longest: int, protection: Protection, counts: Counter[str]
) -> Iterator[tuple[str, str]]:
    """Yield text and canonical SMILES; what is left out is counted."""
    for row in rows:
        text = row.text.replace(TEXT_CLOSE, " ")
        if not text or len(text) > longest:
            counts["no text" if not text else f"text longer than {longest} characters"] += 1
            continue
        try:
            smiles = canonicalize(row.smiles)
            holder = protection.holder(smiles)
        except ChemistryError:
            counts["unreadable"] += 1
            continue
        if holder is not None:
            counts[f"leak: a molecule of {holder}"] += 1
        else:
            yield text, smiles
