"""A method for every task: ``predictor.retrosynthesis("CCO")`` is ``predictor.predict("retrosynthesis", ["CCO"])[0]``.

The methods follow from the registry of tasks: a new file there is a new method here, and so is a task that another
distribution adds. The names below tell type checkers and editors of those that this package has.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from retort.errors import UnknownNameError
from retort.inference.explaining import Explain
from retort.inference.prediction import Prediction, Predictions
from retort.prompting.task import TASKS


class TaskMethods(ABC):
    """Whatever answers tasks by name gets one method per task."""

    if TYPE_CHECKING:
        catalyst_prediction: "TaskMethod"
        condition_recommendation: "TaskMethod"
        forward_prediction: "TaskMethod"
        molecule_captioning: "TaskMethod"
        molecule_naming: "TaskMethod"
        name_conversion: "TaskMethod"
        reaction_classification: "TaskMethod"
        reagent_prediction: "TaskMethod"
        reagent_selection: "TaskMethod"
        retrosynthesis: "TaskMethod"
        solvent_prediction: "TaskMethod"
        temperature_prediction: "TaskMethod"
        template_classification: "TaskMethod"
        text_to_molecule: "TaskMethod"
        yield_prediction: "TaskMethod"
    else:

        def __getattr__(self, name: str) -> "TaskMethod":
            """Return the method of a task; raises AttributeError where there is no such task."""
            if name.startswith("_"):
                raise AttributeError(name)
            try:
                return TaskMethod(self, TASKS.get(name).name)
            except UnknownNameError as error:
                raise AttributeError(f"{type(self).__name__!r} has no attribute or task {name!r}.") from error

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *TASKS.names()]

    @abstractmethod
    def predict(
        self,
        task: str,
        queries: Iterable[str],
        top_k: int = 10,
        *,
        reaction_class: int | None = None,
        explain: Explain = None,
    ) -> Predictions:
        """Answer queries in their order."""


@dataclass(frozen=True)
class TaskMethod:
    """Asks one task.

    Attributes:
        asked: Who answers.
        task: Name of the task.
    """

    asked: TaskMethods
    task: str

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a text is a row of texts too
        self, query: str, top_k: int = 10, *, reaction_class: int | None = None, explain: Explain = None
    ) -> Prediction: ...

    @overload
    def __call__(
        self, query: Iterable[str], top_k: int = 10, *, reaction_class: int | None = None, explain: Explain = None
    ) -> Predictions: ...

    def __call__(
        self,
        query: str | Iterable[str],
        top_k: int = 10,
        *,
        reaction_class: int | None = None,
        explain: Explain = None,
    ) -> Prediction | Predictions:
        """Answer one query, or many in their order; arguments and errors are those of :meth:`Predictor.predict`."""
        queries = [query] if isinstance(query, str) else query
        found = self.asked.predict(self.task, queries, top_k, reaction_class=reaction_class, explain=explain)
        return found[0] if isinstance(query, str) else found
