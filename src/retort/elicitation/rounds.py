"""How the rounds of self-feedback are set, what is recorded of one, and when there is no further one.

Nothing here computes; a record is a small JSON file, written whole or not at all.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from retort.config import option
from retort.elicitation.projection import Kind
from retort.errors import ConfigError, OutputError

FORMAT, VERSION = "retort-round", 1


@dataclass(frozen=True)
class FeedbackConfig:
    """How one cell is elicited."""

    rounds: int = option(1, help="Most rounds; the encoder learns between two of them, so 1 leaves it as it is.")
    patience: int = option(1, help="End after this many rounds in a row without a greater criterion.")
    settled: float = option(0.99, help="End when the adjusted Rand index with the round before reaches this.")
    projection: Kind = option("none", help="none, pca, or random (the published one), before clustering.")
    kept: int = option(2, help="Components that the projection keeps.")
    starts: int = option(10, help="Starts of k-means, of which the best is taken.")
    hold_out: tuple[float, float] = option(
        (0.01, 0.01), help="Shares of train rows that are watched and tested on, the same in every round."
    )
    input_size: int = option(64, help="Principal components of the input vectors that the annotator reads.")
    folds: int = option(5, help="Folds for types out of fold.")
    seed: int = option(0, help="Seed of projection, clusters, hold-out and folds.")

    def __post_init__(self) -> None:
        if self.rounds < 1 or self.patience < 1:
            raise ConfigError(f"{self.rounds} rounds with patience {self.patience} are no loop.", "Give at least 1.")


@dataclass(frozen=True)
class Round:
    """The figures of one round.

    Attributes:
        number: From 0.
        encoder_sha256: The encoder that made it.
        encoder: Its folder.
        sizes: Rows of each type.
        entropy: Of the sizes, as a share of the greatest possible one.
        agreement: Adjusted Rand index with the round before; None in the first.
        unchanged: Share of rows whose aligned label is that of the round before.
        information: Criterion, nats per row.
        standard_error: Of the criterion.
        held_out: The annotator on the fixed hold-out: accuracy, macro-F1, majority, calibration error, confusion.
        out_of_fold_accuracy: Share of all train rows read right by an annotator that had not seen them.
        unconverged: Fits that did not come to rest.
    """

    number: int
    encoder_sha256: str
    encoder: str | None
    sizes: tuple[int, ...]
    entropy: float
    agreement: float | None
    unchanged: float | None
    information: float
    standard_error: float
    held_out: Mapping[str, Any]
    out_of_fold_accuracy: float
    unconverged: int

    def __str__(self) -> str:
        agreement = "" if self.agreement is None else f", agreement {self.agreement:.3f}"
        return (
            f"criterion {self.information:.4f} +- {self.standard_error:.4f}, accuracy {self.held_out['accuracy']:.3f} "
            f"(majority {self.held_out['majority']:.3f}), entropy {self.entropy:.3f}{agreement}"
        )


def reason_to_stop(rounds: Sequence[Round], config: FeedbackConfig, *, learns: bool) -> str:
    """Return why there is no further round; empty where there is one."""
    if not rounds:
        return ""
    last, values = rounds[-1], [done.information for done in rounds]
    if last.agreement is not None and last.agreement >= config.settled:
        return f"the types have settled: agreement {last.agreement:.3f} with the round before"
    if len(rounds) - 1 - values.index(max(values)) >= config.patience:
        return f"the criterion has not risen for {config.patience} round(s)"
    if len(rounds) >= config.rounds:
        return f"all rounds are done: {config.rounds}"
    return "" if learns else "the encoder does not learn"


def write_round(path: Path, done: Round, settings: Mapping[str, Any]) -> None:
    """Write a record; raises OutputError where the disk is full or may not be written."""
    text = json.dumps({"format": FORMAT, "version": VERSION, "settings": settings, **asdict(done)}, indent=1)
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.write_text(text + "\n", "utf-8")
        draft.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {str(path)!r}: {error.strerror or error}.") from error


def read_round(path: Path, settings: Mapping[str, Any]) -> Round | None:
    """Return a recorded round, or None where there is no record.

    Raises:
        ConfigError: The record is damaged or belongs to a loop with other settings.
    """
    if not path.is_file():
        return None
    try:
        values = json.loads(path.read_text("utf-8"))
        found = [values.pop(key) for key in ("format", "version", "settings")]
        done = Round(**{**values, "sizes": tuple(values["sizes"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"cannot read {str(path)!r}: {error}.", "Delete it to make the round again.") from error
    if found != [FORMAT, VERSION, json.loads(json.dumps(settings))]:
        raise ConfigError(f"{str(path)!r} is of a loop with other settings.", "Choose another output folder.")
    return done
