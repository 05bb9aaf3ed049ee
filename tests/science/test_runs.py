"""What a run leaves behind: denoised rows, snapshots and their mean, travelling weights, lineage, budgets."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from retort.errors import ConfigError, ModelError
from retort.models import checkpoint
from retort.models.backbone import Seq2SeqConfig
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.average import AverageConfig, average
from retort.recipes.average import main as average_main
from retort.recipes.train import TrainConfig, train
from retort.training.config import TrainingConfig

TRAINING = TrainingConfig(
    total_tokens=2_000,
    tokens_per_batch=256,
    max_source_length=64,
    max_target_length=64,
    warmup_tokens=500,
    evaluate_tokens=500,
    device="cpu",
)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = checkpoint.load(folder).network.state_dict()
    return state


def events(output: Path, kind: str) -> list[dict[str, object]]:
    lines = (output / "metrics.jsonl").read_text("utf-8").splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def with_denoising(folder: Path, vocabulary: Vocabulary) -> Path:
    """Add to the train rows of a prepared folder eight whole texts and the sources of all rows."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    parts = {part: np.load(folder / f"train.{part}.npy") for part in ("tokens", "offsets", "tasks")}
    rows, copies = len(parts["tasks"]), manifest["copies"]["train"]
    texts = [vocabulary.encode(f"{'C' * n}(=O)Nc1ccc(O)cc1>>CC{'O' * n}") for n in range(1, 9)]
    added = [sequence for text in texts for _ in range(copies) for sequence in (text, [vocabulary.eos_id])]
    np.save(folder / "train.tokens.npy", np.concatenate([parts["tokens"], *added]).astype(np.uint16))
    ends = parts["offsets"][-1] + np.cumsum([len(sequence) for sequence in added])
    np.save(folder / "train.offsets.npy", np.concatenate([parts["offsets"], ends]).astype(np.int64))
    tasks = [*manifest["tasks"], "span_denoising"]
    np.save(folder / "train.tasks.npy", np.append(parts["tasks"], [len(tasks) - 1] * 8).astype(np.uint8))
    np.save(folder / "train.sources.npy", np.array([0] * rows + [1] * 8, np.uint8))
    manifest |= {"tasks": tasks, "sources": ["reactions", "molecules"]}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder


def test_denoised_mixed_and_moved_by_muon_a_run_resumes_exactly(
    tmp_path: Path, prepare: Callable[[int], Path], card: Seq2SeqConfig, vocabulary: Vocabulary
) -> None:
    prepared = with_denoising(prepare(2), vocabulary)
    training = replace(
        TRAINING,
        decay_fraction=0.0,  # so that the rate does not depend on the budget
        optimizer="muon",
        task_temperature=2.0,
        task_weights={"span_denoising": 2.0, "retrosynthesis": 0.5},
        source_weights={"molecules": 1.5},
    )
    config = TrainConfig(prepared=prepared, output=tmp_path / "whole", training=training, model=card)
    whole = train(config)
    short = replace(training, total_tokens=700)
    train(replace(config, output=tmp_path / "parts", training=short))
    parts = train(replace(config, output=tmp_path / "parts"))
    for name in ("final", "last"):
        a, b = weights(whole.parent / name), weights(parts.parent / name)
        assert all(torch.equal(a[key], b[key]) for key in a), name
    visits = events(tmp_path / "whole", "start")[0]["visits"]
    assert isinstance(visits, dict)
    assert visits["tasks"]["span_denoising"] > visits["tasks"]["forward_prediction"] > visits["tasks"]["retrosynthesis"]
    assert visits["sources"]["molecules"] == visits["tasks"]["span_denoising"]
    assert sum(visits["sources"].values()) == sum(visits["tasks"].values())
    losses = [float(str(event["loss"])) for event in events(tmp_path / "whole", "valid")]
    assert losses[-1] < losses[0]


def test_a_used_up_budget_just_finishes(tmp_path: Path, prepared: Path, card: Seq2SeqConfig) -> None:
    """As a chain of calls does after an interruption between the last step and final/."""
    training = replace(TRAINING, total_tokens=None, budget_minutes=0.01, keep_last=3)
    config = TrainConfig(prepared=prepared, output=tmp_path / "run", training=training, model=card)
    final = train(config)
    before, card_before = weights(final), checkpoint.read_card(final)
    (final / checkpoint.CARD).unlink()
    for _ in range(2):
        assert train(config) == final
        after = checkpoint.read_card(final)
        assert after["position"] == card_before["position"]
        assert after["metrics"] == card_before["metrics"]
        assert all(torch.equal(before[key], value) for key, value in weights(final).items())


def test_the_last_snapshots_are_kept_and_averaged(tmp_path: Path, prepared: Path, card: Seq2SeqConfig) -> None:
    training = replace(TRAINING, keep_last=2)
    output = tmp_path / "run"
    train(TrainConfig(prepared=prepared, output=output, training=training, model=card))
    steps = [event["step"] for event in events(output, "valid")]
    assert len(steps) > 2
    kept = sorted((output / "snapshots").iterdir())
    assert [folder.name for folder in kept] == [f"step-{step:07d}" for step in steps[-2:]]
    assert all(
        torch.equal(a, b) for a, b in zip(*(weights(f).values() for f in (kept[1], output / "final")), strict=True)
    )
    mean = average(AverageConfig(folders=(output / "snapshots",), output=tmp_path / "mean"))
    a, b, c = weights(kept[0]), weights(kept[1]), weights(mean)
    assert not torch.equal(a["shared.weight"], b["shared.weight"])
    for key in a:
        torch.testing.assert_close(c[key], (a[key] + b[key]) / 2, rtol=0, atol=1e-7)
    written = checkpoint.read_card(mean)
    assert written["parents"] == [checkpoint.weights_sha256(folder) for folder in kept]
    assert written["tokens_total"] == checkpoint.read_card(output / "final")["tokens_total"]
    assert written["prepared"] == checkpoint.read_card(output / "final")["prepared"]


