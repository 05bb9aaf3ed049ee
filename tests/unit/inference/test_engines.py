"""The engines follow one protocol, and an exported copy scores like its network."""

import json
from pathlib import Path
from typing import Any

import pytest

from retort.errors import ModelError
from retort.inference.conversion import PROBES, deviation, probes, write_ctranslate2
from retort.inference.engines.ctranslate2 import CTranslate2Engine
from retort.models.protocol import Hypothesis, Seq2Seq
from retort.prompting.task import TASKS
from retort.prompting.vocabulary import Vocabulary

torch = pytest.importorskip("torch", reason="needs the extra [train]")

from retort.inference.engines.transformers import TransformersEngine  # noqa: E402
from retort.models import checkpoint  # noqa: E402
from retort.models.backbone import BACKBONES, Seq2SeqConfig  # noqa: E402

VOCABULARY = Vocabulary.build(())
SOURCES = [VOCABULARY.encode(f"<retrosynthesis>{text}") for text in ("CC(=O)Nc1ccc(O)cc1", "CCO", "c1ccncc1")]
TARGETS = [VOCABULARY.encode(text)[:-1] for text in ("CC(=O)Cl.Nc1ccc(O)cc1", "CC=O", "")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save a small random network that ends its answers early."""
    torch.manual_seed(3)
    card = Seq2SeqConfig(
        vocabulary_size=len(VOCABULARY), d_model=32, d_kv=16, d_ff=64, layers=2, decoder_layers=2, heads=2
    )
    network: Any = BACKBONES.get("t5").build(card)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "relative_attention_bias" in name or "DenseReluDense" in name:
                parameter.add_(0.3 * torch.randn_like(parameter))
        network.shared.weight.mul_(0.5)
        network.shared.weight[VOCABULARY.eos_id].mul_(4.0)
    path = tmp_path_factory.mktemp("network")
    checkpoint.save(path / "checkpoint", network, VOCABULARY, {})
    return path / "checkpoint"


@pytest.fixture(scope="module")
def reference(folder: Path) -> TransformersEngine:
    return TransformersEngine(folder, VOCABULARY)


@pytest.fixture(scope="module")
def exported(reference: TransformersEngine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("float32")
    write_ctranslate2(reference.model, VOCABULARY, path, "float32")
    return path


@pytest.fixture(scope="module")
def copy(exported: Path) -> CTranslate2Engine:
    return CTranslate2Engine(exported, VOCABULARY, compute_type="float32", threads=1)


@pytest.fixture(params=["transformers", "ctranslate2"])
def engine(request: pytest.FixtureRequest, reference: TransformersEngine, copy: CTranslate2Engine) -> Seq2Seq:
    return reference if request.param == "transformers" else copy


def ended(hypotheses: list[Hypothesis], max_length: int) -> list[Hypothesis]:
    return [h for h in hypotheses if len(h.tokens) < max_length]


def test_a_hypothesis_has_its_teacher_forced_score_per_token(engine: Seq2Seq) -> None:
    found = engine.generate(SOURCES, beam_size=6, num_hypotheses=6, max_length=12)
    compared = 0
    for source, hypotheses in zip(SOURCES, found, strict=True):
        finished = ended(hypotheses, 12)
        scores = engine.score([source] * len(finished), [h.tokens for h in finished])
        for hypothesis, score in zip(finished, scores, strict=True):
            assert hypothesis.score == pytest.approx(score / (len(hypothesis.tokens) + 1), abs=2e-5)
            compared += 1
    assert compared >= 6


def test_hypotheses_are_ordered_distinct_and_free_of_end_tokens(engine: Seq2Seq) -> None:
    for hypotheses in engine.generate(SOURCES, beam_size=6, num_hypotheses=4, max_length=12):
        assert len(hypotheses) == 4
        assert [h.score for h in hypotheses] == sorted((h.score for h in hypotheses), reverse=True)
        assert len({h.tokens for h in hypotheses}) == 4
        assert all(VOCABULARY.eos_id not in h.tokens for h in hypotheses)
        assert all(len(h.tokens) <= 12 for h in hypotheses)


def test_the_company_of_a_source_does_not_change_its_answer(engine: Seq2Seq) -> None:
    together = engine.generate(SOURCES, beam_size=4, num_hypotheses=2, max_length=12)
    for source, expected in zip(SOURCES, together, strict=True):
        (alone,) = engine.generate([source], beam_size=4, num_hypotheses=2, max_length=12)
        assert [h.tokens for h in alone] == [h.tokens for h in expected]
        assert [h.score for h in alone] == pytest.approx([h.score for h in expected], abs=1e-5)


def test_many_sources_keep_their_order(engine: Seq2Seq) -> None:
    many = [SOURCES[i % 3] for i in range(150)]
    found = engine.generate(many, beam_size=1, num_hypotheses=1, max_length=3)
    assert len(found) == 150
    assert all(found[i][0].tokens == found[i % 3][0].tokens for i in range(150))
    scores = engine.score(many, [TARGETS[i % 3] for i in range(150)])
    assert scores == pytest.approx([scores[i % 3] for i in range(150)], abs=1e-4)


def test_no_source_is_no_work(engine: Seq2Seq) -> None:
    assert engine.generate([], beam_size=2, num_hypotheses=2, max_length=3) == []
    assert engine.score([], []) == []


def test_both_engines_decode_alike(reference: TransformersEngine, copy: CTranslate2Engine) -> None:
    expected = reference.generate(SOURCES, beam_size=1, num_hypotheses=1, max_length=12)
    found = copy.generate(SOURCES, beam_size=1, num_hypotheses=1, max_length=12)
    assert [[h.tokens for h in row] for row in found] == [[h.tokens for h in row] for row in expected]


def test_the_probes_are_real_questions_of_every_task() -> None:
    names = TASKS.names()
    pairs = probes(names, VOCABULARY)
    assert len(pairs) == len(PROBES) * len(names)
    assert all(pair.target and pair.source[-1] == VOCABULARY.eos_id for pair in pairs)


def test_a_float32_copy_scores_like_its_network(reference: TransformersEngine, copy: CTranslate2Engine) -> None:
    assert deviation(reference, copy, probes(["retrosynthesis"], VOCABULARY)) < 1e-5


def test_a_wrong_temperature_is_seen_though_the_best_answer_stays(
    reference: TransformersEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unscaled decoder outputs change every probability but no argmax."""
    monkeypatch.setattr(reference.model.config, "scale_decoder_outputs", False)
    write_ctranslate2(reference.model, VOCABULARY, tmp_path, "float32")
    monkeypatch.undo()
    wrong = CTranslate2Engine(tmp_path, VOCABULARY, compute_type="float32", threads=1)
    pairs = probes(["retrosynthesis"], VOCABULARY)
    assert deviation(reference, wrong, pairs) > 0.01
    greedy = {"beam_size": 1, "num_hypotheses": 1, "max_length": 6}
    sources = [pair.source for pair in pairs]
    assert [h[0].tokens for h in wrong.generate(sources, **greedy)] == [
        h[0].tokens for h in reference.generate(sources, **greedy)
    ]


def test_networks_that_do_not_scale_are_exported_as_they_are(
    reference: TransformersEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference.model.config, "scale_decoder_outputs", False)
    write_ctranslate2(reference.model, VOCABULARY, tmp_path, "float32")
    copy = CTranslate2Engine(tmp_path, VOCABULARY, compute_type="float32", threads=1)
    assert deviation(reference, copy, probes(["retrosynthesis"], VOCABULARY)) < 1e-5


def test_quantising_a_copy_leaves_the_network_as_it_was(reference: TransformersEngine, tmp_path: Path) -> None:
    before = reference.score(SOURCES, TARGETS)
    write_ctranslate2(reference.model, VOCABULARY, tmp_path, "int8")
    assert reference.score(SOURCES, TARGETS) == before
    int8 = CTranslate2Engine(tmp_path, VOCABULARY, threads=1)
    assert int8.score(SOURCES, TARGETS) == pytest.approx(before, rel=0.1, abs=2.5)


def test_another_vocabulary_is_refused(exported: Path) -> None:
    other = Vocabulary((*VOCABULARY.tokens[:-1], "[Xx]"))
    with pytest.raises(ModelError, match="not the vocabulary"):
        CTranslate2Engine(exported, other)


def test_a_damaged_copy_is_refused(exported: Path, tmp_path: Path) -> None:
    for path in exported.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes()[:100] if path.name == "model.bin" else path.read_bytes())
    with pytest.raises(ModelError, match="cannot load the model"):
        CTranslate2Engine(tmp_path, VOCABULARY)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        CTranslate2Engine(tmp_path, VOCABULARY)
    (tmp_path / "shared_vocabulary.json").write_text(json.dumps(VOCABULARY.tokens))
    with pytest.raises(ModelError, match="cannot load"):
        CTranslate2Engine(tmp_path, VOCABULARY)
    with pytest.raises(ModelError):
        TransformersEngine(tmp_path, VOCABULARY)


def test_a_network_of_another_vocabulary_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match="token ids"):
        TransformersEngine(folder, Vocabulary(VOCABULARY.tokens[:-64]))


def test_patience_looks_for_more_and_finds_no_worse(exported: Path, copy: CTranslate2Engine) -> None:
    patient = CTranslate2Engine(exported, VOCABULARY, compute_type="float32", threads=1, patience=3.0)
    sources = [list(pair.source) for pair in probes(["retrosynthesis"], VOCABULARY)]
    asked = {"beam_size": 4, "num_hypotheses": 4, "max_length": 12}
    pairs = [*zip(copy.generate(sources, **asked), patient.generate(sources, **asked), strict=True)]
    assert all(len(answers) == 4 for _, answers in pairs)
    assert all(hasty[0].score <= found[0].score + 1e-5 for hasty, found in pairs)
    assert any([h.tokens for h in hasty] != [h.tokens for h in found] for hasty, found in pairs)
