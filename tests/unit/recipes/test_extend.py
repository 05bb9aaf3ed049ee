"""A model folder gets new parts, and those of the same name take the place of the old ones."""

from pathlib import Path

import numpy as np
import pytest

from retort.errors import DataError
from retort.inference.environments import known_environments
from retort.inference.model_folder import ModelFolder
from retort.inference.predictor import Predictor
from retort.inference.questions import write_seen
from retort.inference.toy_model import write_toy_model
from retort.recipes.extend import ExtendConfig, extend
from retort.recipes.release import ProposerChoice, TaskChoice


def test_a_language_model_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    """Also where it is asked in two ways: its files are there once, and nothing of the old one is left."""
    old, new = tmp_path / "old", tmp_path / "new"
    write_toy_model(old)
    write_toy_model(new)
    name = next(iter(ModelFolder.open(str(old)).card.proposers))
    place = ModelFolder.open(str(old)).card.proposers[name].folder
    assert place is not None
    (new / place / "more.txt").write_text("new", "utf-8")
    choice = ProposerChoice("language_model", new / place, engine="toy")
    proposers = {name: choice, "again": ProposerChoice("language_model", new / place, engine="toy", augmentations=2)}
    config = ExtendConfig(str(old), tmp_path / "extended", "2", proposers, {})
    card = ModelFolder.open(str(extend(config, lambda text: None))).card
    assert card.proposers[name].folder == card.proposers["again"].folder == name
    inside = sorted(file for file in card.files if file.endswith("more.txt"))
    assert inside == [f"{name}/more.txt"]
    assert Predictor.load(str(tmp_path / "extended")).model == ModelFolder.open(str(old)).card.name


def test_a_record_of_environments_is_added(tmp_path: Path) -> None:
    write_toy_model(tmp_path / "old")
    np.save(tmp_path / "environments.npy", known_environments(["CCO"]))
    config = ExtendConfig(
        str(tmp_path / "old"), tmp_path / "new", "2", {}, {}, environments=tmp_path / "environments.npy"
    )
    model = ModelFolder.open(str(extend(config, lambda text: None)))
    assert model.card.environments is not None
    assert np.load(model.file(model.card.environments)).tolist() == known_environments(["CCO"]).tolist()


def test_a_record_that_is_not_there_is_named(tmp_path: Path) -> None:
    write_toy_model(tmp_path / "old")
    config = ExtendConfig(str(tmp_path / "old"), tmp_path / "new", "2", {}, {}, environments=tmp_path / "none.npy")
    with pytest.raises(DataError, match=r"there is no .*none.npy"):
        extend(config, lambda text: None)
    assert not (tmp_path / "new").exists()


def test_a_replaced_language_model_stays_where_another_proposer_needs_it(tmp_path: Path) -> None:
    old, new = write_toy_model(tmp_path / "old"), write_toy_model(tmp_path / "new")
    (new / "language_model" / "more.txt").write_text("new", "utf-8")
    again = {"again": ProposerChoice("language_model", old / "language_model", engine="toy", augmentations=2)}
    both = extend(ExtendConfig(str(old), tmp_path / "both", "1", again, {}), lambda text: None)
    shared = {"again": ProposerChoice("language_model", both / "again", engine="toy")}
    shared["language_model"] = ProposerChoice("language_model", both / "again", engine="toy")
    joint = extend(ExtendConfig(str(both), tmp_path / "joint", "2", shared, {}), lambda text: None)
    known = ModelFolder.open(str(joint)).card.proposers
    assert known["again"].folder == known["language_model"].folder == "again"
    tuned = {"again": ProposerChoice("language_model", new / "language_model", engine="toy")}
    card = ModelFolder.open(
        str(extend(ExtendConfig(str(joint), tmp_path / "tuned", "3", tuned, {}), lambda text: None))
    ).card
    assert card.proposers["language_model"].folder == "again"
    assert card.proposers["again"].folder == "again_2"
    assert "again/more.txt" not in card.files
    assert "again_2/more.txt" in card.files


def test_a_renamed_model_leaves_behind_what_a_replaced_task_had(tmp_path: Path) -> None:
    old = write_toy_model(tmp_path / "old")
    write_seen(tmp_path / "keys.npy", [1, 2, 3])
    task = TaskChoice(True, ("language_model",), seen=tmp_path / "keys.npy")
    config = ExtendConfig(str(old), tmp_path / "new", "1", {}, {"forward_prediction": task}, name="mine")
    card = ModelFolder.open(str(extend(config, lambda text: None))).card
    assert card.name == "mine"
    assert {"seen/forward_prediction.npy", "seen/retrosynthesis.npy"} <= set(card.files)
    again = {"retrosynthesis": TaskChoice(True, ("language_model",), seen=tmp_path / "keys.npy")}
    card = ModelFolder.open(str(extend(ExtendConfig(str(old), tmp_path / "next", "1", {}, again)))).card
    assert card.files["seen/retrosynthesis.npy"] != ModelFolder.open(str(old)).card.files["seen/retrosynthesis.npy"]
