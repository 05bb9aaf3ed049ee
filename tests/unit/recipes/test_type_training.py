"""How an encoder learns types: from one start, on the fit part alone, once."""

from pathlib import Path

import numpy as np
import pytest
import torch

from retort.data.collate import PreparedFolder
from retort.elicitation.annotating import split_within
from retort.errors import ModelError
from retort.models import checkpoint
from retort.models.annotator import type_tokens
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.type_training import TypeTraining
from retort.training.config import TrainingConfig

VOCABULARY = Vocabulary.build([])
TEXTS = ("CCO", "NCCN", "c1ccccc1", "BrBr")
SOURCES = [VOCABULARY.encode(f"<retrosynthesis>{TEXTS[i % 4]}") for i in range(20)]
LABELS = np.arange(20) % 2
PARTS = split_within(20, (0.1, 0.2))


@pytest.fixture
def training(tmp_path: Path) -> TypeTraining:
    torch.manual_seed(0)
    card = Seq2SeqConfig(
        d_model=16, d_kv=8, d_ff=16, layers=1, decoder_layers=1, heads=2, vocabulary_size=len(VOCABULARY)
    )
    checkpoint.save(tmp_path / "start", BACKBONES.get("t5").build(card), VOCABULARY, {})
    config = TrainingConfig(
        total_tokens=400, tokens_per_batch=64, max_source_length=32, max_target_length=8, device="cpu", precision="fp32"
    )
    return TypeTraining(tmp_path / "start", SOURCES, PARTS, 2, "retrosynthesis", config, tmp_path / "cell")


def test_the_encoder_moves_and_its_start_does_not(training: TypeTraining) -> None:
    before = checkpoint.weights_sha256(training.start)
    learned = training(LABELS, 0)
    assert learned.folder == training.output / "learn-0" / "final"
    assert checkpoint.weights_sha256(training.start) == before != checkpoint.weights_sha256(learned.folder)
    card = checkpoint.read_card(learned.folder)
    assert card["parents"] == [before]


def test_every_round_starts_from_the_same_place(training: TypeTraining) -> None:
    folders = [training(LABELS, number).folder for number in (0, 1)]
    first, second = (checkpoint.weights_sha256(folder) for folder in folders if folder is not None)
    assert first == second


def test_what_is_trained_is_not_trained_again_and_not_mixed_with_other_labels(training: TypeTraining) -> None:
    folder = training(LABELS, 0).folder
    assert folder is not None
    written = (folder / "model.safetensors").stat().st_mtime_ns
    training(LABELS, 0)
    assert (folder / "model.safetensors").stat().st_mtime_ns == written
    with pytest.raises(ModelError, match="other data"):
        training(1 - LABELS, 0)


def test_rows_say_one_type_token_and_held_out_rows_are_in_no_part(training: TypeTraining) -> None:
    training(LABELS, 0)
    folder = PreparedFolder.open(training.output / "learn-0" / "rows")
    tokens = type_tokens(VOCABULARY, 2)
    for name, rows in (("train", PARTS.fit), ("valid", PARTS.valid)):
        split = folder.split(name)
        assert len(split) == len(rows)
        pairs = [split.pair(i) for i in range(len(split))]
        assert [source.tolist() for source, _ in pairs] == [SOURCES[row] for row in rows]
        assert [target.tolist() for _, target in pairs] == [[tokens[LABELS[row]], 1] for row in rows]
