"""Self-feedback: embed -> cluster -> read the types from the inputs -> let the encoder learn to -> embed anew ...

Rounds can be compared, which those of the published code cannot: numbers of types are aligned with the round before,
the hold-out inside train is the same in every round, and the criterion is measured on the vectors of the first encoder
throughout. The best round is kept with the encoder that made it. Every round leaves a folder of frozen types and a
record, written last, so a loop that was cut off goes on behind its last record. How an encoder learns is the caller's
affair; nothing here trains or needs torch.

Legend: ``n`` rows, ``k`` types.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from retort.config import as_dict
from retort.elicitation.annotating import FittedAnnotator, Parts, fit_annotator, split_within
from retort.elicitation.checks import Labels
from retort.elicitation.clustering import (
    adjusted_rand,
    align,
    cluster,
    normalised_entropy,
    sizes,
)
from retort.elicitation.frozen import FrozenTypes, TrainTypes, TypesCard
from retort.elicitation.information import Information, UsableInformation
from retort.elicitation.projection import Projection, fit_projection
from retort.elicitation.rounds import FeedbackConfig, Round, read_round, reason_to_stop, write_round
from retort.elicitation.selection import Cell
from retort.elicitation.vectors import TextVectors, encoding_named
from retort.errors import DataError

N = TypeVar("N")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Encoder(Generic[N]):
    """An encoder, and where its weights are kept.

    Attributes:
        network: What the caller embeds with.
        folder: Its model folder; None where it was never on disk.
    """

    network: N
    folder: Path | None = None


Update = Callable[[Labels, int], Encoder[N]]
"""Returns the encoder that has learned labels [n] after a round; always from the same start, whatever came before."""


@dataclass(frozen=True, eq=False)
class TrainRows(Generic[N]):
    """The train rows of one task, and how they are looked at.

    Attributes:
        task: The task.
        rows: Their numbers in the prepared folder, int64 [n].
        groups: Ids [n] of rows with the same input, which no split parts.
        embed: Returns the vectors of all rows by an encoder's network.
        criterion: Usable information about the targets, on the vectors of the first encoder.
        provenance: What is written into every artefact.
    """

    task: str
    rows: Labels
    groups: Labels
    embed: Callable[[N], TextVectors]
    criterion: UsableInformation
    provenance: Mapping[str, Any]

    def parts(self, config: FeedbackConfig) -> Parts:
        """Return the parts of the rows, the same in every round of every cell; raises as :func:`split_within`."""
        return split_within(len(self.rows), config.hold_out, config.seed, self.groups)


@dataclass(frozen=True)
class Feedback:
    """A loop that has ended.

    Attributes:
        rounds: Figures, first to last.
        best: Number of the round with the greatest criterion; of equals the first.
        stop: Why there was no further round.
        folder: Frozen types of the best round.
    """

    rounds: tuple[Round, ...]
    best: int
    stop: str
    folder: Path


def self_feedback(
    cell: Cell,
    data: TrainRows[N],
    start: Encoder[N],
    config: FeedbackConfig,
    output: Path,
    *,
    update: "Update[N] | None" = None,
    say: Say = print,
) -> Feedback:
    """Run the rounds of one cell, or go on with those that ``output`` holds.

    Args:
        cell: Encoding and number of types.
        data: The train rows.
        start: The encoder of the first round.
        config: How.
        output: Receives ``round-<number>/`` and ``round-<number>.json``.
        update: How the encoder learns; without it there is one round.
        say: Told about every round that is made, and of several which is kept.

    Raises:
        DataError: The rows cannot be made into so many types.
        ConfigError: ``output`` holds the rounds of another loop.
        OutputError: The disk is full or may not be written.
    """
    loop = _Loop(cell, data, start, config, output, update, say)
    rounds: list[Round] = []
    made = 0
    while not (stop := loop.stop(rounds)):
        try:
            stored = loop.stored(len(rounds))
            rounds.append(loop.turn(len(rounds)) if stored is None else stored)
            made += stored is None
        except DataError as error:
            if not rounds:
                raise
            stop = f"round {len(rounds)} failed: {error}"
            break
    best = max(range(len(rounds)), key=lambda i: (rounds[i].information, -i))
    if made and len(rounds) > 1:
        say(f"{cell}: {stop}; round {best} is kept")
    return Feedback(tuple(rounds), best, stop, loop.folder(best))


@dataclass(frozen=True, eq=False)
class _Loop(Generic[N]):
    cell: Cell
    data: TrainRows[N]
    start: Encoder[N]
    config: FeedbackConfig
    output: Path
    update: "Update[N] | None"
    say: Say

    def folder(self, number: int) -> Path:
        return self.output / f"round-{number}"

    def _record(self, number: int) -> Path:
        return self.output / f"round-{number}.json"

    def stop(self, rounds: list[Round]) -> str:
        """Return why there is no further round; empty where there is one."""
        return reason_to_stop(rounds, self.config, learns=self.update is not None)

    def stored(self, number: int) -> Round | None:
        """Return a round that was made before; raises ConfigError where it is of another loop."""
        return read_round(self._record(number), self._settings)

    def turn(self, number: int) -> Round:
        """Make the next round and leave it in the output folder."""
        before = FrozenTypes.load(self.folder(number - 1)).train.labels if number else None
        encoder = self.start
        if before is not None and self.update is not None:
            encoder = self.update(before, number - 1)
        done, types = self._made(number, encoder, self.data.embed(encoder.network), before)
        types.save(self.folder(number))
        write_round(self._record(number), done, self._settings)
        self.say(f"{self.cell}, {len(self.data.rows):,} rows, round {number}: {done}")
        return done

    def _made(
        self, number: int, encoder: Encoder[N], texts: TextVectors, before: Labels | None
    ) -> tuple[Round, FrozenTypes]:
        config, types = self.config, self.cell.types
        projection = _fit_projection(texts, self.cell.encoding, config)
        vectors = texts.behind(projection, encoding_named(self.cell.encoding)).values
        found = cluster(vectors, types, config.seed, config.starts)
        if before is not None:
            found = found.renumbered(align(found.assign(vectors), before, types))
        labels = found.assign(vectors)
        fitted = self._annotator(texts, labels)
        worth = self.data.criterion.of(labels, types)
        folder = None if encoder.folder is None else str(encoder.folder)
        done = Round(
            number,
            texts.origin.encoder,
            folder,
            tuple(sizes(labels, types).tolist()),
            normalised_entropy(sizes(labels, types)),
            None if before is None else adjusted_rand(labels, before),
            None if before is None else float((labels == before).mean()),
            worth.value,
            worth.standard_error,
            fitted.report.as_dict(),
            float((fitted.out_of_fold.argmax(axis=1) == labels).mean()),
            fitted.unconverged + worth.unconverged,
        )
        train = TrainTypes(self.data.rows, labels, fitted.out_of_fold.astype(np.float32))
        return done, FrozenTypes(self._card(done, worth), projection, found, train, fitted.head)

    def _annotator(self, texts: TextVectors, labels: Labels) -> FittedAnnotator:
        config, groups = self.config, self.data.groups
        return fit_annotator(
            texts.inputs,
            labels,
            self.cell.types,
            self.data.parts(config),
            size=config.input_size,
            count=config.folds,
            seed=config.seed,
            groups=groups,
        )

    def _card(self, done: Round, worth: Information) -> TypesCard:
        figures = {key: value for key, value in asdict(done).items() if key != "encoder"}
        report = {**figures, "train_majority": worth.majority, "train_rows": len(self.data.rows)}
        provenance = {**self.data.provenance, "feedback": as_dict(self.config), "round": done.number}
        return TypesCard(
            self.data.task,
            encoding_named(self.cell.encoding),
            self.cell.types,
            "probe",
            done.encoder_sha256,
            done.encoder,
            provenance=provenance,
            report=report,
        )

    @property
    def _settings(self) -> dict[str, Any]:
        """What the figures of a round depend on; the number of rounds is not among it."""
        config = {key: value for key, value in as_dict(self.config).items() if key not in ("rounds", "patience")}
        cell = {"encoding": self.cell.encoding, "types": self.cell.types}
        plain = {**cell, "task": self.data.task, "rows": len(self.data.rows), "feedback": config}
        return {**plain, **self.data.provenance}


def _fit_projection(texts: TextVectors, encoding: str, config: FeedbackConfig) -> Projection:
    """Fit to the texts where the projection comes before their combination, else to the combination."""
    if config.projection == "random":
        return fit_projection("random", texts.inputs, config.kept, config.seed)
    vectors = texts.reaction(encoding_named(encoding)).values
    return fit_projection(config.projection, vectors, min(config.kept, *vectors.shape), config.seed)
