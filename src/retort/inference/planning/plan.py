"""A plan: what was asked, the routes that were found, and what is said of their steps."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from retort.errors import ChemistryError
from retort.inference.planning.explaining import Notes, notes_on
from retort.inference.planning.routes import Molecule, Route
from retort.inference.planning.search import Found, SearchConfig, find_routes
from retort.inference.prediction import Status
from retort.inference.predictor import Predictor
from retort.inference.questions import ask
from retort.inference.round_trip import FORWARD, Oracle
from retort.inference.stock import Stock
from retort.prompting.task import TASKS

TASK = "retrosynthesis"


@dataclass(frozen=True)
class PlanRequest:
    """What is to be planned.

    Attributes:
        query: The target as given.
        stock: Where routes may begin.
        stock_name: What the stock is called.
        search: How routes are searched.
        explain: Tell conditions and the round trip of every step.
        make_anyway: Plan a target even where it is in stock itself.
    """

    query: str
    stock: Stock
    stock_name: str
    search: SearchConfig = field(default_factory=SearchConfig)
    explain: bool = False
    make_anyway: bool = False


@dataclass(frozen=True)
class Plan:
    """The answer to one target.

    Attributes:
        request: What was asked.
        target: Canonical SMILES; empty where the query cannot be read.
        status: ``ok``, ``invalid_input`` or ``no_answer``.
        message: What one should know, or why there is no route.
        model: Name of the model.
        routes: The cheapest first; a target that is in stock has one route without steps.
        notes: What is said of the steps.
        found: What the search took; None where none was made.
    """

    request: PlanRequest
    target: str
    status: Status
    message: str
    model: str
    routes: tuple[Route, ...] = ()
    notes: Notes = field(default_factory=Notes)
    found: Found | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the object that one line of JSON output holds."""
        stock = self.request.stock
        return {
            "query": self.request.query,
            "target": self.target,
            "status": self.status,
            "message": self.message,
            "model": self.model,
            "stock": {"name": self.request.stock_name, "entries": len(stock), "unreadable": stock.unreadable},
            "search": asdict(self.request.search),
            "found": None if self.found is None else self.found.to_dict(),
            "routes": [self._route(rank, route) for rank, route in enumerate(self.routes, 1)],
        }

    def trees(self) -> list[dict[str, Any]]:
        """Return all routes in the form in which they are exchanged; see :meth:`Route.common_form`."""
        metadata = self.notes.metadata()
        return [route.common_form(metadata) for route in self.routes]

    def _route(self, rank: int, route: Route) -> dict[str, Any]:
        return {
            "rank": rank,
            "steps": len(route.steps),
            "depth": route.depth,
            "cost": round(route.cost, 6),
            "confidence": route.confidence,
            "starting_materials": [leaf.smiles for leaf in route.leaves],
            "tree": route.common_form(self.notes.metadata()),
        }


def make_plan(predictor: Predictor, request: PlanRequest) -> Plan:
    """Plan one target; what cannot be read or has no route is a status, never an error.

    Raises:
        ModelError: A file of the model is missing or damaged.
    """
    try:
        target = ask(TASKS.get(TASK), request.query).given
    except ChemistryError as error:
        return Plan(request, "", "invalid_input", str(error), predictor.model)
    if why := predictor.declines(TASK):
        return Plan(request, target, "no_answer", f"not trained: {why}.", predictor.model)
    if target in request.stock and not request.make_anyway:
        bought = (Route(Molecule(target, in_stock=True)),)
        return Plan(request, target, "ok", "The target is in stock: nothing has to be made.", predictor.model, bought)
    found = find_routes(predictor, target, request.stock, request.search)
    if not found.routes:
        return Plan(request, target, "no_answer", _why_none(request.search, found), predictor.model, found=found)
    notes = _notes(predictor, request, found.routes)
    return Plan(request, target, "ok", " ".join(notes.silent), predictor.model, found.routes, notes, found)


def _notes(predictor: Predictor, request: PlanRequest, routes: Sequence[Route]) -> Notes:
    judge = Oracle.load(FORWARD) if request.explain else None
    return notes_on(predictor, [step for route in routes for step in route.steps], judge)


def _why_none(config: SearchConfig, found: Found) -> str:
    return (
        f"no route of at most {config.depth} steps from this stock: {found.expansions} expansions "
        f"in {found.seconds:.1f} s ({found.ended})."
    )
