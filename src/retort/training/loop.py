"""The training loop: everything that happens to the weights, in one place.

An epoch is a plan of token-budget batches. A step is ``accumulation`` batches: forward in autocast, backward, clip,
optimiser at the scheduled rate, average. Between steps the loop reports, evaluates the averaged weights, and writes
``last/`` (everything needed to go on), ``best/`` (lowest validation loss), ``snapshots/`` (the last evaluated ones, if
asked for) and, at the end, ``final/``. SIGINT and SIGTERM end the run after the present step with ``last/`` written. On
one CPU thread a resumed run gives the same bits as an uninterrupted one when its end is set in tokens.

Under ``torchrun`` or ``accelerate launch``, every process takes a batch of its own and gradients are averaged, so ``n``
processes take the steps of one process with ``n`` times the accumulation. Process 0 decides, reports and writes.
"""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from accelerate import Accelerator

from retort.data.collate import Batch, PreparedFolder
from retort.errors import ModelError
from retort.models import checkpoint
from retort.models.adapters import adapter_state, has_adapters, merged
from retort.models.device import autocast, pick_device, set_threads
from retort.models.seq2seq import Seq2SeqModel
from retort.prompting.vocabulary import Vocabulary
from retort.training import snapshots
from retort.training.alignment import align_batch, guidance_loss
from retort.training.config import TrainingConfig
from retort.training.feed import Feed
from retort.training.interruption import on_signals
from retort.training.lagged import Lagged
from retort.training.optim import Average, build_optimizer, freeze, learning_rate, progress
from retort.training.order import Order
from retort.training.processes import agreed, gathered, largest, summed
from retort.training.progress import Console, Metrics, model_flops_utilisation
from retort.training.score_limit import ROWS, ScoreLimit
from retort.training.state import FitResult, Position, random_state, read_adapters, read_state, write_state
from retort.training.validation import ValidationReport, evaluate

if TYPE_CHECKING:
    from transformers import PreTrainedModel


_DIVERGED = "Lower training.peak_learning_rate; the same command goes on from last/."


