"""Searches for routes: what the cache of asked molecules brings."""

import warnings
from collections.abc import Iterator
from pathlib import Path

from contest import Contest
from retort.inference.planning.search import SearchConfig, find_routes
from retort.inference.predictor import Predictor
from retort.inference.stock import Stock

TARGET = "CCN(CC)CC(=O)Nc1c(C)cccc1C"
EXPANSIONS = 30


def contests(_: Path) -> Iterator[Contest]:
    """Yield one contest: a search by the embedded model, from an almost empty stock, the cache off and on."""
    predictor, stock = Predictor.load(), Stock(frozenset(["O"]), frozenset(), 0, "")
    few = SearchConfig(expansions=EXPANSIONS)
    asked = find_routes(predictor, TARGET, stock, few).asked
    many = SearchConfig(expansions=asked)  # without a cache every asking is an expansion

    def uncached() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # syntheseus advises against it
            return find_routes(predictor, TARGET, stock, many, use_cache=False)

    ways = {"every asking computed": uncached, "cached": lambda: find_routes(predictor, TARGET, stock, few)}
    yield Contest(f"a search that asks {asked} times for {EXPANSIONS} molecules", "asking", asked, ways, 3)
