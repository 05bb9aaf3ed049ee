"""Which rows with molecules are made; apart from their making, so that reading it needs no RDKit."""

from dataclasses import dataclass
from pathlib import Path

from retort.config import option
from retort.errors import ConfigError
from retort.prompting.molecules import InputMode


@dataclass(frozen=True, slots=True)
class MoleculeRows:
    """Which rows are made."""

    records: Path | None = option(None, help="prepared folder whose clean reactions give the rows of tasks")
    tasks: tuple[str, ...] = option((), help="tasks of reactions")
    molecules: tuple[str, ...] = option((), help="sources of molecules, for smiles_text and graph_to_smiles")
    described: tuple[str, ...] = option((), help="sources of molecules with descriptions or names")
    procedures: tuple[str, ...] = option(
        (), help="sources of reactions whose procedures are read with molecules in them"
    )
    protect: tuple[str, ...] = option(
        (), help="sources whose held-out rows are kept out; all benchmarks if none is named"
    )
    mode: InputMode = option("graph", help="what is given of a molecule: graph, string or both")
    limit: int | None = option(None, help="rows read of each source and kind of text, at most; all by default")
    valid_share: float = option(0.05, help="share of molecules held out, by a hash of the molecule, 0..1")
    vocabulary: Path | None = option(None, help="vocabulary.json to start from; made of the train rows if absent")

    def __post_init__(self) -> None:
        if self.tasks and self.records is None:
            raise ConfigError("rows.tasks needs rows.records.", "Name a prepared folder.")
        if not (self.tasks or self.molecules or self.described or self.procedures):
            raise ConfigError("rows names neither tasks, molecules nor procedures.", "Name some.")
