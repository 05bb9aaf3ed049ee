"""A model that cannot learn eight reactions by heart cannot learn chemistry."""

from pathlib import Path

from retort.data.records import Example
from retort.models import checkpoint
from retort.models.backbone import Seq2SeqConfig
from retort.models.decoding import TorchSeq2Seq
from retort.models.seq2seq import Seq2SeqModel
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.train import TrainConfig, train
from retort.training.config import TrainingConfig


def test_eight_reactions_are_memorised(
    tmp_path: Path, prepared: Path, card: Seq2SeqConfig, vocabulary: Vocabulary, examples: list[Example]
) -> None:
    training = TrainingConfig(
        total_tokens=40_000,
        tokens_per_batch=256,
        max_source_length=64,
        max_target_length=64,
        peak_learning_rate=2e-3,
        embedding_rate=10,
        position_rate=30,
        warmup_tokens=2_000,
        ema_decay=0.9,
        evaluate_tokens=1_000_000,
        weight_decay=0.0,
        device="cpu",
    )
    folder = train(TrainConfig(prepared=prepared, output=tmp_path / "run", training=training, model=card))
    assert folder == tmp_path / "run" / "final"
    stored = checkpoint.load(folder)
    model = TorchSeq2Seq(Seq2SeqModel(stored.network))
    sources = [vocabulary.encode(example.prompt) for example in examples]
    answers = model.generate(sources, beam_size=1, num_hypotheses=1, max_length=64)
    decoded = [stored.vocabulary.decode(hypotheses[0].tokens) for hypotheses in answers]
    assert decoded == [example.target for example in examples]
    assert min(hypotheses[0].score for hypotheses in answers) > -0.1
    report = stored.card["metrics"]["tasks"]
    assert report["retrosynthesis"]["row_accuracy"] == report["forward_prediction"]["row_accuracy"] == 1.0
    assert report["retrosynthesis"]["rows"] == 8