class Run:
    """A run in progress: the weights and everything that moves them."""

    def __init__(
        self,
        network: "PreTrainedModel",
        vocabulary: Vocabulary,
        prepared: PreparedFolder,
        config: TrainingConfig,
        output: Path,
        card: Mapping[str, Any],
    ) -> None:
        """Set up a run, or take it up from ``last/``.

        The network, an encoder-decoder, is changed in place; ``output`` receives ``last/``, ``best/``, ``final/`` and
        ``metrics.jsonl``; ``card`` is the provenance stored with every model folder, and its ``prepared`` must equal
        that of ``last/``.

        Raises:
            DataError: The prepared folder is damaged.
            ModelError: ``last/`` is damaged or comes from other data.
        """
        set_threads(config.threads)
        self.config, self.output, self.card, self.vocabulary = config, output, dict(card), vocabulary
        cpu = pick_device(config.device).type == "cpu"
        self.accelerator = Accelerator(cpu=cpu, gradient_accumulation_steps=config.accumulation)
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        torch.manual_seed(config.seed + rank)
        self.order = Order(prepared.split("train"), config, rank=rank, processes=processes)
        self.valid = prepared.split("valid")
        self.core = Seq2SeqModel(network)
        freeze(self.core, config.freeze)
        if config.compile:
            self.core.compile_passes()
        self.model = self.accelerator.prepare(self.core)
        self.optimizer = build_optimizer(self.core, config)
        self.average = Average(self.core, config.ema_decay)
        self.score_limit = None if config.score_limit is None else ScoreLimit(self.core, config.score_limit)
        self.largest_score: torch.Tensor | None = None
        self.position = Position(next_evaluation=config.evaluate_tokens)
        with self.accelerator.main_process_first():
            self.last = checkpoint.recover(output / "last")
        if config.resume and self.last.exists():
            self._resume()
        self.feed = Feed(self.order, self.position, config.workers)
        self.norm: Lagged | None = None
        self.console = Console(quiet=not self.accelerator.is_main_process)
        self.metrics = self._open_files() if self.accelerator.is_main_process else None
        self.report: ValidationReport | None = None
        self.stop_requested = False

    def _open_files(self) -> Metrics:
        self.output.mkdir(parents=True, exist_ok=True)
        snapshots.drop_after(self.output, self.position.step)
        return Metrics(
            self.output / "metrics.jsonl", after_step=self.position.step, tensorboard=self.config.tensorboard
        )

    def fit(self) -> FitResult:
        """Train to the end of the budget, of patience, or to a signal."""
        self._announce()
        config, position = self.config, self.position
        started = time.monotonic() - position.seconds
        last_saved = last_logged = time.monotonic()
        tokens_logged, losses = position.tokens, list[torch.Tensor]()
        while self._progress() < 1:
            loss, norm, rate = self._step()
            losses.append(loss)
            now = time.monotonic()
            turn = (now - last_logged >= config.log_seconds, now - last_saved >= 60 * config.checkpoint_minutes)
            position.seconds, log, save, stop = agreed(self.accelerator, (now - started, *turn, self.stop_requested))
            if log:
                speed = (position.tokens - tokens_logged) / (now - last_logged)
                self._log(torch.stack(losses).mean(), norm, rate, speed)
                last_logged, tokens_logged = now, position.tokens
                losses.clear()
            if position.tokens >= position.next_evaluation and self._evaluate():
                return self._finish("stale")
            if stop:
                self._save_last()
                self.console.say(f"stopped; the same command goes on from {self.last}")
                return FitResult("stopped", self.last, position)
            if save:
                self._save_last()
                last_saved = time.monotonic()
        return self._finish("finished")

    def _step(self) -> tuple[torch.Tensor, Lagged, float]:
        """Take one optimiser step; return its loss in nats per token, gradient norm and learning rate.

        Nothing here waits for a GPU but the check of the norm, which is that of the step before.
        """
        self.model.train()
        rate = learning_rate(self.config, tokens=self.position.tokens, progress=self._progress())
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("rate", 1.0)
        total = torch.zeros((), device=self.accelerator.device)
        for _ in range(self.config.accumulation):
            batch, tokens = self.feed.take(self.position)
            with self.accelerator.accumulate(self.model):
                loss, objective = self._losses(batch)
                self.accelerator.backward(objective)
            total = total + loss.detach() / self.config.accumulation
            self.position.tokens += tokens
        self._check_norm()
        self.norm = Lagged(self.accelerator.clip_grad_norm_(self.core.parameters(), self.config.clip_norm))
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.position.step += 1
        if self.score_limit is not None and self.position.step % self.config.score_steps == 0:
            self.largest_score = self._limited(self.score_limit, batch)
        self.average.update()
        return total, self.norm, rate

    def _limited(self, limit: ScoreLimit, batch: Batch) -> torch.Tensor:
        """Hold the attention scores of some rows of a batch within the limit; return the largest one before that."""
        device = self.accelerator.device
        source, labels = (_moved(x[:ROWS], device) for x in (batch.source, batch.labels))
        with autocast(device, self.config.precision):
            return limit.hold(source, labels, partial(largest, self.accelerator))

    def _check_norm(self) -> None:
        """Refuse to go on where the gradient of the last step was not finite.

        Raises:
            ModelError: It was not.
        """
        norm = self.norm.read() if self.norm is not None else 0.0
        if not math.isfinite(norm):
            raise ModelError(f"the gradient of step {self.position.step} is {norm}.", _DIVERGED)

    def _losses(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the cross-entropy of a batch in nats per token, and what is minimised."""
        device, config = self.accelerator.device, self.config
        source, mask, labels = (_moved(x, device) for x in (batch.source, batch.source_mask, batch.labels))
        with autocast(device, config.precision):
            loss, attention = self.model(
                source, mask, labels, label_smoothing=config.label_smoothing, attend=config.guidance > 0
            )
            if attention is None:
                return loss, loss
            return loss, loss + config.guidance * guidance_loss(attention, align_batch(batch).to(device))

    def _progress(self) -> float:
        return progress(self.config, tokens=self.position.tokens, seconds=self.position.seconds)

    def _announce(self) -> None:
        trainable = sum(p.numel() for p in self.core.parameters() if p.requires_grad)
        plan = self.order.plan(self.position.epoch)
        facts = {
            "step": self.position.step,
            "tokens": self.position.tokens,
            "parameters": sum(p.numel() for p in self.core.parameters()),
            "trainable": trainable,
            "batches_per_epoch": len(plan.batches),
            "rows_too_long": plan.too_long,
            "device": str(self.accelerator.device),
            "processes": self.accelerator.num_processes,
        }
        visits = self.order.visits(self.position.epoch)
        self._write("start", {**facts, "visits": visits})
        self.console.say(" ".join(f"{name} {value}" for name, value in facts.items()))
        for kind, counts in visits.items():
            self.console.say(f"visits of {kind}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))

    def _log(self, loss: torch.Tensor, norm: Lagged, rate: float, speed: float) -> None:
        mean = summed(self.accelerator, loss).item() / self.accelerator.num_processes
        values = {"loss": mean, "lr": rate, "tokens_per_second": speed, "gradient_norm": norm.read()}
        if self.largest_score is not None:
            values["largest_score"] = self.largest_score.item()
        if self.accelerator.device.type == "cuda":
            parameters = sum(p.numel() for p in self.core.parameters())
            mfu = model_flops_utilisation(parameters, speed, torch.cuda.get_device_name())
            values |= {} if mfu is None else {"mfu": mfu / self.accelerator.num_processes}
        position = self.position
        done = self._progress()
        left = position.seconds * (1 - done) / done if done else float("nan")
        self._write("train", {"step": position.step, "tokens": position.tokens, "epoch": position.epoch, **values})
        self.console.report(done, left, {"epoch": position.epoch, "tokens": position.tokens, **values})

    def _evaluate(self) -> bool:
        """Evaluate the averaged weights, keep them if they are the best; return whether patience ran out."""
        position, accelerator = self.position, self.accelerator
        with self.average.applied():
            self.report = evaluate(
                self.core,
                self.valid,
                rows=self.config.evaluate_rows,
                limits=self.order.limits,
                precision=self.config.precision,
                trained=[name for name in self.valid.task_names if self.config.task_weights.get(name, 1.0) > 0],
                share=slice(accelerator.process_index, None, accelerator.num_processes),
                total=partial(summed, accelerator),
            )
            if position.evaluated_step != position.step:  # else a resumed run sees the same again
                position.evaluated_step = position.step
                position.next_evaluation = position.tokens + self.config.evaluate_tokens
                position.stale = 0 if self.report.loss < position.best_loss else position.stale + 1
                if not position.stale:
                    position.best_loss = self.report.loss
                    self._save_model(self.output / "best")
                if self.config.keep_last:
                    self._save_model(snapshots.place(self.output, position.step))
                    self._drop_oldest()
        self._write("valid", {"step": position.step, "tokens": position.tokens, **asdict(self.report)})
        tasks = " ".join(
            f"{name} {task.loss:.4f} ({task.token_accuracy:.1%} of tokens, {task.row_accuracy:.1%} of rows)"
            for name, task in self.report.tasks.items()
        )
        self.console.say(f"valid {self.report.loss:.4f}: {tasks}")
        return 0 < self.config.patience <= position.stale

    def _finish(self, outcome: Literal["finished", "stale"]) -> FitResult:
        self._check_norm()
        if self.report is None or self.position.evaluated_step != self.position.step:
            self._evaluate()
        with self.average.applied():
            self._save_model(self.output / "final")
        self._save_last()
        self.console.say(f"{outcome} after {self.position.tokens} tokens, {self.position.step} steps")
        return FitResult(outcome, self.output / "final", self.position)

    def _write(self, event: str, values: Mapping[str, Any]) -> None:
        if self.metrics is not None:
            self.metrics.write(event, values)

    def _full_card(self) -> dict[str, Any]:
        position, before = self.position, self.card.get("tokens_before", 0)
        return {
            **self.card,
            "position": asdict(position),
            "tokens_total": None if before is None else before + position.tokens,
            "metrics": asdict(self.report) if self.report is not None else {},
        }

    def _save_model(self, folder: Path) -> None:
        if self.accelerator.is_main_process:
            checkpoint.save(folder, merged(self.core.network), self.vocabulary, self._full_card())

    def _drop_oldest(self) -> None:
        if self.accelerator.is_main_process:
            snapshots.drop_oldest(self.output, self.config.keep_last)

    def _save_last(self) -> None:
        self._check_norm()
        random = gathered(self.accelerator, random_state())
        if self.accelerator.is_main_process:
            with checkpoint.replacing(self.last) as folder:
                checkpoint.write_model(folder, merged(self.core.network), self.vocabulary, self._full_card())
                state = self.optimizer.state_dict(), self.average.state(), random, adapter_state(self.core.network)
                write_state(folder, self.position, *state)
        self.accelerator.wait_for_everyone()

    def _resume(self) -> None:
        stored = checkpoint.load(self.last)
        if stored.card.get("prepared") != self.card.get("prepared"):
            raise ModelError(f"{str(self.last)!r} was trained on other data.", "Use another output folder.")
        self._take_weights(stored)
        accelerator = self.accelerator
        self.position, optimizer, average = read_state(
            self.last, rank=accelerator.process_index, processes=accelerator.num_processes
        )
        self.optimizer.load_state_dict(optimizer)
        self.average.restore(average)

    def _take_weights(self, stored: checkpoint.Checkpoint) -> None:
        """Take the weights of ``last/``; of a network with adapters only these, for its folder has them folded in."""
        if not has_adapters(self.core):
            self.core.network.load_state_dict(stored.network.state_dict())
        elif stored.card.get("parents") != self.card.get("parents"):
            raise ModelError(f"the adapters of {str(self.last)!r} belong to another start model.")
        else:
            self.core.network.load_state_dict(read_adapters(self.last), strict=False)

    @contextmanager
    def interruptible(self) -> Iterator["Run"]:
        """Let SIGINT and SIGTERM end the run after the present step, and leave the terminal in order."""

        def request() -> None:
            self.stop_requested = True

        try:
            with on_signals(request):
                yield self
        finally:
            self.feed.close()
            self.console.close()
            if self.metrics is not None:
                self.metrics.close()


def _moved(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copy to a device without waiting for what it is doing."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
