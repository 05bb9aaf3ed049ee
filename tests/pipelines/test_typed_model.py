"""A model folder whose language model is told types that an annotator reads from the query."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from retort.cli import app
from retort.config import build
from retort.elicitation.clustering import Clustering
from retort.elicitation.frozen import FrozenTypes, TrainTypes, TypesCard
from retort.elicitation.projection import Projection
from retort.errors import ModelError
from retort.inference.model_folder import CARD, seal
from retort.inference.predictor import Predictor
from retort.models.annotator import LinearHead
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.prepare import PrepareConfig, prepare
from retort.recipes.release import ReleaseConfig, release

torch = pytest.importorskip("torch", reason="needs the extra [train]")

VOCABULARY = Vocabulary.build(())
NAMES = ("acylation", "alkylation", "reduction")


@pytest.fixture
def types(tmp_path: Path) -> Path:
    """Frozen types with names, read by a probe on a network with random weights."""
    from retort.models import checkpoint
    from retort.models.backbone import BACKBONES, Seq2SeqConfig
    from retort.models.pooling import encoder_sha256

    torch.manual_seed(0)
    card = Seq2SeqConfig(
        d_model=16, d_kv=8, d_ff=16, layers=1, decoder_layers=1, heads=2, vocabulary_size=len(VOCABULARY)
    )
    network = BACKBONES.get("t5").build(card)
    checkpoint.save(tmp_path / "encoder", network, VOCABULARY, {})
    train = TrainTypes(np.arange(6), np.arange(6) % 3, np.full((6, 3), 1 / 3, np.float32))
    random = np.random.default_rng(0)
    FrozenTypes(
        TypesCard("retrosynthesis", "difference", 3, "probe", encoder_sha256(network), None, names=NAMES),
        Projection("none"),
        Clustering(random.standard_normal((3, 16)).astype(np.float32), 0, 1, 0.0),
        train,
        LinearHead(random.standard_normal((16, 3)), np.zeros(3)),
    ).save(tmp_path / "types", tmp_path / "encoder")
    return tmp_path / "types"


@pytest.fixture
def model(types: Path, tmp_path: Path) -> Path:
    """Release a toy language model that is told these types."""
    (tmp_path / "toy").mkdir()
    VOCABULARY.save(tmp_path / "toy" / "vocabulary.json")
    (tmp_path / "rows.txt").write_text("CC(=O)Cl.CN>>CNC(C)=O\n")
    sources = [{"name": "reaction_smiles", "path": str(tmp_path / "rows.txt")}]
    data = {"output": str(tmp_path / "prepared"), "sources": sources, "hold_out": {"valid": 0.0, "test": 0.0}}
    prepare(build(PrepareConfig, data, "test"), say=lambda _: None)
    proposer = {"kind": "typed_language_model", "path": str(tmp_path / "toy"), "engine": "toy", "types": str(types)}
    values: dict[str, Any] = {
        "output": str(tmp_path / "model"),
        "name": "typed",
        "release": "1",
        "prepared": data["output"],
        "proposers": {"told": proposer},
        "tasks": {"retrosynthesis": {"trained": True, "proposers": ["told"]}},
        "card": {"introduction": "A toy."},
    }
    return release(build(ReleaseConfig, values, "test"), say=lambda _: None)


def test_every_candidate_carries_the_type_it_was_proposed_under(model: Path, types: Path) -> None:
    shutil.rmtree(types)  # the model carries all it needs
    found = Predictor.load(str(model)).retrosynthesis("CCO", 3)
    assert found.status == "ok"
    for candidate in found.candidates:
        read = candidate.to_dict()["reaction_type"]
        assert read["name"] == NAMES[read["id"]]
        assert 0 < read["probability"] <= 1


def test_the_command_line_tells_it(model: Path) -> None:
    done = CliRunner().invoke(app, ["predict", "retro", "CCO", "-m", str(model), "-f", "json"])
    assert set(json.loads(done.stdout)["candidates"][0]["reaction_type"]) == {"id", "name", "probability"}


def test_types_that_are_not_there_are_an_error(model: Path) -> None:
    card = json.loads((model / CARD).read_text())
    card["proposers"]["told"]["types"] = None
    seal(model, {key: card[key] for key in ("name", "release", "proposers", "tasks")})
    with pytest.raises(ModelError, match="names no folder of types"):
        Predictor.load(str(model)).retrosynthesis("CCO", 3)
