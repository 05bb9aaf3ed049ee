"""A plan has a status for whatever is asked, and says of its steps what the model answers."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from retort.errors import InputFileError
from retort.inference.planning.explaining import Note, notes_on
from retort.inference.planning.plan import Plan, PlanRequest, make_plan
from retort.inference.planning.routes import Molecule, Step
from retort.inference.planning.search import SearchConfig
from retort.inference.planning.stocks import load_stock
from retort.inference.planning.toy_planner import TARGET
from retort.inference.prediction import Candidate, RoundTrip
from retort.inference.predictor import Predictor
from retort.inference.round_trip import FORWARD, Oracle
from retort.inference.stock import Stock
from retort.inference.toy_model import write_toy_model

STOCK = Stock(frozenset(["CC(=O)O", "N#Cc1ccccc1"]), frozenset(), 1, "")
AMIDATION = Candidate(1, "CC(=O)O.NCc1ccccc1", 0.0, "retrosynthesis")


@pytest.fixture(scope="module")
def request_() -> PlanRequest:
    return PlanRequest("C1=CC=CC=C1CNC(C)=O", STOCK, "shelf", SearchConfig(routes=1))


@pytest.fixture(scope="module")
def plan(planner: Predictor, request_: PlanRequest) -> Plan:
    return make_plan(planner, request_)


def step(candidate: Candidate, product: str) -> Step:
    return Step(product, candidate, tuple(Molecule(smiles, True) for smiles in candidate.smiles.split(".")))


def test_a_target_in_any_spelling_is_planned(plan: Plan) -> None:
    assert (plan.status, plan.target, plan.model) == ("ok", TARGET, "toy_planner")
    assert plan.message == "No reaction classification: a toy knows no classes."
    assert [len(route.steps) for route in plan.routes] == [2]


def test_a_plan_is_json(plan: Plan) -> None:
    told = json.loads(json.dumps(plan.to_dict(), allow_nan=False))
    assert told["stock"] == {"name": "shelf", "entries": 2, "unreadable": 1}
    assert told["search"]["algorithm"] == "retro_star"
    assert told["found"]["ended"] == "first route"
    (route,) = told["routes"]
    assert (route["rank"], route["steps"], route["depth"], route["confidence"]) == (1, 2, 2, None)
    assert route["starting_materials"] == ["CC(=O)O", "N#Cc1ccccc1"]
    assert route["tree"] == plan.trees()[0]
    assert route["tree"]["children"][0]["metadata"]["conditions"] is None


def test_a_target_in_stock_is_bought_unless_it_is_to_be_made(planner: Predictor, request_: PlanRequest) -> None:
    has = Stock(STOCK.smiles | {TARGET}, frozenset(), 0, "")
    bought = make_plan(planner, replace(request_, stock=has))
    assert (bought.status, bought.message) == ("ok", "The target is in stock: nothing has to be made.")
    assert ([route.steps for route in bought.routes], bought.found) == ([()], None)
    made = make_plan(planner, replace(request_, stock=has, make_anyway=True))
    assert len(made.routes[0].steps) == 2
    assert made.routes[0].target.in_stock


@pytest.mark.parametrize("query", ["", "C1CC", "hello", "*CC", "C" * 3000])
def test_an_unreadable_target_is_a_status(planner: Predictor, request_: PlanRequest, query: str) -> None:
    plan = make_plan(planner, replace(request_, query=query))
    assert (plan.status, plan.routes, plan.target, plan.found) == ("invalid_input", (), "", None)
    assert plan.message


def test_no_route_is_a_status_that_says_what_was_tried(planner: Predictor, request_: PlanRequest) -> None:
    plan = make_plan(planner, replace(request_, stock=Stock(frozenset(["CO"]), frozenset(), 0, "")))
    assert (plan.status, plan.routes) == ("no_answer", ())
    assert plan.message.startswith("no route of at most 6 steps from this stock: ")
    assert "nothing left to expand" in plan.message
    assert plan.found is not None


def test_a_model_that_knows_no_retrosynthesis_declines(tmp_path: Path, request_: PlanRequest) -> None:
    folder = write_toy_model(tmp_path / "toy")
    card = json.loads((folder / "model.json").read_text("utf-8"))
    card["tasks"]["retrosynthesis"] = {"trained": False, "reason": "of no use"}
    (folder / "model.json").write_text(json.dumps(card), "utf-8")
    plan = make_plan(Predictor.load(str(folder)), request_)
    assert (plan.status, plan.message) == ("no_answer", "not trained: of no use.")


def oracle_of(planner: Predictor) -> Oracle:
    """Return the planner's own forward proposer as a judge, which real ones never are."""
    (name,) = planner._folder.card.tasks["forward_prediction"].proposers
    return Oracle("toy_planner", planner._load(name), backward=False)