def test_the_average_of_one_with_itself_is_itself(
    tmp_path: Path, prepared: Path, card: Seq2SeqConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    one = train(TrainConfig(prepared=prepared, output=tmp_path / "run", training=TRAINING, model=card))
    capsys.readouterr()
    assert average_main([str(one), str(one), str(one), f"output={tmp_path / 'same'}"]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "same")]
    a, b = weights(one), weights(tmp_path / "same")
    assert all(torch.equal(a[key], b[key]) for key in a)
    with pytest.raises(ConfigError, match="no checkpoint to average"):
        average(AverageConfig(folders=(tmp_path / "nothing",), output=tmp_path / "mean"))
    assert average_main([str(one), str(one)]) == 2
    stored = checkpoint.load(one)
    other = Vocabulary(tuple(reversed(stored.vocabulary.tokens[2:])))
    swapped = Vocabulary((*stored.vocabulary.tokens[:2], *other.tokens))
    checkpoint.save(tmp_path / "other", stored.network, swapped, {})
    with pytest.raises(ModelError, match="another vocabulary"):
        average(AverageConfig(folders=(one, tmp_path / "other"), output=tmp_path / "mean"))


def test_weights_travel_and_the_lineage_is_told(tmp_path: Path, prepared: Path, card: Seq2SeqConfig) -> None:
    config = TrainConfig(
        prepared=prepared, output=tmp_path / "first", training=TRAINING, model=card, travel=tmp_path / "travel"
    )
    first = train(config)
    ours, theirs = checkpoint.load(first), checkpoint.load(tmp_path / "travel")
    for key, value in ours.network.state_dict().items():
        carried = theirs.network.state_dict()[key]
        assert carried.dtype == torch.float32
        assert torch.equal(carried, value.bfloat16().float())
    assert theirs.vocabulary.tokens == ours.vocabulary.tokens
    assert theirs.card["copied_from"] == ours.card["files"]["model.safetensors"]
    assert theirs.card["tokens_total"] == ours.card["tokens_total"] == ours.card["position"]["tokens"]
    again = replace(config, output=tmp_path / "second", start_from=tmp_path / "travel", travel=None)
    second = checkpoint.read_card(train(again))
    assert second["parents"] == [checkpoint.weights_sha256(tmp_path / "travel")]
    assert second["tokens_total"] == ours.card["tokens_total"] + second["position"]["tokens"]
    assert second["prepared"] == ours.card["prepared"]
    assert second["config"]["training"]["total_tokens"] == TRAINING.total_tokens
    checkpoint.load_network(first).save_pretrained(tmp_path / "bare")
    third = checkpoint.read_card(train(replace(again, output=tmp_path / "third", start_from=tmp_path / "bare")))
    assert third["tokens_total"] is None  # nobody knows what those weights have seen


def test_training_goes_on_with_a_larger_vocabulary(
    tmp_path: Path, prepared: Path, card: Seq2SeqConfig, vocabulary: Vocabulary
) -> None:
    first = train(TrainConfig(prepared=prepared, output=tmp_path / "first", training=TRAINING, model=card))
    stored = checkpoint.load(first)
    ours = stored.vocabulary
    fewer = Vocabulary(tuple(token for token in ours.tokens if token != "[O-]"))
    assert len(fewer) == len(ours) - 1
    network = stored.network
    kept = [ours.ids[token] for token in fewer.tokens]
    old = network.shared.weight.detach()[kept].clone()
    network.resize_token_embeddings(len(fewer), mean_resizing=False)
    network.shared.weight.data.copy_(old)
    checkpoint.save(tmp_path / "fewer", network, fewer, {"position": {"tokens": 5}})
    still = replace(TRAINING, total_tokens=1, peak_learning_rate=1e-12)
    config = TrainConfig(
        prepared=prepared, output=tmp_path / "second", training=still, model=card, start_from=tmp_path / "fewer"
    )
    second = checkpoint.load(train(config))
    assert second.card["vocabulary_extension"] == {"copied": len(fewer), "new": 1}
    assert second.card["tokens_total"] == 5 + second.card["position"]["tokens"]
    embeddings = second.network.shared.weight.detach()
    torch.testing.assert_close(embeddings[kept], old, rtol=0, atol=1e-5)
    torch.testing.assert_close(embeddings[ours.ids["[O-]"]], old.mean(0), rtol=0, atol=1e-5)
    alien = Vocabulary((*ours.tokens[:-1], "[Xx]"))
    checkpoint.save(tmp_path / "alien", checkpoint.load_network(first), alien, {})
    with pytest.raises(ModelError, match=r"among them \[Xx\]"):
        train(replace(config, output=tmp_path / "third", start_from=tmp_path / "alien"))
