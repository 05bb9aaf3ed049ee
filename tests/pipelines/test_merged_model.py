"""A model with rankers and a language model: what each task asks, merges and says."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retort.errors import ModelError, UsageError
from retort.inference.model_folder import seal
from retort.inference.predictor import Predictor
from retort.models.ranker import Ranker, RankerMeta
from retort.prompting.vocabulary import Vocabulary

BITS = 64
AMIDE = "[C:1](=[O:2])-[NH;D2;+0:3]>>Cl-[C:1](=[O:2]).[NH2;D1;+0:3]"
REAGENTS = ("CCN(CC)CC.ClCCl", "O", "CO")


def ranker(task: str, classes: tuple[str, ...], probabilities: list[float]) -> Ranker:
    """Return a network that gives every query the same probabilities."""
    template = task == "retrosynthesis"
    fingerprint = {"kind": "molecules" if template else "reaction", "bits": BITS}
    n = len(classes)
    return Ranker(
        RankerMeta(task, "template" if template else "answer", fingerprint, "", 0),
        np.zeros((BITS, 2), np.float32),
        np.zeros(2, np.float32),
        np.zeros((2, n), np.float32),
        np.log(np.array(probabilities, np.float32)),
        classes,
        np.ones(n, np.int32),
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Save a toy language model, a ranker of one template and a ranker of three reagent sets."""
    (tmp_path / "language_model").mkdir()
    Vocabulary.build(()).save(tmp_path / "language_model" / "vocabulary.json")
    ranker("retrosynthesis", (AMIDE,), [1.0]).save(tmp_path / "rankers" / "retrosynthesis.npz")
    ranker("reagent_prediction", REAGENTS, [0.5, 0.3, 0.2]).save(tmp_path / "rankers" / "reagents.npz")
    write_card(tmp_path)
    return tmp_path


def write_card(folder: Path, **retrosynthesis: Any) -> None:
    both = ["retro_ranker", "language_model"]
    seal(
        folder,
        {
            "name": "merged",
            "release": "1",
            "proposers": {
                "language_model": {"kind": "language_model", "folder": "language_model", "engine": "toy"},
                "retro_ranker": {"kind": "template_ranker", "file": "rankers/retrosynthesis.npz", "uses_class": True},
                "reagent_ranker": {"kind": "answer_ranker", "file": "rankers/reagents.npz"},
            },
            "tasks": {
                "retrosynthesis": {"trained": True, "proposers": both, **retrosynthesis},
                "reagent_prediction": {"trained": True, "proposers": ["reagent_ranker"]},
            },
        },
    )


def proposers(model: Path, **options: Any) -> list[str]:
    found = Predictor.load(str(model), **options).retrosynthesis("CC(=O)NCc1ccccc1", 4)
    return [candidate.proposer for candidate in found.candidates]


def test_candidates_of_both_kinds_are_merged_and_keep_their_names(model: Path) -> None:
    found = Predictor.load(str(model)).retrosynthesis("CC(=O)NCc1ccccc1", 4)
    assert [(c.rank, c.smiles, c.proposer) for c in found.candidates[:2]] == [
        (1, "CC(=O)Cl.NCc1ccccc1", "template_ranker"),
        (2, "CC(=O)NCc1ccccc1.O", "language_model"),
    ]


def test_weights_of_the_card_decide_who_leads(model: Path) -> None:
    write_card(model, weights={"retro_ranker": 0.1})
    assert proposers(model)[0] == "language_model"


def test_a_single_proposer_can_be_asked_by_kind_or_name(model: Path) -> None:
    assert proposers(model, proposer="template_ranker") == ["template_ranker"]
    assert proposers(model, proposer="retro_ranker") == ["template_ranker"]
    assert set(proposers(model, proposer="language_model")) == {"language_model"}
    with pytest.raises(UsageError, match="no proposer 'reagent_ranker' for retrosynthesis"):
        proposers(model, proposer="reagent_ranker")


def test_one_proposer_without_an_answer_leaves_the_others(model: Path) -> None:
    found = Predictor.load(str(model)).retrosynthesis("CCCC", 3)
    assert {c.proposer for c in found.candidates} == {"language_model"}


def test_reagents_come_from_the_ranker_of_answers(model: Path) -> None:
    found = Predictor.load(str(model)).reagent_prediction("CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccccc1", 2)
    assert [(c.smiles, c.proposer) for c in found.candidates] == [
        ("CCN(CC)CC.ClCCl", "answer_ranker"),
        ("O", "answer_ranker"),
    ]
    assert found.candidates[0].score == pytest.approx(np.log(0.5), abs=1e-3)


def test_a_class_is_of_use_where_one_proposer_can_use_it(model: Path) -> None:
    predictor = Predictor.load(str(model))
    assert predictor.retrosynthesis("CC(=O)NC", reaction_class=2).message == ""


def test_a_damaged_ranker_is_refused(model: Path) -> None:
    (model / "rankers" / "retrosynthesis.npz").write_bytes(b"PK")
    with pytest.raises(ModelError, match="is damaged"):
        proposers(model)
    write_card(model)  # sealed with the damage
    with pytest.raises(ModelError, match="cannot read the ranker"):
        proposers(model)


def test_two_of_a_kind_bear_their_own_names(model: Path) -> None:
    ranker("retrosynthesis", (AMIDE,), [1.0]).save(model / "rankers" / "second.npz")
    second = {"kind": "template_ranker", "file": "rankers/second.npz"}

    card = json.loads((model / "model.json").read_text())
    card["proposers"]["second"] = second
    card["tasks"]["retrosynthesis"]["proposers"] = ["second", "retro_ranker"]
    seal(model, {key: card[key] for key in ("name", "release", "proposers", "tasks")})
    assert proposers(model) == ["second"]
    assert proposers(model, proposer="retro_ranker") == ["retro_ranker"]
