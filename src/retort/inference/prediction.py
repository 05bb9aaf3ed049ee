"""The values that answer queries: a prediction with its ranked candidates, and what speaks for each of them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from retort.inference.proposer import TypeRead

if TYPE_CHECKING:
    import polars as pl

Status = Literal["ok", "invalid_input", "no_answer"]


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """What the oracle says when it is asked the other way round.

    Attributes:
        oracle: Its name: model, release and proposer.
        rank: The first of its answers that leads back to the query, from 1; None where none of them does.
        answers: How many answers it gave.
        exact: Whether stereochemistry agrees too; False where only the stereo-free molecules do, or nothing does.
    """

    oracle: str
    rank: int | None
    answers: int
    exact: bool

    @property
    def shown(self) -> str:
        """The verdict in a few characters."""
        if self.rank is None:
            return f"not in {self.answers}"
        return f"rank {self.rank}" + ("" if self.exact else ", stereo differs")


@dataclass(frozen=True, slots=True)
class Precedent:
    """A known reaction that is like a candidate's.

    Attributes:
        reaction: ``reactants>reagents>products``, canonical.
        similarity: Tanimoto similarity of the two reactions, 0..1.
        id: Whatever the index was told: a patent, a page of a notebook; empty where it was told nothing.
    """

    reaction: str
    similarity: float
    id: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One ranked answer.

    Attributes:
        rank: 1 for the best.
        smiles: Canonical SMILES: isomeric, components sorted; empty where the answer is none.
        score: Log-probability; length-normalised where the proposer is a language model. Of a re-ranked answer, the
            log-probability of being the right one of the list. Of a number, that the truth lies within its interval.
        proposer: Name of the proposer it comes from.
        confidence: Calibrated probability of being the exact match; None where no calibration was fitted.
        reaction_type: The elicited type under which it was proposed; None where its proposer is told none.
        text: The answer where it is a name or class.
        value: The answer where it is a number; of a candidate out of a list, the number that ranks it.
        interval: Of a number, the ends between which the truth lies with the probability that ``score`` states.
        round_trip: What the oracle says; None where it was not asked or has no answer.
        precedents: The nearest known reactions, most similar first; empty where no index was searched.
        in_stock: Precursor -> whether the stock has it; None where no stock was looked into.
    """

    rank: int
    smiles: str
    score: float
    proposer: str
    confidence: float | None = None
    reaction_type: TypeRead | None = None
    text: str = ""
    value: float | None = None
    interval: tuple[float, float] | None = None
    round_trip: RoundTrip | None = None
    precedents: tuple[Precedent, ...] = ()
    in_stock: Mapping[str, bool] | None = field(default=None, hash=False)

    @property
    def shown(self) -> str:
        """The answer as people read it, with the interval of a number."""
        if self.value is None:
            return self.smiles or self.text
        ends = f" [{self.interval[0]:.1f}, {self.interval[1]:.1f}]" if self.interval else ""
        return f"{self.smiles}  {self.value:.1f}{ends}".strip()

    def _answer(self) -> dict[str, Any]:
        if self.value is None:
            return {"text": self.text} if self.text else {"smiles": self.smiles}
        said = {"value": round(self.value, 2), "interval": [round(end, 2) for end in self.interval or ()]}
        return {"smiles": self.smiles, **said} if self.smiles else said

    def to_dict(self) -> dict[str, Any]:
        """Return the candidate as it stands in JSON output."""
        return {
            "rank": self.rank,
            **self._answer(),
            "score": round(self.score, 6),
            "confidence": self.confidence,
            "proposer": self.proposer,
            "reaction_type": None if self.reaction_type is None else asdict(self.reaction_type),
            "round_trip": None if self.round_trip is None else asdict(self.round_trip),
            "precedents": [asdict(precedent) for precedent in self.precedents],
            **({} if self.in_stock is None else {"in_stock": dict(self.in_stock)}),
        }


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one query. A notebook draws it.

    Attributes:
        query: The text as given.
        status: ``ok``, ``invalid_input`` or ``no_answer``.
        message: What a chemist should know about this answer, or why there is none.
        model: Name of the model.
        candidates: Best first; empty unless the status is ``ok``.
        given: What was asked in canonical form, roles separated by ``>``; empty where the query cannot be read.
        unreadable: Reason -> number of answers of the proposers that were dropped for it.
    """

    task: str
    query: str
    status: Status
    message: str
    model: str
    candidates: tuple[Candidate, ...] = ()
    given: str = ""
    unreadable: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the object that one line of JSON output holds."""
        return {
            "task": self.task,
            "query": self.query,
            "status": self.status,
            "message": self.message,
            "model": self.model,
            "candidates": [candidate.to_dict() for candidate in self.candidates],
        }

    def to_frame(self) -> "pl.DataFrame":
        """Return a table with one row per candidate; see :func:`retort.inference.frames.frame`."""
        return Predictions([self]).to_frame()

    def _repr_html_(self) -> str:
        return Predictions([self])._repr_html_()


class Predictions(list[Prediction]):
    """The answers to many queries, in their order. A notebook draws them."""

    def to_frame(self) -> "pl.DataFrame":
        """Return a table with one row per candidate; see :func:`retort.inference.frames.frame`."""
        from retort.inference.frames import frame

        return frame(self)

    def _repr_html_(self) -> str:
        from retort.inference.display import page

        return page(self)
