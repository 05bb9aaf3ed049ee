"""The searches of syntheseus with every tie decided, so that one search is the same on every run and machine.

There, reactants and sets of molecules are visited in the order of a hash, and of equal nodes any one comes first. Here
they are visited in the order of their spelling, and of equal nodes the older comes first. Nothing else differs; only a
limit in seconds still makes runs differ.
"""

from collections.abc import Collection
from typing import Any

from syntheseus.interface.molecule import Molecule
from syntheseus.interface.reaction import SingleProductReaction
from syntheseus.search.algorithms.best_first.retro_star import RetroStarSearch
from syntheseus.search.algorithms.mcts.molset import MolSetMCTS

_OLDER = 1e-9  # by which a node comes before the next, on the scale of costs


class OrderedReaction(SingleProductReaction):
    """A reaction whose distinct reactants have an order."""

    @property
    def unique_reactants(self) -> Any:
        """Distinct reactants in the order of their spelling: a view that behaves as a set."""
        return dict.fromkeys(self.reactants).keys()


class OrderedRetroStar(RetroStarSearch):
    """Retro* that takes the older of equally promising nodes."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._ages: dict[Any, int] = {}

    def priority_function(self, node: Any, graph: Any) -> float:
        """Return the cost of the best route through a node, and a trifle for every node before it."""
        return super().priority_function(node, graph) + _OLDER * self._ages[node]

    def set_node_values(self, nodes: Collection[Any], graph: Any) -> Collection[Any]:
        """Give new nodes their age, then do what Retro* does."""
        for node in nodes:
            self._ages.setdefault(node, len(self._ages))
        return super().set_node_values(nodes, graph)


class OrderedMCTS(MolSetMCTS):
    """Monte-Carlo tree search that expands the molecules of a set in the order of their spelling."""

    def _get_mols_to_expand(self, node: Any, graph: Any) -> list[Molecule]:
        return sorted(super()._get_mols_to_expand(node, graph))
