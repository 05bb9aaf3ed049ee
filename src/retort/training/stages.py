"""Progressive training in stages: each a mixture of rows, a policy, a budget, and the folder it starts from.

What a stage trains is what its policy names, whatever the stage is called. Its folder is complete: the next stage
starts from it alone, and a stage whose folder is there is not run again. Several processes (``torchrun``) take
neighbouring batches of one stream, and a step is the mean of theirs; they go on exactly where dropout is off, for the
random numbers of the first process alone are remembered.

Legend: a *place* is what a token takes in a sequence: a word of the vocabulary, or one token of a molecule.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs

from retort.config import as_dict, option
from retort.data.molecule_rows import RowFolder, RowTable
from retort.errors import ConfigError, DataError, ModelError, UnknownNameError
from retort.models.adapters import Policy, apply_policy
from retort.models.device import DeviceName, Precision, autocast, pick_device
from retort.models.multimodal import MultimodalModel, MultimodalSeq2Seq
from retort.models.multimodal_batch import Collator, MultimodalBatch, spread, truncate
from retort.models.protocol import IGNORED
from retort.prompting.dialogue import EncodedRow
from retort.training.ranker import rate
from retort.training.stage_state import Progress, recall, remember

_POOL = 32  # batches whose rows are sorted by length together, so that little is padding
_SCHEDULE = 10_000


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a chain."""

    name: str = option(help="Name of the stage and of its folder.")
    mixture: Mapping[str, float] = option(help="Kind of rows -> its share of the rows that are drawn.")
    policy: Policy = field(default_factory=Policy, metadata={"help": "what is trained"})
    places: int = option(1_000_000, help="Budget: places of all batches, padding left out.")
    peak_learning_rate: float = option(1e-3, help="Peak of AdamW; 5 % of the budget warm up, then it falls linearly.")
    start: str = option("", help="Name of the stage whose folder to start from; the one before by default.")

    def __post_init__(self) -> None:
        if not self.mixture or min(self.mixture.values()) <= 0:
            raise ConfigError(f"stage {self.name!r} has the mixture {dict(self.mixture)}.", "Give shares above zero.")
        if self.places < 1 or self.peak_learning_rate <= 0:
            raise ConfigError(f"stage {self.name!r} needs a budget and a learning rate above zero.")
        if self.policy.name == "frozen":
            raise ConfigError(f"stage {self.name!r} trains nothing: its policy is 'frozen'.", "Name another policy.")


@dataclass(frozen=True, slots=True)
class StageTraining:
    """What all stages of a chain have in common."""

    places_per_batch: int = option(4096, help="Places of a batch, padding included.")
    limit: int = option(512, help="Longest row in places; a longer one is cut at its end.")
    weight_decay: float = option(0.01, help="Decoupled weight decay of matrices.")
    clip_norm: float = option(1.0, help="Largest gradient norm; a larger gradient is scaled down.")
    evaluate_rows: int = option(200, help="Held-out rows of each kind that are looked at, at most.")
    save_places: int = option(1_000_000, help="Places after which a stage is saved, to go on from when it is cut off.")
    device: DeviceName = option("auto", help="Where to compute.")
    precision: Precision = option(
        "auto", help="bf16 autocast or fp32; auto takes bf16 on CUDA and fp32 elsewhere. Weights stay in fp32."
    )
    seed: int = option(0, help="Seed of weights, order and dropout.")

    def __post_init__(self) -> None:
        if self.save_places < 1:
            raise ConfigError(f"save_places is {self.save_places}.", "Give a number above zero.")
        if self.limit < 1 or self.places_per_batch < self.limit or self.evaluate_rows < 1:
            raise ConfigError(
                f"a batch of {self.places_per_batch} places does not hold a row of {self.limit}.",
                "Raise places_per_batch, or lower limit.",
            )


@dataclass(frozen=True, slots=True)
class StageReport:
    """What a stage did.

    Attributes:
        trained: Names of the trained parameters.
        steps: Optimiser steps.
        places: Places seen, padding left out.
        drawn: Kind -> rows drawn.
        cut: Rows that were longer than the limit.
        silent: Rows of which nothing was left to learn; they took no part.
        first_loss, last_loss: Mean train loss of the first and last tenth of the steps, in nats per learned token.
        before, after: Kind -> held-out loss in nats per learned token, before and after the stage.
    """

    trained: tuple[str, ...]
    steps: int
    places: int
    drawn: Mapping[str, int]
    cut: int
    silent: int
    first_loss: float
    last_loss: float
    before: Mapping[str, float]
    after: Mapping[str, float]


