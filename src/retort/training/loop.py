"""The training loop: everything that happens to the weights, in one place.

An epoch is a plan of token-budget batches. A step is ``accumulation`` batches: forward in autocast, backward, clip,
AdamW at the scheduled rate, average. Between steps the loop reports, evaluates the averaged weights, and writes
``last/`` (everything needed to go on), ``best/`` (lowest validation loss) and, at the end, ``final/``. SIGINT and
SIGTERM end the run after the present step with ``last/`` written. On one CPU thread a resumed run gives the same
bits as an uninterrupted one when its end is set in tokens.
"""

import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list

from retort.data.collate import PreparedFolder
from retort.errors import ModelError
from retort.models import checkpoint
from retort.models.device import autocast, pick_device, set_threads
from retort.models.seq2seq import Seq2SeqModel
from retort.prompting.vocabulary import Vocabulary
from retort.training.alignment import align_batch, guidance_loss
from retort.training.config import TrainingConfig
from retort.training.optim import Average, build_optimizer, freeze, learning_rate, progress
from retort.training.order import Order
from retort.training.progress import Console, Metrics, model_flops_utilisation
from retort.training.state import Position, read_state, write_state
from retort.training.validation import ValidationReport, evaluate

if TYPE_CHECKING:
    from transformers import PreTrainedModel


_DIVERGED = "Lower training.peak_learning_rate; the same command goes on from last/."