def test_conditions_and_round_trip_are_told_on_request(planner: Predictor) -> None:
    notes = notes_on(planner, [step(AMIDATION, TARGET)] * 2, judge=oracle_of(planner))
    note = notes.of(step(AMIDATION, TARGET))
    assert note.conditions is not None
    assert note.conditions[0].smiles == "CCN(CC)CC.ClCCl"
    assert note.round_trip == RoundTrip("toy_planner", 1, 1, True)
    assert notes.silent == ("No reaction classification: a toy knows no classes.",)
    assert notes.metadata()[step(AMIDATION, TARGET).reaction]["round_trip"]["rank"] == 1
    assert notes.of(step(replace(AMIDATION, smiles="C.C"), TARGET)) == Note()


def test_a_round_trip_may_fail_or_miss_stereochemistry(planner: Predictor) -> None:
    other = step(AMIDATION, "CCC")
    assert notes_on(planner, [other], judge=oracle_of(planner)).of(other).round_trip == RoundTrip(
        "toy_planner", None, 1, False
    )
    marked = step(AMIDATION, "CC(=O)N[C@@H]([2H])c1ccccc1")
    assert notes_on(planner, [marked], judge=oracle_of(planner)).of(marked).round_trip == RoundTrip(
        "toy_planner", 1, 1, False
    )


def test_classes_of_the_embedded_model_have_number_and_name() -> None:
    notes = notes_on(Predictor.load(), [step(AMIDATION, TARGET)])
    note = notes.of(step(AMIDATION, TARGET))
    assert note.reaction_class == "2 acylation and related processes"
    assert note.class_confidence is not None
    assert note.class_confidence > 0.9
    assert (note.conditions, note.round_trip, notes.silent) == (None, None, ())


def test_the_embedded_model_plans_with_calibrated_costs() -> None:
    has = Stock(frozenset(["CC(=O)OC(C)=O", "Nc1ccc(O)cc1"]), frozenset(), 0, "")
    request = PlanRequest("CC(=O)Nc1ccc(O)cc1", has, "shelf", SearchConfig(routes=1, expansions=3), explain=True)
    plan = make_plan(Predictor.load(), request)
    assert plan.status == "ok"
    assert plan.routes[0].confidence is not None
    note = plan.notes.of(plan.routes[0].steps[0])
    assert note.round_trip is not None
    assert note.round_trip.oracle == Oracle.load(FORWARD).name
    assert note.round_trip.rank == 1


def test_a_published_stock_is_read_by_the_name_of_its_source(data_root: Path) -> None:
    assert len(load_stock("paroutes_stock:n5")) == 13_783
    with pytest.raises(InputFileError, match="no list of InChI keys"):
        load_stock("paroutes_stock:n7")
    with pytest.raises(InputFileError, match="no list of InChI keys"):
        load_stock("chebi20")


def test_a_stock_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "shelf.txt").write_text("CCO\nIKHGUXGNUITLKF-UHFFFAOYSA-N\n")
    stock = load_stock(str(tmp_path / "shelf.txt"))
    assert "CCO" in stock
    assert "CC=O" in stock
    with pytest.raises(InputFileError):
        load_stock(str(tmp_path / "none.txt"))
