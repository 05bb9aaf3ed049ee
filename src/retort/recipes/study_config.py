"""What an arm of a study of types may be told; :mod:`retort.recipes.study` runs it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from retort.config import option
from retort.elicitation.knowledge import Knowledge
from retort.errors import ConfigError
from retort.prompting.reaction_types import Telling
from retort.training.config import TrainingConfig

Wording = Literal["compact", "static", "random", "nearest", "dynamic"]


@dataclass(frozen=True)
class Beam:
    """One way of decoding what an arm has learned."""

    name: str = option("plain", help="name of its files and figures")
    telling: Telling = option(
        "likeliest", help="how types are told: likeliest or mixture; an arm of shares tells those"
    )
    top_types: int = option(3, help="the most types whose answers are mixed")
    beam_size: int = option(10, help="beams per prompt")


@dataclass(frozen=True)
class ArmConfig:
    """One arm: what a model is told of the types of its rows, what it learns, and how it is judged."""

    prepared: Path = option(help="prepared folder of the train rows")
    row_types: Path | tuple[Path, ...] = option(
        help="file of `python -m retort.recipes.row_types`: the types of a task, and its held-out rows; several files, "
        "a task each, for an arm that trains them jointly"
    )
    start_from: Path = option(help="checkpoint that every arm starts from")
    output: Path = option(help="folder that receives data/, and seed-<n>/ with weights, predictions and figures")
    training: TrainingConfig = option(help="the loop; its seed is replaced, and its budget is that of one task")
    knowledge: Knowledge = option("off", help="where the types come from; see retort.elicitation.knowledge")
    wording: Wording = option(
        "compact",
        help="compact prompts, or instructions: the first, by row, nearest, or dynamic: nearest of a few by row",
    )
    instructions: Path | None = option(
        None, help="file of `python -m retort.recipes.instructions`; this package's own instructions by default"
    )
    rows: int = option(20_000, help="train rows of a task, the first of those that types were elicited from")
    watched: int = option(500, help="rows of a task in valid part A that training watches")
    part: str = option("test", help="held-out part that is judged")
    held_out: int | None = option(None, help="its first rows; all by default")
    seeds: tuple[int, ...] = option((0,), help="a training each")
    max_length: int = option(192, help="longest answer in tokens")
    batch_size: int = option(32, help="prompts decoded together")
    beams: tuple[Beam, ...] = option((Beam(),), help="ways of decoding")

    @property
    def type_files(self) -> tuple[Path, ...]:
        """The files of types, one for each task."""
        return (self.row_types,) if isinstance(self.row_types, Path) else self.row_types

    def __post_init__(self) -> None:
        if not self.type_files:
            raise ConfigError("an arm needs a file of types.", "Name one for each of its tasks.")
        mixed = [beam.name for beam in self.beams if beam.telling == "mixture"]
        if mixed and self.knowledge not in ("predicted", "out_of_fold"):
            raise ConfigError(
                f"the beam {mixed[0]!r} mixes types, which knowledge = {self.knowledge!r} does not read.",
                "Mix where types are read from the input: predicted or out_of_fold.",
            )
        if any(beam.telling == "shares" for beam in self.beams):
            raise ConfigError("shares are told by knowledge = 'soft', not by a way of decoding.")
        if self.instructions is not None and self.wording == "compact":
            raise ConfigError(
                "compact prompts have no instructions.", "Choose another wording, or name no file of them."
            )
        if not self.seeds or len({beam.name for beam in self.beams}) < max(1, len(self.beams)):
            raise ConfigError("an arm needs a seed and ways of decoding with different names.")
