"""Search routes with syntheseus: Retro* (Chen et al. 2020) or Monte-Carlo tree search over sets of molecules.

A step costs the negative logarithm of its calibrated probability, a molecule in stock costs nothing, and no estimate is
made of what is not expanded yet (Retro*-0). Monte-Carlo search takes the probabilities as its policy and is rewarded
for a solved set. Both end at the first route if only one is wanted, and otherwise use up their limits.
"""

import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from syntheseus.interface.molecule import Molecule as Wanted
from syntheseus.interface.reaction import SingleProductReaction
from syntheseus.search.algorithms.base import SearchAlgorithm
from syntheseus.search.algorithms.mcts.base import pucb_bound
from syntheseus.search.analysis.route_extraction import iter_routes_cost_order
from syntheseus.search.analysis.solution_time import get_first_solution_time
from syntheseus.search.graph.and_or import AndNode
from syntheseus.search.graph.molset import MolSetGraph
from syntheseus.search.node_evaluation.common import (
    ConstantNodeEvaluator,
    HasSolutionValueFunction,
    ReactionModelLogProbCost,
    ReactionModelProbPolicy,
)

from retort.config import option
from retort.errors import ConfigError
from retort.inference.planning.ordered import OrderedMCTS, OrderedRetroStar
from retort.inference.planning.routes import Molecule, Route, Step
from retort.inference.planning.steps import Inventory, Retrosynthesis, as_molecule
from retort.inference.predictor import Predictor
from retort.inference.stock import Stock

ALGORITHMS = ("retro_star", "mcts")
_VISITS = 20  # of a search, per expansion it may make: keeps one that has nothing left to expand from going on
_READ = 2_000  # routes that are read off a graph at most, distinct or not
_READING = 10.0  # seconds that this may take
_GRAIN = 2.0**20  # costs are rounded to 1 / _GRAIN, so that their sums do not depend on the order of the terms


