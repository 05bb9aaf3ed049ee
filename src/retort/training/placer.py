"""Fit a placer: cross-entropy between p(atom, template) and the true template spread over its true atoms.

A run that was stopped goes on from the last whole epoch, and on one CPU thread its weights are those of a run that was
not.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from retort.data.placed_rows import PlacedRows
from retort.errors import ModelError
from retort.models.placer import PlacerSize
from retort.models.placer_network import PaddedGraphs, PlacerNetwork, placing_loss
from retort.training.placer_settings import PlacerTraining
from retort.training.ranker import rate
from retort.training.state import random_state, set_random_state

_SORTED = 100  # batches whose molecules are sorted by size together, so that padding is little
CUTOFFS = (1, 3, 10)


@dataclass(frozen=True, slots=True)
class PlacerEpoch:
    """What is known after one pass.

    Attributes:
        number: From 1.
        loss: Mean over the train rows, in nats.
        held_loss: Mean over held-out rows whose template is known.
        hits: k -> share of these whose own template is among the k with most probability over all atoms.
        seconds: Since the start of the run, stopped parts included.
    """

    number: int
    loss: float
    held_loss: float
    hits: dict[int, float]
    seconds: float


class PlacerRun:
    """A run in progress.

    Args:
        templates: Their number.
        size: Shape of the network.
        training: Settings.
        state: File from which a stopped run goes on; written after every epoch.

    Raises:
        ModelError: The file is damaged or belongs to another run.
    """

    def __init__(self, templates: int, size: PlacerSize, training: PlacerTraining, state: Path) -> None:
        torch.manual_seed(training.seed)
        self._training, self._state = training, state
        self._device = torch.device(training.device)
        self.network = PlacerNetwork(templates, size, training.dropout).to(self._device)
        matrices = [p for p in self.network.parameters() if p.ndim == 2]
        others = [p for p in self.network.parameters() if p.ndim != 2]
        groups = [{"params": matrices, "weight_decay": training.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self._optimizer = torch.optim.AdamW(groups, lr=training.learning_rate, betas=(0.9, 0.98), fused=True)
        self._epoch, self._seconds = 0, 0.0
        if state.exists():
            self._resume()

    def fit(self, rows: PlacedRows, held: PlacedRows, watch: Callable[[PlacerEpoch], None]) -> bool:
        """Train to the end, or to the end of the time; return whether the run is finished.

        Args:
            rows: To learn from.
            held: To look at after every epoch.
            watch: Told of every epoch.
        """
        training, started = self._training, time.monotonic()
        earlier, longest = self._seconds, 0.0
        while self._epoch < training.epochs:
            began = time.monotonic()
            over = training.max_minutes is not None and began - started + longest > 60 * training.max_minutes
            if over and longest:  # one epoch is always taken
                return False
            loss = self._pass(rows)
            self._epoch += 1
            held_loss, hits = self.look(held)
            longest = max(longest, time.monotonic() - began)
            self._seconds = earlier + time.monotonic() - started
            self._write()
            watch(PlacerEpoch(self._epoch, loss, held_loss, hits, self._seconds))
        return True

    def _pass(self, rows: PlacedRows) -> float:
        self.network.train()
        training = self._training
        batches = list(_batches(rows.sizes, training.batch_size, np.random.default_rng([training.seed, self._epoch])))
        steps, total = training.epochs * len(batches), 0.0
        for number, batch in enumerate(batches, start=self._epoch * len(batches)):
            for group in self._optimizer.param_groups:
                group["lr"] = training.learning_rate * rate(number, steps)
            loss = placing_loss(*self._ask(rows, batch))
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), training.clip_norm)
            self._optimizer.step()
            total += loss.item() * len(batch)
        return total / len(rows)

    @torch.no_grad()
    def look(self, held: PlacedRows) -> tuple[float, dict[int, float]]:
        """Return the mean loss over rows, and k -> share whose template is among the k most probable."""
        self.network.eval()
        loss, ranks = 0.0, list[NDArray[np.int64]]()
        for batch in _batches(held.sizes, self._training.batch_size, None):
            log_probabilities, templates, sites = self._ask(held, batch)
            loss += placing_loss(log_probabilities, templates, sites).item() * len(batch)
            masses = log_probabilities.logsumexp(dim=1)
            ranks.append((masses > masses.gather(1, templates[:, None])).sum(dim=1).cpu().numpy())
        found = np.concatenate(ranks) if ranks else np.empty(0, np.int64)
        count = max(1, len(found))
        return loss / count, {k: float((found < k).sum()) / count for k in CUTOFFS}

    def _ask(self, rows: PlacedRows, batch: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Return what the network says of some rows, their templates and their sites."""
        graphs = PaddedGraphs.collate([rows.graphs[i] for i in batch.tolist()]).to(self._device)
        half = self._training.precision == "bf16"
        with torch.autocast(self._device.type, torch.bfloat16, enabled=half):
            log_probabilities = self.network(graphs)
        sites = torch.from_numpy(rows.sites(batch, graphs.present.shape[1])).to(self._device)
        return log_probabilities, torch.from_numpy(rows.templates[batch]).to(self._device), sites

    def _write(self) -> None:
        state = {
            "epoch": self._epoch,
            "seconds": self._seconds,
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "random": random_state(),
        }
        partial = self._state.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self._state)

    def _resume(self) -> None:
        try:
            state: dict[str, Any] = torch.load(self._state, map_location=self._device, weights_only=True)
            self.network.load_state_dict(state["network"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._epoch, self._seconds = int(state["epoch"]), float(state["seconds"])
            set_random_state({name: _on_cpu(values) for name, values in state["random"].items()})
        except Exception as error:  # torch and zipfile raise many kinds for a damaged file
            raise ModelError(f"cannot resume from {str(self._state)!r}: {error}.", "Delete it.") from error


def _on_cpu(values: Any) -> Any:
    return [value.cpu() for value in values] if isinstance(values, list) else values.cpu()


def _batches(sizes: NDArray[np.int64], batch: int, rng: np.random.Generator | None) -> Iterator[NDArray[np.int64]]:
    """Yield batches of rows of like size: in an order drawn anew, or by size where nothing is drawn."""
    if rng is None:
        order = np.argsort(sizes, kind="stable")
        yield from (order[start : start + batch] for start in range(0, len(order), batch))
        return
    order = rng.permutation(len(sizes))
    found: list[NDArray[np.int64]] = []
    for start in range(0, len(order), batch * _SORTED):
        chunk = order[start : start + batch * _SORTED]
        chunk = chunk[np.argsort(sizes[chunk], kind="stable")]
        found += [chunk[i : i + batch] for i in range(0, len(chunk), batch)]
    yield from (found[i] for i in rng.permutation(len(found)))
