"""Weights in bf16 shards: small enough files, read back by the ordinary loader, refused when one is damaged."""

from pathlib import Path

import pytest
import torch

from retort.errors import ModelError, OutputError
from retort.models import checkpoint
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.prompting.vocabulary import Vocabulary

VOCABULARY = Vocabulary.build(["[Na+]"], min_count=1)
CARD = Seq2SeqConfig(
    d_model=64, d_kv=16, d_ff=256, layers=2, decoder_layers=2, heads=4, vocabulary_size=len(VOCABULARY)
)


def network() -> "torch.nn.Module":
    torch.manual_seed(0)
    return BACKBONES.get("t5").build(CARD)


def test_shards_are_small_and_read_back(tmp_path: Path) -> None:
    net = network()
    folder = tmp_path / "travel"
    checkpoint.save_travelling(folder, net, VOCABULARY, {"tokens_total": 7}, max_shard_mib=0.25)
    shards = sorted(folder.glob("*.safetensors"))
    assert len(shards) > 2
    assert max(shard.stat().st_size for shard in shards) <= 2**18
    assert (folder / checkpoint.INDEX).is_file()
    assert not (folder / checkpoint.WEIGHTS).exists()
    stored = checkpoint.load(folder)
    assert stored.card["tokens_total"] == checkpoint.tokens_total(folder) == 7
    assert set(stored.card["files"]) == {p.name for p in shards} | {checkpoint.INDEX, "config.json", "vocabulary.json"}
    before, after = net.state_dict(), stored.network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key].bfloat16().float(), after[key]) for key in before)
    assert next(net.parameters()).dtype == torch.float32  # what was saved is not what was changed


def test_ties_survive_saving_and_loading(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "model", network(), VOCABULARY, {})
    checkpoint.save_travelling(tmp_path / "travel", network(), VOCABULARY, {}, max_shard_mib=0.25)
    for name in ("model", "travel"):
        loaded = checkpoint.load(tmp_path / name).network
        assert loaded.lm_head.weight is loaded.shared.weight is loaded.decoder.embed_tokens.weight
        assert loaded.config.tie_word_embeddings
    from safetensors import safe_open

    with safe_open(tmp_path / "model" / checkpoint.WEIGHTS, "pt") as file:
        assert "shared.weight" in file.keys()  # noqa: SIM118  # not a mapping
        assert "lm_head.weight" not in file.keys()  # noqa: SIM118


def test_weights_are_named_by_their_content(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "model", network(), VOCABULARY, {})
    whole = checkpoint.weights_sha256(tmp_path / "model")
    assert whole == checkpoint.file_sha256(tmp_path / "model" / checkpoint.WEIGHTS)
    for name in ("one", "two"):
        checkpoint.save_travelling(tmp_path / name, network(), VOCABULARY, {"name": name}, max_shard_mib=0.25)
    assert checkpoint.weights_sha256(tmp_path / "one") == checkpoint.weights_sha256(tmp_path / "two") != whole


def test_a_damaged_shard_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "travel"
    checkpoint.save_travelling(folder, network(), VOCABULARY, {}, max_shard_mib=0.25)
    shard = sorted(folder.glob("*.safetensors"))[1]
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    with pytest.raises(ModelError, match=f"{shard.name}' is missing or damaged"):
        checkpoint.load(folder)


def test_a_tensor_that_fits_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"larger than 0\.01 MiB"):
        checkpoint.save_travelling(tmp_path / "travel", network(), VOCABULARY, {}, max_shard_mib=0.01)
    assert list(tmp_path.iterdir()) == []


def test_tokens_of_older_cards_are_known_where_they_have_no_parents(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "a", network(), VOCABULARY, {"parents": [], "position": {"tokens": 12}})
    checkpoint.save(tmp_path / "b", network(), VOCABULARY, {"parents": ["x"], "position": {"tokens": 12}})
    assert checkpoint.tokens_total(tmp_path / "a") == 12
    assert checkpoint.tokens_total(tmp_path / "b") is None
    assert checkpoint.tokens_total(tmp_path) is None
