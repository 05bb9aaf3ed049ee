"""The T5 backbone: cards, folders, and the settings under which CTranslate2 gives the same scores."""

import json
from pathlib import Path

import ctranslate2
import numpy as np
import pytest
import torch
from ctranslate2.converters import transformers as converter

from retort.errors import ConfigError, ModelError
from retort.models import checkpoint
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.models.decoding import TorchSeq2Seq
from retort.models.seq2seq import Seq2SeqModel
from retort.prompting.vocabulary import Vocabulary

CARD = Seq2SeqConfig(d_model=32, d_kv=8, d_ff=64, layers=2, decoder_layers=1, heads=4)


def model(vocabulary: Vocabulary, seed: int = 0) -> Seq2SeqModel:
    torch.manual_seed(seed)
    card = Seq2SeqConfig(**{**{f: getattr(CARD, f) for f in CARD.__slots__}, "vocabulary_size": len(vocabulary)})
    network = BACKBONES.get("t5").build(card)
    with torch.no_grad():  # as far from the start as a trained network, position biases included
        for parameter in network.parameters():
            parameter.add_(
                torch.randn_like(parameter), alpha=0.3 * float(parameter.std()) if parameter.ndim > 1 else 0.1
            )
    return Seq2SeqModel(network).eval()


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary.build(["C[C@H](N)C(=O)O", "[Na+].[Cl-]"], min_count=1)


def questions(seed: int, lengths: list[int], size: int) -> list[list[int]]:
    random = np.random.default_rng(seed)
    return [[*random.integers(2, size, n).tolist(), 1] for n in lengths]


def test_registry_lists_t5() -> None:
    assert "t5" in BACKBONES.names()


def test_a_card_without_vocabulary_is_refused() -> None:
    with pytest.raises(ConfigError, match="vocabulary_size is 0"):
        BACKBONES.get("t5").build(CARD)


def test_embeddings_are_tied_and_decoding_starts_from_padding(vocabulary: Vocabulary) -> None:
    network = model(vocabulary).network
    assert network.lm_head.weight is network.shared.weight
    assert (network.config.decoder_start_token_id, network.config.pad_token_id, network.config.eos_token_id) == (
        0,
        0,
        1,
    )
    assert network.config.vocab_size == len(vocabulary)


def test_ctranslate2_gives_the_same_scores(tmp_path: Path, vocabulary: Vocabulary) -> None:
    """Longer sources than the position distance reach, too: the folder's settings must survive the conversion."""
    ours = model(vocabulary)
    loader = converter.T5Loader()
    spec = loader.get_model_spec(ours.network)
    spec.register_source_vocabulary(list(vocabulary.tokens))
    spec.register_target_vocabulary(list(vocabulary.tokens))
    spec.config.bos_token = spec.config.decoder_start_token = "<pad>"
    spec.config.eos_token, spec.config.unk_token = "</s>", "<unk>"
    spec.validate()
    spec.optimize(quantization="float32")
    (tmp_path / "exported").mkdir()
    spec.save(str(tmp_path / "exported"))
    theirs = ctranslate2.Translator(str(tmp_path / "exported"), compute_type="float32", intra_threads=1)
    sources = questions(1, [3, 40, 300, 17], len(vocabulary))
    targets = [q[:-1] for q in questions(2, [1, 33, 280, 9], len(vocabulary))]
    texts = [[[vocabulary.tokens[i] for i in row] for row in side] for side in (sources, targets)]
    got = [sum(r.log_probs) for r in theirs.score_batch(*texts, max_input_length=0)]
    expected = TorchSeq2Seq(ours).score(sources, targets)
    per_token = [abs(a - b) / (len(t) + 1) for a, b, t in zip(got, expected, targets, strict=True)]
    assert max(per_token) < 1e-4


def test_a_folder_round_trips_to_the_same_bits(tmp_path: Path, vocabulary: Vocabulary) -> None:
    ours = model(vocabulary)
    checkpoint.save(tmp_path / "model", ours.network, vocabulary, {"config": {}, "parents": []})
    stored = checkpoint.load(tmp_path / "model")
    again = Seq2SeqModel(stored.network)
    source = torch.tensor(questions(3, [20], len(vocabulary)))
    labels = torch.tensor(questions(4, [12], len(vocabulary)))
    with torch.no_grad():
        assert torch.equal(ours.logits(source, source != 0, labels), again.logits(source, source != 0, labels))
    assert stored.vocabulary == vocabulary
    assert stored.card["format"] == "retort-checkpoint"
    checkpoint.save(tmp_path / "model", ours.network, vocabulary, {"parents": ["a newer one"]})
    assert checkpoint.load(tmp_path / "model").card["parents"] == ["a newer one"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model"]


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "vocabulary.json", "retort.json"])
@pytest.mark.parametrize("damage", ["missing", "cut", "altered"])
def test_a_damaged_folder_is_refused(tmp_path: Path, vocabulary: Vocabulary, name: str, damage: str) -> None:
    folder = tmp_path / "model"
    checkpoint.save(folder, model(vocabulary).network, vocabulary, {})
    content = (folder / name).read_bytes()
    if damage == "missing":
        (folder / name).unlink()
    elif damage == "cut":
        (folder / name).write_bytes(content[: len(content) // 2])
    else:
        (folder / name).write_bytes(content.replace(b"1", b"2"))
    with pytest.raises(ModelError, match="model"):
        checkpoint.load(folder)


def test_a_network_with_other_weights_is_refused(tmp_path: Path, vocabulary: Vocabulary) -> None:
    """A plain Hugging Face folder has no checksums: absent and superfluous weights are found all the same."""
    model(vocabulary).network.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text("utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**config, "num_layers": 3}), "utf-8")
    with pytest.raises(ModelError, match="missing keys"):
        checkpoint.load_network(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({**config, "num_layers": 1}), "utf-8")
    with pytest.raises(ModelError, match="unexpected keys"):
        checkpoint.load_network(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="cannot load a T5 model"):
        checkpoint.load_network(tmp_path)
    with pytest.raises(ModelError, match=r"no config\.json"):
        checkpoint.load_network(tmp_path / "nowhere")


def test_a_vocabulary_of_another_size_is_refused(tmp_path: Path, vocabulary: Vocabulary) -> None:
    other = Vocabulary((*vocabulary.tokens, "<reserved_99>"))
    checkpoint.save(tmp_path / "model", model(vocabulary).network, other, {})
    with pytest.raises(ModelError, match="tokens, the vocabulary"):
        checkpoint.load(tmp_path / "model")


def test_an_unwritable_place_is_named(tmp_path: Path, vocabulary: Vocabulary) -> None:
    from retort.errors import OutputError

    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write"):
        checkpoint.save(tmp_path / "file" / "model", model(vocabulary).network, vocabulary, {})


def test_a_cut_off_replacement_is_recovered(tmp_path: Path, vocabulary: Vocabulary) -> None:
    checkpoint.save(tmp_path / "last", model(vocabulary).network, vocabulary, {})
    (tmp_path / "last").rename(tmp_path / ".last.old")  # killed between the two renames
    assert checkpoint.load(checkpoint.recover(tmp_path / "last")).vocabulary == vocabulary
