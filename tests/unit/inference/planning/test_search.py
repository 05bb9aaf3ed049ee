"""Searches find what is there, end when they must, count what they refuse, and are the same on every run."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from retort.errors import ConfigError
from retort.inference.planning.search import ALGORITHMS, Found, SearchConfig, find_routes
from retort.inference.planning.steps import LACKS, RETURNS
from retort.inference.planning.toy_planner import TARGET
from retort.inference.predictor import Predictor
from retort.inference.stock import Stock
from retort.inference.toy_model import write_toy_model

ACID, ESTER, AMINE, NITRILE, METHANOL, THIONYL = "CC(=O)O", "COC(C)=O", "NCc1ccccc1", "N#Cc1ccccc1", "CO", "O=S(Cl)Cl"
AMIDATION = f"{ACID}.{AMINE}>>{TARGET}"
Algorithm = Literal["retro_star", "mcts"]


def stock(*smiles: str) -> Stock:
    return Stock(frozenset(smiles), frozenset(), 0, "")


def search(
    planner: Predictor, has: Stock, algorithm: Algorithm = "retro_star", target: str = TARGET, **limits: int
) -> Found:
    return find_routes(planner, target, has, SearchConfig(algorithm=algorithm, **limits))  # type: ignore[arg-type]


def reactions(found: Found) -> list[list[str]]:
    return [[step.reaction for step in route.steps] for route in found.routes]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_cheapest_route_comes_first(planner: Predictor, algorithm: Algorithm) -> None:
    found = search(planner, stock(ACID, NITRILE, THIONYL), algorithm)
    assert reactions(found)[0] == [f"{NITRILE}>>{AMINE}", AMIDATION]
    chloride = f"{ACID}.{THIONYL}>>CC(=O)Cl"
    assert reactions(found)[1] == [f"{NITRILE}>>{AMINE}", chloride, f"CC(=O)Cl.{AMINE}>>{TARGET}"]
    assert [route.cost for route in found.routes] == sorted(route.cost for route in found.routes)
    assert all(route.solved for route in found.routes)
    assert found.first_route_expansions == (2 if algorithm == "retro_star" else 3)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_acid_and_ester_are_not_made_from_each_other(planner: Predictor, algorithm: Algorithm) -> None:
    found = search(planner, stock(METHANOL, NITRILE), algorithm)
    assert found.routes == ()
    assert (found.first_route, found.first_route_expansions) == (None, None)


def test_a_search_that_has_tried_everything_says_so(planner: Predictor) -> None:
    found = search(planner, stock(METHANOL, NITRILE, THIONYL))
    assert found.ended == "nothing left to expand"
    assert found.expansions < found.asked  # the acid is wanted in more than one place, and asked for once
    assert found.batches == found.expansions


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_depth_counts_steps(planner: Predictor, algorithm: Algorithm) -> None:
    has = stock(ESTER, NITRILE)
    needed = 2 if algorithm == "retro_star" else 3  # a line of two steps; three steps in all
    assert search(planner, has, algorithm, depth=needed - 1).routes == ()
    (route,) = search(planner, has, algorithm, depth=needed, routes=1).routes
    assert (route.depth, len(route.steps)) == (2, 3)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_limits_end_a_search(planner: Predictor, algorithm: Algorithm) -> None:
    has = stock(ESTER, NITRILE)
    used = search(planner, has, algorithm, expansions=2)
    assert (used.ended, used.routes) == ("expansions used up", ())
    first = search(planner, has, algorithm, routes=1)
    assert (first.ended, len(first.routes)) == ("first route", 1)
    late = find_routes(planner, TARGET, has, SearchConfig(algorithm=algorithm, timeout=1e-9))
    assert (late.ended, late.expansions, late.routes) == ("timeout", 0, ())


def test_a_set_of_molecules_is_asked_in_one_batch(planner: Predictor) -> None:
    found = search(planner, stock(ESTER, NITRILE), "mcts", routes=1)
    assert found.batches < found.expansions


def test_the_cache_changes_nothing_but_the_calls(planner: Predictor) -> None:
    has = stock(METHANOL, NITRILE, THIONYL)
    cached = search(planner, has)
    with pytest.warns(UserWarning, match="does not use caching"):
        bare = find_routes(planner, TARGET, has, SearchConfig(), use_cache=False)
    assert bare.nodes == cached.nodes
    assert (bare.expansions, bare.asked) == (cached.asked, cached.asked)


def test_a_molecule_is_no_step_to_itself(tmp_path: Path) -> None:
    toy = Predictor.load(str(write_toy_model(tmp_path / "toy")))  # it answers with the query, and water beside it
    found = search(toy, stock("O"), target="CCO", top_k=3)
    assert (found.routes, dict(found.refused)) == ((), {RETURNS: 3})
    assert found.ended == "nothing left to expand"


def test_atoms_from_nowhere_are_refused(tmp_path: Path) -> None:
    from retort.inference.planning.steps import _refusal

    assert _refusal("NCc1ccccc1", TARGET) == LACKS
    assert _refusal(f"{TARGET}.O", TARGET) == RETURNS
    assert _refusal("CC(=O)O.NCc1ccccc1", TARGET) == ""


PROGRAM = """
import sys
from pathlib import Path
from retort.inference.planning.search import SearchConfig, find_routes
from retort.inference.planning.toy_planner import TARGET, write_toy_planner
from retort.inference.predictor import Predictor
from retort.inference.stock import Stock
planner = Predictor.load(str(write_toy_planner(Path(sys.argv[1]))))
for algorithm in ("retro_star", "mcts"):
    stock = Stock(frozenset(["COC(C)=O", "NC(=O)c1ccccc1"]), frozenset(), 0, "")
    found = find_routes(planner, TARGET, stock, SearchConfig(algorithm=algorithm, expansions=4))
    print(found.nodes, found.asked, found.batches, [route.text for route in found.routes])
"""


def test_a_search_is_the_same_in_every_process(tmp_path: Path) -> None:
    said = set()
    for seed in ("1", "2"):
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / seed)]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        said.add(done.stdout)
    assert len(said) == 1
    assert next(iter(said)).count(TARGET) > 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"algorithm": "astar"}, "no search 'astar'"),
        ({"routes": 0}, "routes must be 1"),
        ({"top_k": 0}, "top_k must be 1"),
        ({"depth": 0}, "depth must be 1"),
        ({"expansions": -1}, "expansions must be 1"),
        ({"timeout": 0.0}, "leaves no time"),
        ({"timeout": float("nan")}, "leaves no time"),
    ],
)
def test_limits_that_cannot_be_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        SearchConfig(**settings)  # type: ignore[arg-type]
