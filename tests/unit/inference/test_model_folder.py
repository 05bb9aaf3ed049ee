"""Model folders: opened by name or path, checked, and refused in one clear line."""

import json
from pathlib import Path
from typing import Any

import pytest

from retort.errors import ModelError
from retort.inference.loading import load_proposers
from retort.inference.model_folder import CARD, ModelFolder, seal
from retort.inference.toy_model import write_toy_model


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return write_toy_model(tmp_path / "toy")


def change(folder: Path, **values: Any) -> None:
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps(card | values))


def test_a_sealed_folder_opens_and_its_files_are_the_ones_sealed(toy: Path) -> None:
    folder = ModelFolder.open(str(toy))
    assert folder.card.name == "toy"
    assert set(folder.card.files) == {"language_model/vocabulary.json", "seen/retrosynthesis.npy"}
    assert folder.file("seen/retrosynthesis.npy") == toy / "seen" / "retrosynthesis.npy"
    assert folder.folder("language_model") == toy / "language_model"
    assert len(folder.fingerprint) == 64


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(ModelError, match="there is no model 'retort-bse'"):
        ModelFolder.open("retort-bse")


def test_a_folder_without_a_card_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"it has no model\.json"):
        ModelFolder.open(str(tmp_path))


def test_a_checkpoint_is_told_apart_and_the_export_named(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="retort export"):
        ModelFolder.open(str(tmp_path))


def test_a_file_is_no_folder(toy: Path) -> None:
    with pytest.raises(ModelError, match="is a file"):
        ModelFolder.open(str(toy / CARD))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{torn", "cannot read"),
        ("[]", "is not a model card"),
        ('{"format": "other"}', "is not a model card"),
        ('{"format": "retort-model", "version": 2}', "has version 2"),
        ('{"format": "retort-model", "version": 1}', "Field required"),
    ],
)
def test_a_damaged_card_is_refused(toy: Path, text: str, words: str) -> None:
    (toy / CARD).write_text(text)
    with pytest.raises(ModelError, match=words):
        ModelFolder.open(str(toy))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"speed": 3}, "unknown key 'speed'"),
        ({"tasks": {"retrosynthesis": {"trained": True, "proposers": ["ghost"]}}}, "names the proposer 'ghost'"),
        ({"tasks": {"retrosynthesis": {"trained": True}}}, "names no proposer"),
        ({"files": {"../secrets": "00"}}, "outside of the model folder"),
    ],
)
def test_an_inconsistent_card_is_refused(toy: Path, values: dict[str, Any], words: str) -> None:
    change(toy, **values)
    with pytest.raises(ModelError, match=words):
        ModelFolder.open(str(toy))


def test_a_changed_file_is_refused_when_it_is_used_and_not_before(toy: Path) -> None:
    (toy / "seen" / "retrosynthesis.npy").write_bytes(b"other")
    folder = ModelFolder.open(str(toy))
    assert folder.folder("language_model").is_dir()
    with pytest.raises(ModelError, match="is damaged"):
        folder.file("seen/retrosynthesis.npy")


def test_a_missing_file_is_named(toy: Path) -> None:
    (toy / "language_model" / "vocabulary.json").unlink()
    with pytest.raises(ModelError, match=r"lacks '.*vocabulary\.json'"):
        ModelFolder.open(str(toy)).folder("language_model")


def test_a_file_that_the_card_does_not_list_is_never_used(toy: Path) -> None:
    (toy / "extra.npz").write_bytes(b"")
    with pytest.raises(ModelError, match="lists no file"):
        ModelFolder.open(str(toy)).file("extra.npz")
    with pytest.raises(ModelError, match="lists no file in 'rankers'"):
        ModelFolder.open(str(toy)).folder("rankers")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"kind": "oracle"}, "unknown kind 'oracle'"),
        ({"kind": "language_model"}, "names no folder"),
        ({"kind": "template_ranker"}, "names no file"),
        ({"kind": "language_model", "folder": "language_model", "engine": "abacus"}, "unknown engine 'abacus'"),
    ],
)
def test_a_proposer_that_cannot_be_built_is_refused(toy: Path, entry: dict[str, str], words: str) -> None:
    change(toy, proposers={"language_model": entry})
    with pytest.raises(ModelError, match=words):
        load_proposers(ModelFolder.open(str(toy)), ["language_model"], None)


def test_sealing_refuses_what_could_not_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="unknown key"):
        seal(tmp_path, {"name": "x", "release": "0", "proposers": {}, "tasks": {}, "sped": 1})
    assert not (tmp_path / CARD).exists()
