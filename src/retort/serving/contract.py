"""The bodies of requests and responses, as the OpenAPI document and the tools of agents show them.

Answers are written by :meth:`retort.inference.prediction.Prediction.to_dict`, on the command line as here; the schemas
below describe them and let further keys pass.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from retort.prompting.task import AnswerKind, QueryKind

JobState = Literal["waiting", "running", "done", "cancelled", "failed"]


def whole_text(text: str) -> str:
    """Return a text, or refuse it with ValueError where it has half a character, which JSON can spell."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("the text has half a character (a lone surrogate)") from error
    return text


SMILES = "CC(=O)Nc1ccc(O)cc1"


class Asked(BaseModel):
    """One query."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"query": SMILES, "top_k": 3}]})

    query: Annotated[
        str,
        AfterValidator(whole_text),
        Field(description="SMILES of molecules joined by '.', or a reaction: reactants>>products"),
    ]
    top_k: Annotated[int, Field(ge=1, le=2**31 - 1, description="most candidates in the answer")] = 10


class ReactionType(BaseModel):
    """The elicited type under which a candidate was proposed."""

    model_config = ConfigDict(extra="allow")

    id: int
    name: str | None = None
    probability: float | None = None


class CandidateBody(BaseModel):
    """One ranked candidate; the kind of the task decides which of smiles, text and value it has."""

    model_config = ConfigDict(extra="allow")

    rank: int = Field(ge=1)
    smiles: str | None = Field(None, description="canonical isomeric SMILES")
    text: str | None = Field(None, description="a name or class")
    value: float | None = Field(None, description="a number, in the unit of the task")
    interval: list[float] | None = Field(None, description="of a number: low and high end")
    score: float = Field(description="log-probability; compares candidates of one answer")
    confidence: float | None = Field(description="calibrated probability of being the exact match, where it was fitted")
    proposer: str
    reaction_type: ReactionType | None = None
    round_trip: object = None
    precedents: list[object] = Field(default_factory=list)


class Answer(BaseModel):
    """The answer to one query: the JSON of the command line."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "task": "retrosynthesis",
                    "query": SMILES,
                    "status": "ok",
                    "message": "The query is in the training data.",
                    "model": "retort-base",
                    "candidates": [
                        {
                            "rank": 1,
                            "smiles": "CC(=O)OC(C)=O.Nc1ccc(O)cc1",
                            "score": -0.730691,
                            "confidence": 0.475488,
                            "proposer": "template_ranker",
                            "reaction_type": None,
                            "round_trip": None,
                            "precedents": [],
                        }
                    ],
                }
            ]
        },
    )

    task: str
    query: str = Field(description="the text as given")
    status: Literal["ok", "invalid_input", "no_answer"]
    message: str = Field(description="what a chemist should know, or why there is no answer")
    model: str
    candidates: list[CandidateBody]


class ProblemBody(BaseModel):
    """Why a request was refused or failed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "too_many_atoms",
                    "message": "the query has 300 heavy atoms; at most 250 are read.",
                    "request_id": "5f0c9a6c1b7e4b0c",
                }
            ]
        }
    )

    code: str = Field(description="short name of the reason; never changes")
    message: str
    request_id: str = Field(description="also in the header X-Request-ID and in the server's log")


class JobBody(BaseModel):
    """A batch job."""

    id: str = Field(description="made by the server", pattern="^[0-9a-f]{32}$")
    task: str
    top_k: int
    state: JobState
    message: str = Field(description="why it failed, or what it waits for; else empty")
    rows: int = Field(description="rows that are answered")
    of: int = Field(description="rows of the job")
    unanswered: int = Field(description="answered rows whose status is not ok")
    created: str = Field(description="time in UTC, ISO 8601")


class JobsBody(BaseModel):
    """All batch jobs, the oldest first."""

    jobs: list[JobBody]


class TaskBody(BaseModel):
    """What the model makes of a task."""

    task: str
    aliases: list[str]
    what: str
    query: QueryKind
    answer: AnswerKind
    unit: str
    example: str
    trained: bool
    reason: str = Field(description="why the model does not answer it; else empty")


class ModelBody(BaseModel):
    """A model of this server."""

    name: str
    release: str
    weights: str = Field(description="SHA-256 that names these very weights")
    tasks: list[TaskBody]


class ModelsBody(BaseModel):
    """The models of this server."""

    models: list[ModelBody]


class HealthBody(BaseModel):
    """Whether the server answers."""

    status: Literal["ok"]
    model: str
    version: str
    waiting_queries: int
    unfinished_jobs: int
