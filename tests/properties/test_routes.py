"""Whatever is in stock and however routes are searched, a solved route is one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("syntheseus", reason="needs the extra [search]")

from retort.chem.balance import missing_atoms
from retort.inference.planning.routes import Molecule, Route
from retort.inference.planning.search import ALGORITHMS, SearchConfig, find_routes
from retort.inference.planning.toy_planner import TARGET, write_toy_planner
from retort.inference.predictor import Predictor
from retort.inference.stock import Stock

ACYLS = ("CC(=O)O", "COC(C)=O", "CO", "CC(=O)Cl", "O=S(Cl)Cl")
MOLECULES = (TARGET, *ACYLS, "NCc1ccccc1", "N#Cc1ccccc1", "NC(=O)c1ccccc1")


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor.load(str(write_toy_planner(tmp_path_factory.mktemp("planner") / "toy")))


@settings(max_examples=60)
@given(
    shelf=st.frozensets(st.sampled_from(MOLECULES), min_size=1),
    target=st.sampled_from(MOLECULES),
    algorithm=st.sampled_from(ALGORITHMS),
    depth=st.integers(1, 4),
)
def test_solved_routes_are_routes(
    planner: Predictor, shelf: frozenset[str], target: str, algorithm: str, depth: int
) -> None:
    stock = Stock(shelf, frozenset(), 0, "")
    config = SearchConfig(algorithm=algorithm, depth=depth, expansions=12)  # type: ignore[arg-type]
    found = find_routes(planner, target, stock, config)
    assert len({route.text for route in found.routes}) == len(found.routes) <= config.routes
    assert found.expansions <= config.expansions + len(MOLECULES), "a last batch may go beyond"
    for route in found.routes:
        assert route.target.smiles == target
        assert all(leaf.smiles in shelf for leaf in route.leaves)
        assert route.depth <= depth
        check(route.target, frozenset())
        check_form(route)


def check(molecule: Molecule, above: frozenset[str]) -> None:
    """Assert that every step makes its parent from the molecules below it, which are none of those above."""
    assert molecule.smiles not in above
    if molecule.step is None:
        return
    assert molecule.step.product == molecule.smiles
    assert sorted(reactant.smiles for reactant in molecule.step.reactants) == sorted(
        molecule.step.candidate.smiles.split(".")
    )
    assert missing_atoms(molecule.step.candidate.smiles, molecule.smiles) == {}
    for reactant in molecule.step.reactants:
        check(reactant, above | {molecule.smiles})


def check_form(route: Route) -> None:
    """Assert that molecules and reactions stand by turns, and that all leaves are in stock."""
    waiting = [route.common_form()]
    while waiting:
        node = waiting.pop()
        children = node.get("children", [])
        assert {child["type"] for child in children} <= ({"reaction"} if node["type"] == "mol" else {"mol"})
        assert children or node["in_stock"]
        waiting += children


def test_there_are_routes_to_check(planner: Predictor) -> None:
    stock = Stock(frozenset(MOLECULES) - {TARGET}, frozenset(), 0, "")
    assert [len(find_routes(planner, TARGET, stock, SearchConfig(algorithm=a)).routes) for a in ALGORITHMS] == [2, 2]
