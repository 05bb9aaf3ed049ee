"""What every backbone must do: build from a card, be saved and loaded without loss, refuse what is damaged."""

from pathlib import Path

import pytest

from retort.errors import ConfigError, ModelError
from retort.models.backbone import BACKBONES, Backbone, Seq2SeqConfig

torch = pytest.importorskip("torch", reason="the extra [train] is not installed")

NAMES = BACKBONES.names()
CARD = {"vocabulary_size": 40, "d_model": 16, "d_kv": 8, "d_ff": 32, "layers": 1, "decoder_layers": 1, "heads": 2}


@pytest.fixture(params=NAMES)
def backbone(request: pytest.FixtureRequest) -> Backbone:
    return BACKBONES.get(request.param)


@pytest.fixture
def network(backbone: Backbone):  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    return backbone.build(Seq2SeqConfig(**CARD))


def test_all_backbones_are_found() -> None:
    assert len(NAMES) >= 1
    assert "t5" in NAMES


def test_the_vocabulary_has_exactly_the_size_asked_for(network) -> None:  # type: ignore[no-untyped-def]
    assert network.get_input_embeddings().weight.shape[0] == CARD["vocabulary_size"]
    assert network.config.vocab_size == CARD["vocabulary_size"]
    assert (network.config.pad_token_id, network.config.eos_token_id) == (0, 1)
    assert network.config.decoder_start_token_id == 0


def test_weights_are_drawn_from_the_global_seed(backbone: Backbone, network) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    again = backbone.build(Seq2SeqConfig(**CARD)).state_dict()
    torch.manual_seed(1)
    other = backbone.build(Seq2SeqConfig(**CARD)).state_dict()
    assert all(torch.equal(again[name], weight) for name, weight in network.state_dict().items())
    assert not all(torch.equal(other[name], weight) for name, weight in network.state_dict().items())


def test_a_saved_network_loads_unchanged(backbone: Backbone, network, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    network.save_pretrained(tmp_path)
    loaded = backbone.load(tmp_path)
    assert loaded.state_dict().keys() == network.state_dict().keys()
    assert all(torch.equal(loaded.state_dict()[name], weight) for name, weight in network.state_dict().items())


def test_damaged_folders_are_refused(backbone: Backbone, network, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ModelError, match="absent"):
        backbone.load(tmp_path / "absent")
    network.save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ModelError, match=tmp_path.name):
        backbone.load(tmp_path)


def test_a_folder_that_lacks_a_weight_is_refused(backbone: Backbone, network, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from safetensors.torch import load_file, save_file

    network.save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights.pop(min(name for name in weights if "encoder" in name or "layers" in name))
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="missing keys"):
        backbone.load(tmp_path)


def test_a_card_without_a_vocabulary_is_refused(backbone: Backbone) -> None:
    with pytest.raises(ConfigError, match="vocabulary_size is 0"):
        backbone.build(Seq2SeqConfig())
