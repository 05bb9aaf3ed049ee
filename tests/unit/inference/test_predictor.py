"""The predictor: every query answered in its place, with a status and a reason."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import retort
from retort.errors import ModelError, UnknownNameError, UsageError
from retort.inference.formats import csv_rows, json_lines, picture
from retort.inference.model_folder import CARD
from retort.inference.predictor import Predictor
from retort.inference.toy_model import STEREO_NOTE, write_toy_model

CANDIDATE_KEYS = ["rank", "smiles", "score", "confidence", "proposer", "reaction_type", "round_trip", "precedents"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_toy_model(tmp_path / "toy")


@pytest.fixture(scope="module")
def everlasting(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor.load(str(write_toy_model(tmp_path_factory.mktemp("toy") / "toy")))


@pytest.fixture
def toy(folder: Path) -> Predictor:
    return Predictor.load(str(folder))


def change_task(folder: Path, task: str, **values: Any) -> None:
    card = json.loads((folder / CARD).read_text())
    card["tasks"][task] |= values
    (folder / CARD).write_text(json.dumps(card))


def test_the_package_offers_it() -> None:
    assert retort.Predictor is Predictor


def test_order_status_and_query_as_given(toy: Predictor) -> None:
    queries = ["OCC", "C1CC", "", " CCO ", "OCC"]
    found = toy.predict("forward", queries, 2)
    assert [p.query for p in found] == queries
    assert [p.status for p in found] == ["ok", "invalid_input", "invalid_input", "ok", "ok"]
    assert [c.smiles for c in found[0].candidates] == ["CCO.O", "CCO.O.O"]
    assert found[0].candidates == found[3].candidates == found[4].candidates
    assert found[1].candidates == ()


def test_the_dictionary_is_the_contract(toy: Predictor) -> None:
    found = toy.forward_prediction("CC.O", 3).to_dict()
    assert list(found) == ["task", "query", "status", "message", "model", "candidates"]
    assert found["task"] == "forward_prediction"
    assert found["model"] == "toy"
    assert [c["rank"] for c in found["candidates"]] == [1, 2, 3]
    assert list(found["candidates"][0]) == CANDIDATE_KEYS
    assert found["candidates"][0] == {
        "rank": 1,
        "smiles": "CC.O.O",
        "score": -0.2,
        "confidence": None,
        "proposer": "language_model",
        "reaction_type": None,
        "round_trip": None,
        "precedents": [],
    }
    assert json.loads(json.dumps(found)) == found


def test_a_product_is_never_its_own_precursor(toy: Predictor) -> None:
    found = toy.retrosynthesis("OCC", 3)
    assert [c.smiles for c in found.candidates] == ["CCO.O", "CCO.O.O", "CCO.O.O.O"]
    assert found.unreadable == {"nothing reacts": 1}


def test_precursors_are_never_their_own_product(toy: Predictor) -> None:
    found = toy.forward_prediction("CC.O", 2)
    assert [c.smiles for c in found.candidates] == ["CC.O.O", "CC.O.O.O"]
    assert found.unreadable == {"nothing reacts": 1}


def test_a_small_top_k_is_a_prefix_of_a_large_one(toy: Predictor) -> None:
    few, many = toy.forward_prediction("CC", 3), toy.forward_prediction("CC", 12)
    assert len(many.candidates) == 11  # the twelfth was the query itself
    assert many.candidates[:3] == few.candidates


def test_training_data_are_told(toy: Predictor) -> None:
    assert toy.retrosynthesis("c1ccccc1CNC(C)=O").message == "The query is in the training data."
    assert toy.retrosynthesis("c1ccccc1CNC(C)=S").message == "The query is not in the training data."


def test_stereo_is_remarked_on_only_where_the_query_has_it(toy: Predictor) -> None:
    assert toy.forward_prediction("C[C@H](N)C(=O)O").message == STEREO_NOTE
    assert toy.forward_prediction("CC(N)C(=O)O").message == ""


def test_notes_stand_in_every_answer(folder: Path) -> None:
    change_task(folder, "retrosynthesis", notes=["One note.", "Another."])
    assert Predictor.load(str(folder)).retrosynthesis("CCO").message.endswith("One note. Another.")


def test_an_untrained_task_gives_no_answer_and_says_why(toy: Predictor) -> None:
    found = toy.reagent_prediction("CC.O>>CCO")
    assert (found.status, found.candidates) == ("no_answer", ())
    assert found.message == "not trained: a toy knows no reagents."


def test_a_task_unknown_to_the_model_gives_no_answer(folder: Path) -> None:
    card = json.loads((folder / CARD).read_text())
    del card["tasks"]["reagent_prediction"]
    (folder / CARD).write_text(json.dumps(card))
    found = Predictor.load(str(folder)).reagent_prediction("CC>>O")
    assert found.message == "not trained: model 'toy' does not know this task."


def test_a_bad_query_is_invalid_even_where_the_task_is_not_trained(toy: Predictor) -> None:
    assert toy.reagent_prediction("CCO").status == "invalid_input"


def test_no_candidate_is_no_answer_with_the_reasons(toy: Predictor) -> None:
    found = toy.forward_prediction(".".join(["CCCCCCCCCC"] * 60))
    assert found.status == "no_answer"
    assert "the language model reads 512" in found.message


@pytest.mark.parametrize("task", ["retro", "retrosynthesis", "reactants"])
def test_aliases_name_the_task(toy: Predictor, task: str) -> None:
    assert toy.predict(task, ["CCO"])[0].task == "retrosynthesis"


def test_an_unknown_task_is_refused(toy: Predictor) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'retrosynthesis'"):
        toy.predict("retrosyntesis", ["CCO"])


@pytest.mark.parametrize(("top_k", "reaction_class"), [(0, None), (-1, None), (5, 0), (5, 11)])
def test_impossible_numbers_are_refused(toy: Predictor, top_k: int, reaction_class: int | None) -> None:
    with pytest.raises(UsageError):
        toy.predict("retro", ["CCO"], top_k, reaction_class=reaction_class)


@given(
    st.text(max_size=30) | st.text("CNO()[]=#123@+-.>/\\\\ *:~%|", max_size=30),
    st.sampled_from(["retro", "forward", "reagents"]),
)
def test_no_text_breaks_a_batch(everlasting: Predictor, query: str, task: str) -> None:
    before, found, after = everlasting.predict(task, ["CC>>CC", query, "CC>>CC"], 2)
    assert found.query == query
    assert found.status in ("ok", "invalid_input", "no_answer")
    assert (found.status == "ok") == bool(found.candidates)
    assert found.message or found.status == "ok"
    assert before == after
    for write in (json_lines, csv_rows, picture):
        assert found.status == "invalid_input" or write(found if write is picture else [found])


def test_no_query_is_no_prediction(toy: Predictor) -> None:
    assert toy.predict("retro", []) == []


def test_an_unused_class_is_remarked_on(folder: Path) -> None:
    ignored = Predictor.load(str(folder)).retrosynthesis("CCO", reaction_class=3)
    assert "The reaction class was ignored" in ignored.message
    card = json.loads((folder / CARD).read_text())
    card["proposers"]["language_model"]["uses_class"] = True
    (folder / CARD).write_text(json.dumps(card))
    assert (
        Predictor.load(str(folder)).retrosynthesis("CCO", reaction_class=3).message
        == "The query is not in the training data."
    )


def test_one_proposer_can_be_asked_by_name_or_kind(folder: Path) -> None:
    card = json.loads((folder / CARD).read_text())
    card["proposers"]["second"] = card["proposers"]["language_model"]
    card["tasks"]["forward_prediction"]["on_request"] = ["second"]
    (folder / CARD).write_text(json.dumps(card))
    assert Predictor.load(str(folder), proposer="second").forward_prediction("CC").status == "ok"
    assert Predictor.load(str(folder), proposer="language_model").retrosynthesis("CC").status == "ok"
    with pytest.raises(UsageError, match=r"no proposer 'second' for retrosynthesis. It has: language_model"):
        Predictor.load(str(folder), proposer="second").retrosynthesis("CC")


def test_departures_from_the_model_are_part_of_its_identity(folder: Path) -> None:
    assert Predictor.load(str(folder)).identity == "toy"
    changed = Predictor.load(str(folder), proposer="language_model", augmentations=5)
    assert changed.identity == "toy (language_model, 5 spellings)"


def test_spellings_must_be_at_least_one(folder: Path) -> None:
    with pytest.raises(UsageError, match="augmentations must be 1 or more"):
        Predictor.load(str(folder), augmentations=0)


def test_a_damaged_part_stops_the_call_and_not_silently(folder: Path) -> None:
    (folder / "language_model" / "vocabulary.json").write_text("{}")
    with pytest.raises(ModelError, match="damaged"):
        Predictor.load(str(folder)).retrosynthesis("CCO")