@dataclass(frozen=True)
class SearchConfig:
    """How routes are searched."""

    algorithm: Literal["retro_star", "mcts"] = option("retro_star", help="retro_star or mcts")
    routes: int = option(5, help="routes wanted; with 1 the search ends at the first")
    top_k: int = option(10, help="proposals per molecule")
    depth: int = option(6, help="steps from stock to target at most; of mcts: all steps of a route")
    expansions: int = option(100, help="molecules for which the model is asked, at most")
    timeout: float = option(60.0, help="seconds of searching")
    seed: int = option(0, help="of mcts, where choices are equal")

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise ConfigError(f"there is no search {self.algorithm!r}.", f"Choose among {', '.join(ALGORITHMS)}.")
        for name in ("routes", "top_k", "depth", "expansions"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be 1 or more, not {getattr(self, name)}.")
        if not self.timeout > 0:
            raise ConfigError(f"a timeout of {self.timeout} s leaves no time.", "Give more than 0 seconds.")


@dataclass(frozen=True)
class Found:
    """What a search found and what it took.

    Attributes:
        routes: Distinct, all solved, the cheapest first.
        ended: Why it ended.
        seconds: That it took by the clock.
        cpu_seconds: That it took of the processor.
        expansions: Molecules for which the model was asked.
        asked: Times that proposals were wanted; those beyond ``expansions`` came from the cache.
        batches: Calls of the model.
        nodes: Nodes of the graph.
        refused: Reason -> number of proposals that were no steps.
        circular: Routes in which a molecule would be made from itself; they are left out.
        first_route: Seconds until the first route was there; None where there is none.
        first_route_expansions: Expansions until then.
    """

    routes: tuple[Route, ...]
    ended: str
    seconds: float
    cpu_seconds: float
    expansions: int
    asked: int
    batches: int
    nodes: int
    refused: Mapping[str, int] = field(default_factory=dict)
    circular: int = 0
    first_route: float | None = None
    first_route_expansions: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as they stand in JSON output."""
        first = None if self.first_route is None else round(self.first_route, 3)
        return {
            "ended": self.ended,
            "seconds": round(self.seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "expansions": self.expansions,
            "asked": self.asked,
            "batches": self.batches,
            "nodes": self.nodes,
            "first_route_seconds": first,
            "first_route_expansions": self.first_route_expansions,
            "refused": dict(self.refused),
            "circular": self.circular,
        }


def find_routes(
    predictor: Predictor, target: str, stock: Stock, config: SearchConfig, *, use_cache: bool = True
) -> Found:
    """Search routes to a target; that it is in stock itself does not count.

    Args:
        predictor: Who proposes steps.
        target: Canonical SMILES.
        stock: Where routes may begin.
        config: How to search.
        use_cache: Ask the model for no molecule twice.

    Raises:
        ModelError: A file of the model is missing or damaged.
    """
    model = Retrosynthesis(predictor, config.top_k, use_cache=use_cache)
    algorithm = _algorithm(model, Inventory(stock, but=target), config)
    begin, cpu = time.monotonic(), time.process_time()
    graph, last = algorithm.run_from_mol(as_molecule(target))
    seconds, cpu = time.monotonic() - begin, time.process_time() - cpu
    routes, circular = _routes(graph, model, stock, config.routes)
    first, first_expansions = _first_solution(graph)
    return Found(
        routes=routes,
        ended=_why_ended(graph, model, config, seconds, last + 1),
        seconds=seconds,
        cpu_seconds=cpu,
        expansions=model.num_calls(),
        asked=model.asked,
        batches=model.batches,
        nodes=len(graph),
        refused={why: n for why, n in model.refused.items() if n},
        circular=circular,
        first_route=first,
        first_route_expansions=first_expansions,
    )


def _algorithm(model: Retrosynthesis, inventory: Inventory, config: SearchConfig) -> SearchAlgorithm[Any, int]:
    limits: dict[str, Any] = {
        "reaction_model": model,
        "mol_inventory": inventory,
        "limit_reaction_model_calls": config.expansions,
        "limit_iterations": _VISITS * config.expansions,
        "time_limit_s": config.timeout,
        "stop_on_first_solution": config.routes == 1,
        "prevent_repeat_mol_in_trees": True,
        "random_state": random.Random(config.seed),
    }
    if config.algorithm == "retro_star":  # a step is two nodes deep there: the reaction, and the molecules below it
        return OrderedRetroStar(
            and_node_cost_fn=ReactionModelLogProbCost(),
            value_function=ConstantNodeEvaluator(0.0),
            max_expansion_depth=2 * config.depth,
            **limits,
        )
    policy: Any = ReactionModelProbPolicy()
    return OrderedMCTS(
        reward_function=HasSolutionValueFunction(),  # type: ignore[no-untyped-call]
        value_function=ConstantNodeEvaluator(0.5),
        policy=policy,
        bound_function=pucb_bound,
        max_expansion_depth=config.depth,
        **limits,
    )


def _why_ended(graph: Any, model: Retrosynthesis, config: SearchConfig, seconds: float, visits: int) -> str:
    if config.routes == 1 and graph.root_node.has_solution:
        return "first route"
    if model.num_calls() >= config.expansions:
        return "expansions used up"
    if seconds >= config.timeout:
        return "timeout"
    return "visits used up" if visits >= _VISITS * config.expansions else "nothing left to expand"


def _first_solution(graph: Any) -> tuple[float | None, int | None]:
    """Return seconds and expansions until the first route; None where there is none."""
    if not graph.root_node.has_solution:
        return None, None
    for node in graph.nodes():
        node.data["analysis_time"] = (node.creation_time - graph.root_node.creation_time).total_seconds()
    seconds = get_first_solution_time(graph)
    for node in graph.nodes():
        node.data["analysis_time"] = node.data["num_calls_rxn_model"]
    return seconds, int(get_first_solution_time(graph))


def _routes(graph: Any, model: Retrosynthesis, stock: Stock, wanted: int) -> tuple[tuple[Route, ...], int]:
    """Read distinct routes off a graph, the cheapest first; also return how many were circular."""
    _set_costs(graph)
    found: dict[str, Route] = {}
    circular = 0
    for nodes in iter_routes_cost_order(graph, _READ, _READING) if graph.root_node.has_solution else ():
        reactions = _cheapest(graph.to_synthesis_graph(nodes).nodes())
        tree = _tree(graph.root_mol, reactions, model, stock, frozenset())
        if tree is None:
            circular += 1
        else:
            found.setdefault(Route(tree).text, Route(tree))
        if len(found) == wanted:
            break
    return tuple(sorted(found.values(), key=lambda route: (route.cost, route.text))), circular


def _set_costs(graph: Any) -> None:
    """Write the cost of every reaction to the node behind it, where syntheseus looks for it."""
    for node in graph.nodes():
        reaction = node.reaction if isinstance(node, AndNode) else _leads_to(graph, node)
        cost = 0.0 if reaction is None else reaction.metadata["cost"]
        node.data["route_cost"] = round(cost * _GRAIN) / _GRAIN


def _leads_to(graph: Any, node: Any) -> SingleProductReaction | None:
    """Return the reaction on the edge to a set of molecules; None for other nodes and for the root."""
    parents = list(graph.predecessors(node)) if isinstance(graph, MolSetGraph) else []
    return graph._graph.edges[parents[0], node]["reaction"] if parents else None  # noqa: SLF001 - as syntheseus does


def _cheapest(reactions: Iterable[SingleProductReaction]) -> dict[Wanted, SingleProductReaction]:
    """Return how each molecule is made: the cheapest way where a route makes it in two."""
    ordered = sorted(reactions, key=lambda r: (-r.metadata["cost"], r.reaction_smiles))
    return {reaction.product: reaction for reaction in ordered}


def _tree(
    molecule: Wanted,
    reactions: Mapping[Wanted, SingleProductReaction],
    model: Retrosynthesis,
    stock: Stock,
    above: frozenset[Wanted],
) -> Molecule | None:
    """Return the tree below a molecule; None where it would be made from itself."""
    if molecule in above:
        return None
    if molecule not in reactions:
        return Molecule(molecule.smiles, molecule.smiles in stock)
    reaction = reactions[molecule]
    below = {
        reactant.smiles: _tree(reactant, reactions, model, stock, above | {molecule}) for reactant in reaction.reactants
    }
    if any(tree is None for tree in below.values()):
        return None
    candidate = model.candidate(reaction)
    ordered = tuple(tree for smiles in candidate.smiles.split(".") if (tree := below[smiles]) is not None)
    step = Step(molecule.smiles, candidate, ordered)
    return Molecule(molecule.smiles, molecule.smiles in stock, step)