class Draws:
    """Endless rows of a mixture: kinds by their shares, the rows of a kind in a new order each time around.

    Attributes:
        drawn: Kind -> rows drawn so far.
        cut: Rows that were too long.
        silent: Rows of which nothing was left to learn.
    """

    def __init__(self, folder: RowFolder, stage: Stage, collator: Collator, seed: int) -> None:
        self._folder, self._collator = folder, collator
        self._random = np.random.default_rng(seed)
        self._kinds = sorted(stage.mixture)
        shares = np.array([stage.mixture[kind] for kind in self._kinds])
        self._shares = shares / shares.sum()
        self._rows = {kind: self._around(kind) for kind in self._kinds}
        self.drawn = dict.fromkeys(self._kinds, 0)
        self.cut = self.silent = 0

    def take(self) -> EncodedRow:
        """Return the next row, cut to the limit."""
        while True:
            kind = self._kinds[self._random.choice(len(self._kinds), p=self._shares)]
            row = next(self._rows[kind])
            self.drawn[kind] += 1
            fitted = truncate(row, self._collator.lengths(row), self._collator.limit)
            self.cut += len(fitted.ids) < len(row.ids)
            if any(fitted.learned):
                return fitted
            self.silent += 1
            if self.silent > 1000 and self.silent > sum(self.drawn.values()) // 2:
                raise DataError("most rows have nothing to learn within the limit.", "Raise training.limit.")

    def batches(self, size: int) -> Iterator[list[EncodedRow]]:
        """Yield batches of rows of similar length, of at most so many places each."""
        while True:
            pool, width = list[EncodedRow](), 0
            while width < _POOL * size:
                pool.append(self.take())
                width += self.width(pool[-1])
            made = list(_packed(sorted(pool, key=self.width), [self.width(row) for row in pool], size))
            for place in self._random.permutation(len(made)):
                yield made[place]

    def groups(self, size: int, count: int) -> Iterator[list[list[EncodedRow]]]:
        """Yield as many neighbouring batches as there are processes, which all draw the same stream."""
        stream = self.batches(size)
        while True:
            yield list(islice(stream, count))

    def width(self, row: EncodedRow) -> int:
        """Return how many places a row takes."""
        return len(row.ids) - len(row.molecules) + sum(self._collator.lengths(row))

    def _around(self, kind: str) -> Iterator[EncodedRow]:
        table = self._folder.table("train", kind)
        if not len(table):
            raise DataError(f"the mixture names {kind!r}, of which there is no train row.")
        while True:
            for index in self._random.permutation(len(table)):
                yield self._folder.row(table, int(index))


