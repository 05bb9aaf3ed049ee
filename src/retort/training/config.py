"""What a training run may be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from retort.config import option
from retort.errors import ConfigError

_ABOVE_ZERO = (
    "tokens_per_batch",
    "accumulation",
    "evaluate_tokens",
    "evaluate_rows",
    "peak_learning_rate",
    "task_temperature",
    "pad_to_multiple",
    "score_steps",
)


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """One run of the training loop; tokens are source + target tokens without padding unless said otherwise."""

    total_tokens: int | None = option(None, help="End after this many tokens.")
    budget_minutes: float | None = option(None, help="End after this much training time, resumed parts included.")
    tokens_per_batch: int = option(6144, help="Source + target tokens of a batch, padding included.")
    accumulation: int = option(1, help="Batches per optimiser step.")
    max_source_length: int = option(256, help="Rows with a longer source, in tokens, are left out and counted.")
    max_target_length: int = option(256, help="Rows with a longer target, in tokens, are left out and counted.")
    task_weights: Mapping[str, float] = option(
        help="Visits per epoch of a task's rows, e.g. {retrosynthesis = 2.0}; 1.0 where not named. A key "
        '"task/source" is a factor on those of one source.',
        factory=dict,
    )
    task_temperature: float = option(
        1.0, help="At T, a task of n rows is visited in proportion to n^(1/T): 1 leaves sizes, large T equals them out."
    )
    source_weights: Mapping[str, float] = option(
        help="Factor on the visits of a source's rows; the prepared folder's own, or 1.0, where not named.",
        factory=dict,
    )
    optimizer: Literal["adamw", "muon"] = option(
        "adamw", help="AdamW, or Muon for hidden matrices and AdamW for the rest; both take the same rates."
    )
    peak_learning_rate: float = option(1.5e-3, help="Learning rate of the stable phase.")
    embedding_rate: float = option(1.0, help="Learning rate of token embeddings, as a multiple of the scheduled one.")
    position_rate: float = option(1.0, help="Learning rate of relative-position biases, as a multiple likewise.")
    query_rate: float = option(
        1.0, help="Learning rate of query matrices, likewise; d_kv ** -0.5 suits T5, which does not scale its scores."
    )
    warmup_tokens: int = option(500_000, help="Tokens over which the learning rate rises.")
    decay_fraction: float = option(0.25, help="Last share of the run, 0..1, in which the learning rate falls to zero.")
    weight_decay: float = option(0.01, help="Decoupled weight decay of matrices.")
    beta1: float = option(0.9, help="AdamW's first-moment decay.")
    beta2: float = option(0.98, help="AdamW's second-moment decay.")
    clip_norm: float = option(1.0, help="Largest gradient norm; a larger gradient is scaled down.")
    score_limit: float | None = option(
        None, help="Largest size of an attention score of a T5; heads above it are scaled down. Muon needs one."
    )
    score_steps: int = option(50, help="Steps from one look at the scores to the next.")
    label_smoothing: float = option(0.0, help="Share of probability spread over all tokens, 0..1.")
    guidance: float = option(0.0, help="Weight of the loss that shows one attention head what is copied; 0 is off.")
    ema_decay: float = option(0.999, help="Decay per step of the averaged weights that are evaluated and kept.")
    freeze: tuple[str, ...] = option((), help="Parameters whose name starts with one of these stay as they are.")
    seed: int = option(0, help="Seed of weights, order and dropout.")
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", help="Where to compute.")
    precision: Literal["auto", "fp32", "bf16"] = option(
        "auto", help="bf16 autocast or fp32; auto takes bf16 on CUDA and fp32 elsewhere."
    )
    compile: bool = option(False, help="Compile the forward and backward pass; pays on CUDA, needs a C++ compiler.")
    pad_to_multiple: int = option(1, help="Pad batches to lengths that are multiples of this: fewer shapes on a GPU.")
    workers: int = option(
        0, help="Processes that make batches ahead of the loop; pays where a GPU would wait for them."
    )
    threads: int = option(1, help="CPU threads; 0 leaves torch's choice.")
    evaluate_tokens: int = option(1_000_000, help="Evaluate each time this many tokens have been seen.")
    evaluate_rows: int = option(250, help="Validation rows of each task, the same at every evaluation.")
    patience: int = option(0, help="End after this many evaluations without a better loss; 0 never.")
    checkpoint_minutes: float = option(10.0, help="Write last/ this often.")
    keep_last: int = option(0, help="Keep the weights of this many last evaluations in snapshots/, for averaging.")
    tensorboard: bool = option(False, help="Also write TensorBoard's event files beside metrics.jsonl.")
    log_seconds: float = option(30.0, help="Report progress this often.")
    resume: bool = option(True, help="Go on from last/ of the output folder where there is one.")

    def __post_init__(self) -> None:
        if self.total_tokens is None and self.budget_minutes is None:
            raise ConfigError("the run has no end.", "Set training.total_tokens or training.budget_minutes.")
        for name in ("decay_fraction", "ema_decay", "label_smoothing"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise ConfigError(f"training.{name} is {value}.", "Give a share from 0 up to, but not including, 1.")
        for name in _ABOVE_ZERO:
            value = getattr(self, name)
            if value <= 0:
                raise ConfigError(f"training.{name} is {value}.", "Give a number above zero.")
