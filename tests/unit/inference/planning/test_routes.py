"""A route counts its steps once, knows the order of the flask, and is written in the form that others read."""

import math
from dataclasses import replace

import pytest

from retort.inference.planning.routes import Molecule, Route, Step, cost_of, probability_of
from retort.inference.prediction import Candidate

ESTER = Candidate(2, "CO.O=C(O)CCC(=O)O", -0.5, "a", 0.5)
DIESTER = Candidate(1, "CO.COC(=O)CCC(=O)O", -1.0, "b", 0.25)


def leaf(smiles: str) -> Molecule:
    return Molecule(smiles, in_stock=True)


@pytest.fixture
def diester() -> Route:
    """Dimethyl succinate, one ester after the other."""
    half = Molecule("COC(=O)CCC(=O)O", False, Step("COC(=O)CCC(=O)O", ESTER, (leaf("CO"), leaf("O=C(O)CCC(=O)O"))))
    return Route(Molecule("COC(=O)CCC(=O)OC", False, Step("COC(=O)CCC(=O)OC", DIESTER, (leaf("CO"), half))))


def test_a_route_adds_up(diester: Route) -> None:
    assert [step.candidate for step in diester.steps] == [ESTER, DIESTER]
    assert [found.smiles for found in diester.leaves] == ["CO", "O=C(O)CCC(=O)O"]
    assert (diester.depth, diester.solved) == (2, True)
    assert diester.confidence == 0.125
    assert diester.cost == pytest.approx(-math.log(0.125))


def test_what_is_needed_twice_is_made_once_and_before(diester: Route) -> None:
    half = diester.target.step.reactants[1]  # type: ignore[union-attr]
    both = Candidate(1, "COC(=O)CCC(=O)O.COC(=O)CCC(=O)OC", 0.0, "c", 1.0)
    top = Route(Molecule("X", False, Step("X", both, (half, diester.target))))
    assert [step.candidate for step in top.steps] == [ESTER, DIESTER, both]
    assert top.depth == 3


def test_a_route_without_steps_is_its_target() -> None:
    route = Route(leaf("CO"))
    assert (route.steps, route.depth, route.cost, route.confidence, route.solved) == ((), 0, 0, 1.0, True)
    assert "children" not in route.common_form()


def test_what_is_not_in_stock_is_not_solved() -> None:
    assert not Route(Molecule("CO", in_stock=False)).solved


def test_molecules_and_reactions_stand_by_turns(diester: Route) -> None:
    tree = diester.common_form({diester.steps[1].reaction: {"classification": "5 protections"}})
    assert (tree["type"], tree["smiles"], tree["in_stock"]) == ("mol", "COC(=O)CCC(=O)OC", False)
    assert tree["scores"] == {"number of reactions": 2, "cost": pytest.approx(2.079442)}
    (reaction,) = tree["children"]
    assert (reaction["type"], reaction["smiles"]) == ("reaction", "COC(=O)CCC(=O)OC>>CO.COC(=O)CCC(=O)O")
    assert reaction["metadata"] == {
        "rsmi": "CO.COC(=O)CCC(=O)O>>COC(=O)CCC(=O)OC",
        "policy_name": "b",
        "policy_probability": 0.25,
        "policy_probability_rank": 0,
        "confidence": 0.25,
        "score": -1.0,
        "classification": "5 protections",
    }
    assert [child["smiles"] for child in reaction["children"]] == ["CO", "COC(=O)CCC(=O)O"]
    assert [child["in_stock"] for child in reaction["children"]] == [True, False]


def test_a_step_without_calibration_costs_by_its_score() -> None:
    bare = replace(ESTER, confidence=None)
    assert probability_of(bare) == pytest.approx(math.exp(-0.5))
    assert cost_of(replace(bare, score=0.3)) == pytest.approx(-math.log(0.999)), "no step is free"
    assert cost_of(replace(ESTER, confidence=0.0)) == pytest.approx(-math.log(1e-10)), "no step is impossible"
    step = Step("X", bare, (leaf("CO"), leaf("O=C(O)CCC(=O)O")))
    assert Route(Molecule("X", False, step)).confidence is None
