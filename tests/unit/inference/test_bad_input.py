"""What chemists and programs send by mistake: each gets an answer or a clear status, and no one else suffers."""

import pytest

from retort.inference.model_folder import DEFAULT_MODEL, embedded_models
from retort.inference.predictor import Predictor

pytestmark = pytest.mark.skipif(DEFAULT_MODEL not in embedded_models(), reason="the embedded model is not built yet")
TASKS = ("retrosynthesis", "forward_prediction", "reagent_prediction", "reaction_classification", "yield_prediction")
GOOD = "CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccccc1"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load(augmentations=1)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "is empty"),
        (" \t ", "is empty"),
        ("C1CC", ""),
        ("CC(C)(C)(C)C", ""),
        ("*CC*", ""),
        ("*CC*>>*CCO*", "wildcard atom '*', as polymers and fragments have"),
        ("{[][$]CC[$][]}", ""),
        ("CC |$R1$|", ""),
        ("C" * 2001, "at most 2000"),
        ("CC>>CC>>CC", "instead of 2"),
        (">>", ""),
        ("\x00", ""),
        ("CÖ", ""),
    ],
)
def test_what_cannot_be_read_is_invalid_and_says_why(predictor: Predictor, task: str, query: str, words: str) -> None:
    before, bad, after = predictor.predict(task, [GOOD, query, GOOD], 1, explain=True)
    assert (bad.status, bad.candidates, bad.query) == ("invalid_input", (), query)
    assert words in bad.message
    assert len(bad.message) > 10
    assert before == after


@pytest.mark.parametrize("task", ["retrosynthesis", "forward_prediction"])
@pytest.mark.parametrize(
    "query",
    ["[13CH3]C(=O)O", "CC([2H])N", "[O-]C(=O)C[N+](C)(C)C", "[Na+].[Cl-]", "[U]", "[H][H]", "C[C@H](N)C(=O)O", "O"],
)
def test_isotopes_charges_and_small_things_are_answered_or_declined(
    predictor: Predictor, task: str, query: str
) -> None:
    (found,) = predictor.predict(task, [query], 2, explain={"round_trip", "distance"})
    assert found.status in ("ok", "no_answer")
    assert bool(found.candidates) == (found.status == "ok")
    assert found.message


@pytest.mark.parametrize("task", ["reagent_prediction", "reaction_classification", "yield_prediction"])
def test_a_molecule_where_a_reaction_is_asked_is_invalid(predictor: Predictor, task: str) -> None:
    (found,) = predictor.predict(task, ["CCO"])
    assert found.status == "invalid_input"
    assert "is not a reaction. Give reactants>" in found.message


@pytest.mark.parametrize("task", ["reagent_prediction", "reaction_classification"])
def test_three_hundred_atoms_are_answered_or_declined(predictor: Predictor, task: str) -> None:
    chain = "C" * 300
    (found,) = predictor.predict(task, [f"{chain}O>>{chain}Cl"], 1)
    assert found.status in ("ok", "no_answer")
    assert found.message or found.candidates