def _packed(rows: Sequence[EncodedRow], widths: Sequence[int], size: int) -> Iterator[list[EncodedRow]]:
    """Cut rows of rising width into batches of at most ``size`` places."""
    batch: list[EncodedRow] = []
    for row, width in zip(rows, sorted(widths), strict=True):
        if batch and (len(batch) + 1) * width > size:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def run_stage(
    model: MultimodalModel, folder: RowFolder, stage: Stage, training: StageTraining, memory: Path | None = None
) -> StageReport:
    """Train a model by one stage, in place; it is in evaluation mode afterwards.

    Args:
        model: Starts as the folder that the stage starts from has it, whether the stage was cut off or not.
        folder: Rows.
        stage: The stage.
        training: What all stages share.
        memory: File that a stage which is cut off goes on from; it is removed at the end.

    Raises:
        UnknownNameError: The mixture names a kind of rows that the folder does not have.
        ConfigError: The policy matches no parameter.
        ModelError: The loss is not finite.
    """
    for kind in stage.mixture:
        if kind not in folder.kinds:
            raise UnknownNameError(f"kind of rows in the mixture of stage {stage.name!r}:", kind, folder.kinds)
    accelerator = processes(training)
    torch.manual_seed(training.seed)
    names = apply_policy(model, stage.policy)
    whole = accelerator.prepare(model.to(accelerator.device))
    if accelerator.process_index:
        torch.manual_seed(training.seed + accelerator.process_index)
    collator = Collator(folder.graphs, model.reader.config.tokens, folder.vocabulary.pad_id, training.limit)
    draws = Draws(folder, stage, collator, training.seed)
    optimizer = _optimizer(model, training)
    text = json.dumps([as_dict(stage), as_dict(training)], sort_keys=True)
    progress = recall(memory, text, model, optimizer) if memory else Progress()
    if not progress.losses:
        progress.before = held_out_losses(model, folder, stage, collator, training)
    stream = draws.groups(training.places_per_batch, accelerator.num_processes)
    for group in islice(stream, len(progress.losses), None):
        if progress.places >= stage.places:
            break
        batch = collated(model, collator, group[accelerator.process_index])
        _set_rate(optimizer, stage, progress.places)
        progress.losses.append(_step(accelerator, whole, optimizer, batch, training))
        due = progress.places // training.save_places
        progress.places += sum(draws.width(row) for rows in group for row in rows)
        if memory and accelerator.is_main_process and progress.places // training.save_places > due:
            remember(memory, text, progress, model, optimizer)
    losses, tenth = progress.losses, max(1, len(progress.losses) // 10)
    after = held_out_losses(model, folder, stage, collator, training)
    if memory and accelerator.is_main_process:
        memory.unlink(missing_ok=True)
    return StageReport(
        tuple(names), len(losses), progress.places, draws.drawn, draws.cut, draws.silent,
        float(np.mean(losses[:tenth])), float(np.mean(losses[-tenth:])), progress.before, after,
    )  # fmt: skip


def processes(training: StageTraining) -> Accelerator:
    """Return what the processes of a stage share; a step of text alone leaves some parameters without a gradient."""
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    return Accelerator(cpu=pick_device(training.device).type == "cpu", kwargs_handlers=[unused])


def _set_rate(optimizer: torch.optim.AdamW, stage: Stage, places: int) -> None:
    share = min(_SCHEDULE - 1, int(_SCHEDULE * places / stage.places))
    for group in optimizer.param_groups:
        group["lr"] = stage.peak_learning_rate * rate(share, _SCHEDULE)


def collated(model: MultimodalModel, collator: Collator, rows: Sequence[EncodedRow]) -> MultimodalBatch:
    """Return the batch of rows that a model wants, on its device."""
    batch = collator.seq2seq(rows) if isinstance(model, MultimodalSeq2Seq) else collator.causal(rows)
    return batch.to(next(model.parameters()).device)


@torch.no_grad()
def held_out_losses(
    model: MultimodalModel, folder: RowFolder, stage: Stage, collator: Collator, training: StageTraining
) -> dict[str, float]:
    """Return the mean loss per learned token, in nats, of the first held-out rows of each kind that has any."""
    model.eval()
    found: dict[str, float] = {}
    for kind in sorted(stage.mixture):
        table = folder.table("valid", kind)
        rows = _learnable(folder, table, collator, training.evaluate_rows)
        batches = _packed(rows, [len(spread(row, collator.lengths(row))) for row in rows], training.places_per_batch)
        with autocast(next(model.parameters()).device, training.precision):
            made = _made(model, collator, batches)
            sums = [(-model.log_likelihoods(batch).sum().item(), _labels(model, batch)) for batch in made]
        if sums:
            found[kind] = sum(total for total, _ in sums) / sum(count for _, count in sums)
    return found


def _made(model: MultimodalModel, collator: Collator, batches: Iterator[list[EncodedRow]]) -> Iterator[MultimodalBatch]:
    return (collated(model, collator, rows) for rows in batches)


def _labels(model: MultimodalModel, batch: MultimodalBatch) -> int:
    return int((model.targets(batch) != IGNORED).sum())


def _learnable(folder: RowFolder, table: RowTable, collator: Collator, most: int) -> list[EncodedRow]:
    """Return the first rows of a table of which something is learned, cut to the limit, by rising width."""
    rows = (folder.row(table, index) for index in range(min(most, len(table))))
    fitted = [truncate(row, collator.lengths(row), collator.limit) for row in rows]
    return sorted((row for row in fitted if any(row.learned)), key=lambda row: len(spread(row, collator.lengths(row))))


def _optimizer(model: MultimodalModel, training: StageTraining) -> torch.optim.AdamW:
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": training.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], betas=(0.9, 0.98), fused=True)


def _step(
    accelerator: Accelerator,
    whole: torch.nn.Module,
    optimizer: torch.optim.AdamW,
    batch: MultimodalBatch,
    training: StageTraining,
) -> float:
    """Take one step of all processes; return its loss in nats per learned token."""
    with autocast(accelerator.device, training.precision):
        loss: torch.Tensor = whole.train()(batch)
    optimizer.zero_grad()
    accelerator.backward(loss)
    trained = [parameter for parameter in whole.parameters() if parameter.requires_grad]
    norm = torch.nn.utils.clip_grad_norm_(trained, training.clip_norm)
    if not torch.isfinite(norm):
        raise ModelError(f"the gradient has the norm {norm.item()}.", "Lower the stage's peak_learning_rate.")
    optimizer.step()
    return float(accelerator.reduce(loss.detach(), "mean"))
