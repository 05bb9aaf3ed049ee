"""Frozen types: read back as written, refused when damaged, of another version, or with another encoder."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from retort.elicitation.clustering import Clustering
from retort.elicitation.frozen import FrozenTypes, TrainTypes, TypesCard, weights_sha256
from retort.elicitation.projection import random_projection
from retort.elicitation.vectors import Origin, TextVectors
from retort.errors import ModelError
from retort.models import checkpoint
from retort.models.annotator import LinearHead, ScoredAnnotator
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.models.pooling import encoder_sha256, pooled
from retort.models.protocol import Seq2Seq
from retort.models.toy import ToySeq2Seq
from retort.prompting.vocabulary import Vocabulary

VOCABULARY = Vocabulary.build([])
SIZE, TYPES, ROWS = 16, 3, 12


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    card = Seq2SeqConfig(
        d_model=SIZE, d_kv=8, d_ff=16, layers=1, decoder_layers=1, heads=2, vocabulary_size=len(VOCABULARY)
    )
    folder = tmp_path_factory.mktemp("encoder") / "start"
    checkpoint.save(folder, BACKBONES.get("t5").build(card), VOCABULARY, {})
    return folder


@pytest.fixture
def types(encoder: Path) -> FrozenTypes:
    random = np.random.default_rng(0)
    sha256 = encoder_sha256(checkpoint.load(encoder).network)
    card = TypesCard("retrosynthesis", "difference", TYPES, "probe", sha256, str(encoder), report={"accuracy": 0.5})
    head = LinearHead(random.standard_normal((SIZE, TYPES)), np.array([0.0, 1.0, -np.inf]), 1.5)
    labels = np.arange(ROWS) % TYPES
    train = TrainTypes(np.arange(ROWS) * 2, labels, np.full((ROWS, TYPES), 1 / TYPES, np.float32))
    clustering = Clustering(random.standard_normal((TYPES, 2)).astype(np.float32), 0, 1, 1.0)
    return FrozenTypes(card, random_projection(SIZE, 2), clustering, train, head)


def sources() -> list[list[int]]:
    return [VOCABULARY.encode(f"<retrosynthesis>{text}") for text in ("CCO", "c1ccccc1", "NCCN")]


def test_types_are_read_back_as_they_were_written(types: FrozenTypes, tmp_path: Path) -> None:
    types.save(tmp_path / "types")
    found = FrozenTypes.load(tmp_path / "types")
    assert found.card == types.card
    assert found.head is not None
    assert types.head is not None
    assert found.head.weight.tobytes() == types.head.weight.tobytes()
    assert (found.head.bias.tolist(), found.head.temperature) == ([0.0, 1.0, -np.inf], 1.5)
    for name in ("rows", "labels", "out_of_fold"):
        assert getattr(found.train, name).tobytes() == getattr(types.train, name).tobytes()
    assert found.clustering.centroids.tobytes() == types.clustering.centroids.tobytes()


def test_a_probe_reads_types_with_the_encoder_that_made_it(types: FrozenTypes, encoder: Path, tmp_path: Path) -> None:
    types.save(tmp_path / "types")
    found = FrozenTypes.load(tmp_path / "types")
    place = found.encoder_folder(tmp_path / "types")
    assert place == encoder
    read = found.annotator(place).annotate(sources())
    assert types.head is not None
    expected = types.head.probabilities(pooled(checkpoint.load(encoder).network, sources()))
    assert read.probabilities == pytest.approx(expected)


def test_an_encoder_that_is_carried_along_is_found_wherever_the_folder_goes(
    types: FrozenTypes, encoder: Path, tmp_path: Path
) -> None:
    types.save(tmp_path / "types", encoder)
    moved = (tmp_path / "types").rename(tmp_path / "elsewhere")
    found = FrozenTypes.load(moved)
    assert found.card.encoder == "encoder"
    assert found.encoder_folder(moved) == moved / "encoder"
    assert found.annotator(moved / "encoder").annotate(sources()).ids.shape == (3,)


def test_another_encoder_is_refused(types: FrozenTypes, encoder: Path) -> None:
    other = replace(types, card=replace(types.card, encoder_sha256="0" * 64))
    with pytest.raises(ModelError, match="Use the model that made them"):
        other.annotator(encoder)
    texts = TextVectors(np.zeros((1, SIZE), np.float32), np.zeros((1, SIZE), np.float32), None, Origin("other", ""))
    with pytest.raises(ModelError, match="Use the model"):
        types.of_known(texts)


def test_an_encoder_that_is_nowhere_is_asked_for(types: FrozenTypes, tmp_path: Path) -> None:
    for named in (None, str(tmp_path / "gone")):
        lost = replace(types, card=replace(types.card, encoder=named))
        with pytest.raises(ModelError, match="--encoder"):
            lost.encoder_folder(tmp_path)


def test_a_language_model_that_scores_needs_no_probe(types: FrozenTypes, encoder: Path, tmp_path: Path) -> None:
    card = replace(types.card, reading="scored", scorer_sha256=weights_sha256(encoder), temperature=2.0)
    replace(types, card=card, head=None).save(tmp_path / "types")
    found = FrozenTypes.load(tmp_path / "types")

    def toy(_: Path, vocabulary: Vocabulary) -> Seq2Seq:
        return ToySeq2Seq(vocabulary)

    annotator = found.annotator(encoder, toy)
    assert isinstance(annotator, ScoredAnnotator)
    assert annotator.temperature == 2.0
    assert annotator.annotate(sources()).probabilities == pytest.approx(np.full((3, 3), 1 / 3))
    with pytest.raises(ModelError, match="what runs it"):
        found.annotator(encoder)
    with pytest.raises(ModelError, match="Use the model"):
        replace(found, card=replace(card, scorer_sha256="1" * 64)).annotator(encoder, toy)


def edited(folder: Path, **changes: object) -> None:
    path = folder / "types.json"
    values = {**json.loads(path.read_text("utf-8")), **changes}
    path.write_text(json.dumps({k: v for k, v in values.items() if v != "absent"}), "utf-8")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": 2}, "version 2, not 'retort-types' version 1"),
        ({"format": "retort-model"}, "'retort-model'"),
        ({"task": "absent"}, "does not say what it must"),
        ({"more": 1}, "does not say what it must"),
        ({"names": ["a"]}, "does not say what it must"),
        ({"types": 4}, "of \\[3, 4\\] types|does not fit|shape"),
        ({"types": 2}, "not a type in 0..1"),
        ({"encoding": "sum"}, "'sum'"),
        ({"reading": "guess"}, "'guess'"),
        ({"files": "absent"}, "no folder of frozen types"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(
    types: FrozenTypes, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    types.save(tmp_path / "types")
    edited(tmp_path / "types", **changes)
    with pytest.raises(ModelError, match=words):
        FrozenTypes.load(tmp_path / "types")


@pytest.mark.parametrize("name", ["probe.npz", "train.npz", "clustering.npz", "projection.npz"])
def test_a_damaged_or_missing_file_is_refused(types: FrozenTypes, tmp_path: Path, name: str) -> None:
    types.save(tmp_path / "types")
    path = tmp_path / "types" / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError, match="missing or damaged"):
        FrozenTypes.load(tmp_path / "types")
    path.unlink()
    with pytest.raises(ModelError, match="missing or damaged"):
        FrozenTypes.load(tmp_path / "types")


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no folder of frozen types"):
        FrozenTypes.load(tmp_path)
