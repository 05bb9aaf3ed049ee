"""What a model says of the steps of routes: their class, and on request conditions and the round trip.

All steps are asked together. What the model does not answer is left out, with its reason told once. The round trip is
judged by one fixed model whatever model plans: the forward template ranker of the embedded one, which proposes no step.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from retort.chem.smiles import without_stereo
from retort.inference.model_folder import DEFAULT_MODEL
from retort.inference.planning.routes import Step
from retort.inference.prediction import Candidate, Prediction
from retort.inference.predictor import Predictor
from retort.prompting.task import TASKS

CLASSES, CONDITIONS, FORWARD = "reaction_classification", "reagent_prediction", "forward_prediction"
SETS = 3  # sets of reagents that are told of a step
TRIED = 10  # products among which the judge must name that of the step
JUDGE = "forward_templates"


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """Whether an oracle names the product of a step when it is given the reactants.

    Attributes:
        oracle: Who was asked.
        rank: Place of the product among its answers, from 1; None where it is not among them.
        answers: How many it gave.
        exact: They agree in stereochemistry too; False where the product is not among them.
    """

    oracle: str
    rank: int | None
    answers: int
    exact: bool

    def __str__(self) -> str:
        if self.rank is None:
            return f"not among {self.answers} answers"
        return f"answer {self.rank} of {self.answers}{'' if self.exact else ', but for stereochemistry'}"


@dataclass(frozen=True, slots=True)
class Note:
    """What is said of one step.

    Attributes:
        reaction_class: Number and name of its class; empty where the model does not tell.
        class_confidence: Calibrated probability of the class.
        conditions: Sets of reagents, the likeliest first; an empty set needs none. None where they were not asked.
        round_trip: None where it was not asked.
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


def judge_of_round_trips() -> Predictor:
    """Open the model that judges; raises ModelError where the embedded model is missing."""
    return Predictor.load(DEFAULT_MODEL, proposer=JUDGE)


def notes_on(predictor: Predictor, steps: Sequence[Step], judge: Predictor | None = None) -> Notes:
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
    products = _ask(judge, FORWARD, [step.candidate.smiles for step in distinct], TRIED, silent) if judge else None
    notes = {
        step.reaction: Note(
            *(_class(classes[place]) if classes else ("", None)),
            conditions=sets[place].candidates if sets else None,
            round_trip=_round_trip(step, products[place], judge.identity) if products and judge else None,
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


def _round_trip(step: Step, answer: Prediction, judge: str) -> RoundTrip:
    """Look for the product among the answers, first with its stereochemistry, then without."""
    answers = [candidate.smiles.split(".") for candidate in answer.candidates]
    for rank, products in enumerate(answers, 1):
        if step.product in products:
            return RoundTrip(judge, rank, len(answers), exact=True)
    plain = without_stereo(step.product)
    for rank, products in enumerate(answers, 1):
        if plain in map(without_stereo, products):
            return RoundTrip(judge, rank, len(answers), exact=False)
    return RoundTrip(judge, None, len(answers), exact=False)
