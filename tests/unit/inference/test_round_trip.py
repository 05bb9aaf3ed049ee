"""The oracle: separate from what it judges, and its verdict is a rank, none, or nothing at all."""

import pytest

from retort.chem.reaction import Reaction
from retort.inference.model_folder import DEFAULT_MODEL, ModelFolder, embedded_models
from retort.inference.prediction import RoundTrip
from retort.inference.reordering import weights_digest
from retort.inference.round_trip import BACKWARD, FORWARD, JUDGES, Oracle
from retort.prompting.task import TASKS

pytestmark = pytest.mark.skipif(DEFAULT_MODEL not in embedded_models(), reason="the embedded model is not built yet")


@pytest.fixture(scope="module")
def forward() -> Oracle:
    return Oracle.load(FORWARD)


@pytest.fixture(scope="module")
def backward() -> Oracle:
    return Oracle.load(BACKWARD)


def verdicts(oracle: Oracle, *texts: str) -> list[RoundTrip | None]:
    return oracle.judge([Reaction.parse(text) for text in texts])


@pytest.mark.parametrize("task", sorted(JUDGES))
def test_the_judge_shares_no_weights_with_whom_it_judges(task: str) -> None:
    folder = ModelFolder.open(DEFAULT_MODEL)
    judged = folder.card.tasks.get(task)
    assert task in TASKS.names()
    if judged is None:
        pytest.skip("the embedded model does not answer this task")
    answering = {weights_digest(folder, name) for name in (*judged.proposers, *judged.on_request)}
    assert weights_digest(folder, JUDGES[task]) not in answering


def test_precursors_that_give_the_product(forward: Oracle) -> None:
    right, wrong = verdicts(forward, "CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccccc1", "CC(=O)Cl.NCc1ccccc1>>CC(=O)Nc1ccc(O)cc1")
    assert right is not None
    assert wrong is not None
    assert (right.rank, right.exact) == (1, True)
    assert right.oracle.startswith(DEFAULT_MODEL)
    assert right.oracle.endswith(FORWARD)
    assert (wrong.rank, wrong.answers > 0) == (None, True)


def test_the_spelling_and_the_role_of_precursors_do_not_matter(forward: Oracle) -> None:
    plain, other = verdicts(
        forward, "CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccccc1", "C(c1ccccc1)N.C(C)(=O)Cl>>O=C(C)NCc1ccccc1"
    )
    assert plain == other


def test_agreement_up_to_stereo_is_marked(forward: Oracle) -> None:
    flat, marked = verdicts(
        forward,
        "CC(=O)Cl.C[C@H](N)c1ccccc1>>CC(=O)N[C@@H](C)c1ccccc1",
        "CC(=O)Cl.C[C@H](N)c1ccccc1>>CC(=O)N[C@H](C)c1ccccc1",
    )
    assert flat is not None
    assert marked is not None
    assert {flat.exact, marked.exact} == {True, False}
    assert flat.rank == marked.rank == 1
    assert "stereo differs" in (flat.shown + marked.shown)


def test_an_oracle_without_an_answer_says_nothing(forward: Oracle) -> None:
    assert verdicts(forward, "[Xe]>>[Xe].[Xe]") == [None]


def test_backwards_reagents_may_stand_beside(backward: Oracle) -> None:
    right, wrong = verdicts(
        backward, "CC(=O)Cl.NCc1ccccc1>CCN(CC)CC>CC(=O)NCc1ccccc1", "CCBr.NCc1ccccc1>>CC(=O)NCc1ccccc1"
    )
    assert right is not None
    assert wrong is not None
    assert right.rank is not None
    assert wrong.rank is None