@dataclass(frozen=True, slots=True)
class FitResult:
    """How a run ended.

    Attributes:
        outcome: ``finished`` (its budget is used up), ``stale`` (patience ran out) or ``stopped`` (by a signal).
        folder: ``final/``, or ``last/`` of a stopped run.
    """

    outcome: Literal["finished", "stale", "stopped"]
    folder: Path
    position: Position


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
        torch.manual_seed(config.seed)
        self.config, self.output, self.card, self.vocabulary = config, output, dict(card), vocabulary
        cpu = pick_device(config.device).type == "cpu"
        self.accelerator = Accelerator(cpu=cpu, gradient_accumulation_steps=config.accumulation)
        rank, processes = self.accelerator.process_index, self.accelerator.num_processes
        self.order = Order(prepared.split("train"), config, rank=rank, processes=processes)
        self.valid = prepared.split("valid")
        self.core = Seq2SeqModel(network)
        freeze(self.core, config.freeze)
        self.model, self.optimizer = self.accelerator.prepare(self.core, build_optimizer(self.core, config))
        self.average = Average(self.core, config.ema_decay)
        self.position = Position(next_evaluation=config.evaluate_tokens)
        self.last = checkpoint.recover(output / "last")
        if config.resume and self.last.exists():
            self._resume()
        output.mkdir(parents=True, exist_ok=True)
        self.metrics = Metrics(output / "metrics.jsonl", after_step=self.position.step)
        self.console = Console(quiet=not self.accelerator.is_main_process)
        self.report: ValidationReport | None = None
        self.stop_requested = False

    def fit(self) -> FitResult:
        """Train to the end of the budget, of patience, or to a signal."""
        self._announce()
        started = time.monotonic() - self.position.seconds
        last_saved = last_logged = time.monotonic()
        tokens_logged, losses = self.position.tokens, list[torch.Tensor]()
        while self._progress() < 1:
            loss, norm, rate = self._step()
            losses.append(loss)
            now = time.monotonic()
            self.position.seconds = self._agreed(now - started)
            if now - last_logged >= self.config.log_seconds:
                speed = (self.position.tokens - tokens_logged) / (now - last_logged)
                self._log(torch.stack(losses).mean().item(), norm, rate, speed)
                last_logged, tokens_logged = now, self.position.tokens
                losses.clear()
            if self.position.tokens >= self.position.next_evaluation and self._evaluate():
                return self._finish("stale")
            if self._agreed(self.stop_requested):
                self._save_last()
                self.console.say(f"stopped; the same command goes on from {self.last}")
                return FitResult("stopped", self.last, self.position)
            if self._agreed(now - last_saved >= 60 * self.config.checkpoint_minutes):
                self._save_last()
                last_saved = time.monotonic()
        return self._finish("finished")

    def _step(self) -> tuple[torch.Tensor, float, float]:
        """Take one optimiser step; return its loss in nats per token, gradient norm and learning rate."""
        self.model.train()
        rate = learning_rate(self.config, tokens=self.position.tokens, progress=self._progress())
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("rate", 1.0)
        total, norm, device = torch.zeros(()), 0.0, self.accelerator.device
        for _ in range(self.config.accumulation):
            batch, tokens = self.order.take(self.position)
            with self.accelerator.accumulate(self.model):
                with autocast(device, self.config.precision):
                    source, mask, labels = (x.to(device) for x in (batch.source, batch.source_mask, batch.labels))
                    smoothing, guided = self.config.label_smoothing, self.config.guidance > 0
                    loss, attention = self.model(source, mask, labels, label_smoothing=smoothing, attend=guided)
                    objective = loss
                    if attention is not None:
                        alignment = align_batch(batch).to(device)
                        objective = loss + self.config.guidance * guidance_loss(attention, alignment)
                self.accelerator.backward(objective)
                if self.accelerator.sync_gradients:
                    norm = float(self.accelerator.clip_grad_norm_(self.core.parameters(), self.config.clip_norm))
                if not math.isfinite(norm):
                    raise ModelError(f"the gradient of step {self.position.step + 1} is {norm}.", _DIVERGED)
                self.optimizer.step()
                self.optimizer.zero_grad()
            total = total + loss.detach().cpu() / self.config.accumulation
            self.position.tokens += tokens
        self.average.update()
        self.position.step += 1
        return total, norm, rate

    def _progress(self) -> float:
        return progress(self.config, tokens=self.position.tokens, seconds=self.position.seconds)

    def _agreed(self, value: Any) -> Any:
        """Return the main process's value, so that all processes take the same turn."""
        if self.accelerator.num_processes == 1:
            return value
        return broadcast_object_list([value])[0]

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
        }
        self._write("start", facts)
        self.console.say(" ".join(f"{name} {value}" for name, value in facts.items()))

    def _log(self, loss: float, norm: float, rate: float, speed: float) -> None:
        values = {"loss": loss, "lr": rate, "tokens_per_second": speed, "gradient_norm": norm}
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
        position = self.position
        with self.average.applied():
            self.report = evaluate(
                self.core,
                self.valid,
                rows=self.config.evaluate_rows,
                limits=self.order.limits,
                precision=self.config.precision,
            )
            position.evaluated_step = position.step
            position.next_evaluation = position.tokens + self.config.evaluate_tokens
            position.stale = 0 if self.report.loss < position.best_loss else position.stale + 1
            if not position.stale:
                position.best_loss = self.report.loss
                self._save_model("best")
        self._write("valid", {"step": position.step, "tokens": position.tokens, **asdict(self.report)})
        tasks = " ".join(
            f"{name} {task.loss:.4f} ({task.token_accuracy:.1%} of tokens, {task.row_accuracy:.1%} of rows)"
            for name, task in self.report.tasks.items()
        )
        self.console.say(f"valid {self.report.loss:.4f}: {tasks}")
        return 0 < self.config.patience <= position.stale

    def _finish(self, outcome: Literal["finished", "stale"]) -> FitResult:
        if self.report is None or self.position.evaluated_step != self.position.step:
            self._evaluate()
        with self.average.applied():
            self._save_model("final")
        self._save_last()
        self.console.say(f"{outcome} after {self.position.tokens} tokens, {self.position.step} steps")
        return FitResult(outcome, self.output / "final", self.position)

    def _write(self, event: str, values: Mapping[str, Any]) -> None:
        if self.accelerator.is_main_process:
            self.metrics.write(event, values)

    def _full_card(self) -> dict[str, Any]:
        metrics = asdict(self.report) if self.report is not None else {}
        return {**self.card, "position": asdict(self.position), "metrics": metrics}

    def _save_model(self, name: str) -> None:
        if self.accelerator.is_main_process:
            checkpoint.save(self.output / name, self.core.network, self.vocabulary, self._full_card())

    def _save_last(self) -> None:
        if self.accelerator.is_main_process:
            with checkpoint.replacing(self.last) as folder:
                checkpoint.write_model(folder, self.core.network, self.vocabulary, self._full_card())
                write_state(folder, self.position, self.optimizer.state_dict(), self.average.state())
        self.accelerator.wait_for_everyone()

    def _resume(self) -> None:
        stored = checkpoint.load(self.last)
        if stored.card.get("prepared") != self.card.get("prepared"):
            raise ModelError(f"{str(self.last)!r} was trained on other data.", "Use another output folder.")
        self.core.network.load_state_dict(stored.network.state_dict())
        self.position, optimizer, average = read_state(self.last)
        self.optimizer.load_state_dict(optimizer)
        self.average.restore(average)

    @contextmanager
    def interruptible(self) -> Iterator["Run"]:
        """Let SIGINT and SIGTERM end the run after the present step, and leave the terminal in order."""

        def request(*_: object) -> None:
            self.stop_requested = True

        in_main = threading.current_thread() is threading.main_thread()
        old = {s: signal.signal(s, request) for s in (signal.SIGINT, signal.SIGTERM)} if in_main else {}
        try:
            yield self
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)
            self.console.close()
