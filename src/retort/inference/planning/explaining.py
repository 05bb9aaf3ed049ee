"""What a model says of the steps of routes: their class, and on request conditions and the round trip.

All steps are asked together. What the model does not answer is left out, with its reason told once. The round trip is
judged by the fixed oracle whatever model plans (:mod:`retort.inference.round_trip`), which proposes no step.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from retort.chem.reaction import Reaction
from retort.inference.planning.routes import Step
from retort.inference.prediction import Candidate, Prediction, RoundTrip
from retort.inference.predictor import Predictor
from retort.inference.round_trip import Oracle
from retort.prompting.task import TASKS

CLASSES, CONDITIONS = "reaction_classification", "reagent_prediction"
SETS = 3  # sets of reagents that are told of a step


@dataclass(frozen=True, slots=True)
class Note:
    """What is said of one step.

    Attributes:
        reaction_class: Number and name of its class; empty where the model does not tell.
        class_confidence: Calibrated probability of the class.
        conditions: Sets of reagents, the likeliest first; an empty set needs none. None where they were not asked.
        round_trip: None where it was not asked, or the oracle had no answer.
    """

    reaction_class: str = ""
    class_confidence: float | None = None
    conditions: tuple[Candidate, ...] | None = None
    round_trip: RoundTrip | None = None

    def metadata(self) -> dict[str, Any]:
        """Return what stands among the metadata of the reaction; see :meth:`Route.common_form`."""
        conditions, trip = self.conditions, self.round_trip
        return {
            "classification": self.reaction_class or None,
            "classification_confidence": self.class_confidence,
            "conditions": None
            if conditions is None
            else [{"reagents": c.smiles, "confidence": c.confidence} for c in conditions],
            "round_trip": None if trip is None else asdict(trip),
        }


@dataclass(frozen=True)
class Notes:
    """What is said of all steps.

    Attributes:
        by_reaction: Reaction -> note.
        silent: Why something that was asked is not answered, as sentences.
    """

    by_reaction: dict[str, Note] = field(default_factory=dict)
    silent: tuple[str, ...] = ()

    def of(self, step: Step) -> Note:
        """Return what is said of a step."""
        return self.by_reaction.get(step.reaction, Note())

    def metadata(self) -> dict[str, dict[str, Any]]:
        """Return the metadata of every reaction."""
        return {reaction: note.metadata() for reaction, note in self.by_reaction.items()}


def notes_on(predictor: Predictor, steps: Sequence[Step], judge: Oracle | None = None) -> Notes:
    """Ask a model about steps.

    Args:
        predictor: The model; it tells classes, and conditions where there is a judge.
        steps: Steps of any number of routes.
        judge: Who is given the reactants of every step; without one, neither conditions nor the round trip are asked.

    Raises:
        ModelError: A file of a model is missing or damaged.
    """
    distinct = list({step.reaction: step for step in steps}.values())
    reactions = [step.reaction for step in distinct]
    silent: list[str] = []
    classes = _ask(predictor, CLASSES, reactions, 1, silent)
    sets = _ask(predictor, CONDITIONS, reactions, SETS, silent) if judge else None
    trips = judge.judge([Reaction.parse(reaction) for reaction in reactions]) if judge else None
    notes = {
        step.reaction: Note(
            *(_class(classes[place]) if classes else ("", None)),
            conditions=sets[place].candidates if sets else None,
            round_trip=trips[place] if trips else None,
        )
        for place, step in enumerate(distinct)
    }
    return Notes(notes, tuple(silent))


def _ask(
    predictor: Predictor, task: str, queries: Sequence[str], top_k: int, silent: list[str]
) -> list[Prediction] | None:
    """Return the answers; None, with the reason added to ``silent``, where the model does not answer the task."""
    if why := predictor.declines(task):
        silent.append(f"No {task.replace('_', ' ')}: {why}.")
        return None
    return predictor.predict(task, queries, top_k)


def _class(answer: Prediction) -> tuple[str, float | None]:
    """Return number and name of the class and its confidence."""
    if not answer.candidates:
        return "", None
    first = answer.candidates[0]
    number = next((number for number, name in TASKS.get(CLASSES).choices.items() if name == first.text), "")
    return f"{number} {first.text}".strip(), first.confidence
