"""One epoch over the same rows: our loop against Hugging Face's Seq2SeqTrainer, same network, rows and precision."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, Seq2SeqTrainer, Seq2SeqTrainingArguments

from contest import Contest, Way
from retort.data.collate import PreparedFolder
from retort.data.in_memory import write_folder
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.prompting.vocabulary import Vocabulary
from retort.training.config import TrainingConfig
from retort.training.loop import Run

ROWS, VALID, BATCH = 600, 8, 32
Rows = Sequence[tuple[list[int], list[int]]]


def contests(folder: Path) -> Iterator[Contest]:
    """Yield one contest per precision; ``folder`` receives rows and checkpoints."""
    vocabulary = Vocabulary.build([])
    rows = _rows(ROWS, len(vocabulary))
    prepared = folder / "prepared"
    prepared.mkdir(parents=True)
    write_folder(
        prepared,
        vocabulary,
        {
            name: {"retrosynthesis": [[row] for row in some]}
            for name, some in (("train", rows), ("valid", rows[:VALID]))
        },
    )
    tokens = sum(len(source) + len(target) for source, target in rows)
    for precision in ("fp32", "bf16"):
        ways: dict[str, Way] = {
            "Seq2SeqTrainer": _theirs(folder / "theirs", rows, vocabulary, precision, by_length=False),
            "Seq2SeqTrainer, rows of like length together": _theirs(
                folder / "theirs", rows, vocabulary, precision, by_length=True
            ),
            "retort": _ours(folder / "ours", prepared, vocabulary, precision, tokens),
        }
        yield Contest(f"one epoch of {ROWS} rows, {precision}, one thread", "1,000 tokens", tokens // 1000, ways, 3)


def _rows(count: int, words: int) -> Rows:
    """Return rows whose lengths are spread like those of reactions: log-normal, 25 to 90 tokens for most."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(np.log(48), 0.35, (count, 2)), 8, 180).astype(int)
    return [tuple([*rng.integers(10, words, n - 1).tolist(), 1] for n in pair) for pair in lengths]  # type: ignore[misc]


def _network(vocabulary: Vocabulary) -> PreTrainedModel:
    torch.manual_seed(0)
    return BACKBONES.get("t5").build(_size(len(vocabulary)))


def _size(words: int) -> Seq2SeqConfig:
    return Seq2SeqConfig(
        vocabulary_size=words, d_model=256, d_kv=32, d_ff=512, layers=4, decoder_layers=3, heads=8, dropout=0.0
    )


def _ours(folder: Path, prepared: Path, vocabulary: Vocabulary, precision: Any, tokens: int) -> Way:
    config = TrainingConfig(
        total_tokens=tokens,
        tokens_per_batch=BATCH * 2 * 52,
        precision=precision,
        device="cpu",
        evaluate_tokens=10**9,
        evaluate_rows=VALID,
        log_seconds=10**6,
        resume=False,
    )

    def run() -> object:
        shutil.rmtree(folder, ignore_errors=True)
        return Run(_network(vocabulary), vocabulary, PreparedFolder.open(prepared), config, folder, {}).fit()

    return run


def _theirs(folder: Path, rows: Rows, vocabulary: Vocabulary, precision: str, *, by_length: bool) -> Way:
    data = [{"input_ids": source, "labels": target, "length": len(source)} for source, target in rows]
    arguments = Seq2SeqTrainingArguments(
        output_dir=str(folder),
        num_train_epochs=1,
        per_device_train_batch_size=BATCH,
        train_sampling_strategy="group_by_length" if by_length else "random",
        bf16=precision == "bf16",
        use_cpu=True,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        logging_strategy="no",
        remove_unused_columns=False,
        seed=0,
    )

    def run() -> object:
        trainer = Seq2SeqTrainer(_network(vocabulary), arguments, data_collator=_collate, train_dataset=data)
        return trainer.train()

    return run


def _collate(rows: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
    """Pad sources with 0 and labels with -100, to the longest of the batch."""
    sources, labels = ([torch.tensor(row[key]) for row in rows] for key in ("input_ids", "labels"))
    padded = torch.nn.utils.rnn.pad_sequence(sources, batch_first=True)
    targets = torch.nn.utils.rnn.pad_sequence(labels, batch_first=True, padding_value=-100)
    return {"input_ids": padded, "attention_mask": (padded != 0).long(), "labels": targets}
