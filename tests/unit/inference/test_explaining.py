"""Evidence on demand: every part, or why it cannot be had; nothing where it was not asked for."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from retort.errors import DataError, InputFileError, UnknownNameError, UsageError
from retort.inference.environments import known_environments
from retort.inference.explaining import PARTS, Resources
from retort.inference.model_folder import CARD, DEFAULT_MODEL, embedded_models, seal
from retort.inference.predictor import Predictor
from retort.inference.toy_model import write_toy_model
from retort.recipes.reaction_index import IndexRequest, build_index

embedded = pytest.mark.skipif(DEFAULT_MODEL not in embedded_models(), reason="the embedded model is not built yet")
AMIDE = "CC(=O)NCc1ccccc1"
Load = Callable[..., Predictor]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a toy model, an index of one reaction and a stock of two molecules."""
    folder = tmp_path_factory.mktemp("home")
    write_toy_model(folder / "toy")
    (folder / "rows.csv").write_text(f"reaction,page\nCC(=O)Cl.NCc1ccccc1>>{AMIDE},7\n")
    build_index(IndexRequest(folder / "rows.csv", folder / "index", id_column="page"))
    (folder / "stock.txt").write_text("O\nCCO\n")
    return folder


@pytest.fixture
def load(home: Path) -> Load:
    def load_with(**given: str) -> Predictor:
        return Predictor.load(str(home / "toy"), **{name: home / file for name, file in given.items()})

    return load_with


def test_what_is_not_asked_for_is_not_there(load: Load) -> None:
    plain = load().retrosynthesis(AMIDE)
    assert load().retrosynthesis(AMIDE, explain=False) == plain
    assert load(index="index", stock="stock.txt").retrosynthesis(AMIDE, explain=False) == plain
    assert {(c.round_trip, c.precedents, c.in_stock) for c in plain.candidates} == {(None, (), None)}
    assert "in_stock" not in plain.candidates[0].to_dict()


def test_an_index_or_a_stock_explains_by_being_given(load: Load) -> None:
    with_index = load(index="index").retrosynthesis(AMIDE).candidates[0]
    assert with_index.precedents[0].id == "7"
    assert with_index.in_stock is None
    with_stock = load(stock="stock.txt").retrosynthesis("CCO", 2).candidates
    assert [c.in_stock for c in with_stock] == [{"CCO": True, "O": True}] * 2
    assert load(stock="stock.txt").retrosynthesis(AMIDE, 1).candidates[0].in_stock == {AMIDE: False, "O": True}


def test_precedents_are_like_the_reaction_that_query_and_answer_make(load: Load) -> None:
    first = load(index="index").forward_prediction("CC(=O)Cl.NCc1ccccc1", 1).to_dict()["candidates"][0]
    assert set(first["precedents"][0]) == {"reaction", "similarity", "id"}
    assert 0 < first["precedents"][0]["similarity"] < 1
    assert json.loads(json.dumps(first)) == first


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("reaction_type", "No reaction types"),
        ("precedents", "--index DIR"),
        ("in_stock", "--stock FILE"),
        ("distance", "No distance"),
    ],
)
def test_a_part_that_cannot_be_had_says_why(load: Load, part: str, words: str) -> None:
    found = load().forward_prediction("CCO", explain={part})
    assert words in found.message
    assert found.message.count(".") == words.count(".") + 1


def test_a_set_of_parts_is_exactly_those(load: Load) -> None:
    predictor = load(index="index", stock="stock.txt")
    found = predictor.retrosynthesis(AMIDE, 1, explain={"in_stock"}).candidates[0]
    assert found.precedents == ()
    assert found.in_stock is not None
    assert predictor.resources.parts(True) == set(PARTS)
    assert predictor.resources.parts(None) == {"precedents", "in_stock"}
    assert predictor.resources.parts([]) == frozenset()


def test_unknown_parts_are_refused(load: Load) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'precedents'"):
        load().retrosynthesis(AMIDE, explain={"precedent"})
    with pytest.raises(UsageError, match="a set such as"):
        load().retrosynthesis(AMIDE, explain="precedents")


def test_queries_without_an_answer_stay_as_they_are(load: Load) -> None:
    predictor = load(index="index", stock="stock.txt")
    asked = ["C1CC", AMIDE, ".".join(["CCCCCCCCCC"] * 60)]
    plain, full = predictor.forward_prediction(asked, explain=False), predictor.forward_prediction(asked)
    assert [p.status for p in full] == ["invalid_input", "ok", "no_answer"]
    assert (full[0], full[2]) == (plain[0], plain[2])


@embedded
def test_the_round_trip_of_any_model_is_by_the_fixed_oracle(load: Load) -> None:
    found = load().retrosynthesis(AMIDE, 2, explain={"round_trip"}).to_dict()["candidates"]
    assert {c["round_trip"]["oracle"].split(" ")[0] for c in found} == {DEFAULT_MODEL}
    assert {tuple(c["round_trip"]) for c in found} == {("oracle", "rank", "answers", "exact")}


@embedded
def test_an_oracle_that_declines_is_said() -> None:
    found = Predictor.load().retrosynthesis("CC[Se]C#N", 1, explain={"round_trip", "distance"})
    assert found.candidates[0].round_trip is None
    assert "forward_templates has no answer." in found.message
    assert "Far from the training data: 5 of the query's 13 atom environments" in found.message


@embedded
def test_a_class_makes_no_round_trip() -> None:
    found = Predictor.load().reaction_classification(f"CC(=O)Cl.NCc1ccccc1>>{AMIDE}", 1, explain={"round_trip"})
    assert found.candidates[0].round_trip is None
    assert "No round trip" in found.message


@embedded
def test_everything_of_the_embedded_model(home: Path) -> None:
    predictor = Predictor.load(index=home / "index", stock=home / "stock.txt")
    first = predictor.retrosynthesis(AMIDE, 3, explain=True).candidates[0]
    assert first.round_trip is not None
    assert first.round_trip.rank == 1
    assert first.precedents
    assert first.in_stock == dict.fromkeys(first.smiles.split("."), False)
    assert first.confidence is not None


def keep_environments(folder: Path, *molecules: str) -> Path:
    """Write a toy model that remembers the environments of some molecules."""
    write_toy_model(folder)
    np.save(folder / "environments.npy", known_environments(molecules))
    card = json.loads((folder / CARD).read_text())
    values = {key: card[key] for key in ("name", "release", "proposers", "tasks")}
    seal(folder, values | {"environments": "environments.npy"})
    return folder


def test_a_query_far_from_the_training_data_is_warned_of(tmp_path: Path) -> None:
    predictor = Predictor.load(str(keep_environments(tmp_path / "toy", AMIDE, "CCO")))
    near, far = predictor.retrosynthesis([AMIDE, "CC[Se]C#N"], explain={"distance"})
    assert "Far" not in near.message
    assert "Far from the training data: " in far.message
    assert "atom environments are in no training molecule." in far.message


def test_resources_that_are_not_there_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not an index"):
        Resources.load(index=tmp_path)
    with pytest.raises(InputFileError):
        Resources.load(stock=tmp_path / "none.txt")
