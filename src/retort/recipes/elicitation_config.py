"""What an elicitation may be told; :mod:`retort.recipes.elicit` runs it."""

from dataclasses import dataclass
from pathlib import Path

from retort.config import option
from retort.elicitation.frozen import Reading
from retort.elicitation.information import InformationConfig
from retort.elicitation.rounds import FeedbackConfig
from retort.elicitation.vectors import PUBLISHED, encoding_named
from retort.errors import ConfigError
from retort.models.backbone import Seq2SeqConfig
from retort.recipes.elicitation_table import Rule
from retort.training.config import TrainingConfig

PLANTED = "planted_types"  # key of a manifest: the planted type of every train row


@dataclass(frozen=True)
class PlantedSet:
    """Planted reactions to write."""

    rows: int = option(0, help="Rows to plant, a fifth of them held out, where the prepared folder is not there yet.")
    types: int = option(6, help="Planted types, 2 to 10.")
    seed: int = option(0, help="Seed of the reactions.")


@dataclass(frozen=True)
class DescribedSet:
    """Described molecules to write as rows of text_to_molecule."""

    source: str = option("", help="Source of molecules with texts, where the prepared folder is not there yet.")
    text: str = option("description", help="Kind of text that is asked: description or name.")
    longest: int = option(1000, help="Longest text in characters; longer ones are left out, and counted.")
    vocabulary: Path | None = option(None, help="vocabulary.json to use; made of the train rows if absent.")
    protect: tuple[str, ...] = option(
        (), help="Sources whose held-out molecules are left out; all benchmarks if empty."
    )


@dataclass(frozen=True)
class SearchConfig:
    """How the cell is chosen."""

    rows: tuple[float, ...] = option(
        (0.25, 0.5, 1.0), help="Shares of the rows that the rungs of the search measure cells on, the last one 1."
    )
    keep: float = option(0.34, help="Share of the cells of a rung that go on to the next.")
    tolerance: float = option(1.0, help="Standard errors within which cells are alike and the fewest types win.")
    whole_grid: bool = option(True, help="Also measure the cells that the search dropped on all rows.")
    rule: Rule = option(
        "search", help="search, information (criterion over the grid), accuracy or fixed (ten types, as published)."
    )

    def __post_init__(self) -> None:
        if not self.rows or self.rows[-1] != 1.0:
            raise ConfigError(f"search.rows {list(self.rows)} do not end in 1.", "Give e.g. [0.25, 0.5, 1.0].")


@dataclass(frozen=True)
class ElicitConfig:
    """Types to elicit."""

    prepared: Path = option(help="Prepared folder whose train rows are read.")
    output: Path = option(help="Folder that receives encoder/, cells/, cells.json and types/<task>/.")
    types: tuple[int, ...] = option(help="Numbers of types to try.")
    encodings: tuple[str, ...] = option(PUBLISHED, help="Encodings to try; the four published ones by default.")
    tasks: tuple[str, ...] = option(("retrosynthesis",), help="Tasks, each with types of its own.")
    sources: tuple[str, ...] = option((), help="Sources whose rows are used; empty: all.")
    rows: int = option(20_000, help="Train rows of each task, at most, drawn with the seed.")
    longest: int = option(400, help="Rows with more tokens, input and output together, are left out.")
    seed: int = option(0, help="Seed of the drawn rows, and of the weights where no checkpoint is named.")
    start_from: Path | None = option(
        None, help="Model folder whose encoder every cell starts from; none: fresh weights, as a control."
    )
    model: Seq2SeqConfig = option(help="Card of the network with fresh weights.", factory=Seq2SeqConfig)
    reading: Reading = option(
        "probe", help="What reads the frozen types: a probe (needs torch), or a language model that scores (does not)."
    )
    feedback: FeedbackConfig = option(help="The rounds of a cell.", factory=FeedbackConfig)
    information: InformationConfig = option(help="The criterion.", factory=InformationConfig)
    search: SearchConfig = option(help="The choice of the cell.", factory=SearchConfig)
    training: TrainingConfig = option(
        help="How the encoder learns to say the type, between rounds and to score.",
        factory=lambda: TrainingConfig(total_tokens=1_000_000, precision="fp32"),
    )
    planted: PlantedSet = option(help="Planted reactions instead of a prepared folder.", factory=PlantedSet)
    described: DescribedSet = option(help="Described molecules instead of a prepared folder.", factory=DescribedSet)

    def __post_init__(self) -> None:
        for name in self.encodings:
            encoding_named(name)
        if not self.types or not self.encodings or not self.tasks:
            raise ConfigError("there is no cell: types, encodings or tasks are empty.", "Name at least one of each.")
