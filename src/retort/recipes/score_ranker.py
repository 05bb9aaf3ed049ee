"""Score a ranker on held-out records, source by source, beside the baselines that learn nothing."""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retort.data.records import Record
from retort.evaluation.predictions import Candidate, Header, Prediction, Predictions
from retort.evaluation.scoring import score
from retort.inference.proposer import Proposals, Proposer
from retort.inference.proposers.answer_ranker import AnswerRanker
from retort.inference.proposers.nearest_reaction import NearestReaction
from retort.inference.proposers.popularity import Popularity
from retort.inference.proposers.template_ranker import TemplateRanker
from retort.inference.training_answers import Kind, TrainingAnswers
from retort.models.ranker import Ranker
from retort.prompting.task import Question, Task

TOP_K = 10
BASELINES: tuple[Kind, ...] = ("popularity", "nearest_reaction")
Answers = Sequence[Sequence[Candidate]]


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The questions of one source with their answers."""

    task: Task
    records: Sequence[Record]

    @property
    def given(self) -> list[str]:
        return [self.task.given(record.reaction) for record in self.records]

    def figures(self, answers: Answers) -> dict[str, Any]:
        """Return ``exact_match@k`` as ``[mean, lower, upper]``, 95 % bootstrap intervals over rows."""
        rows = tuple(
            Prediction(i, query, self.task.wanted(record.reaction), "ok" if found else "no_answer", "", tuple(found))
            for i, (query, record, found) in enumerate(zip(self.given, self.records, answers, strict=True))
        )
        report = score(Predictions(Header(self.task.name, "ranker", TOP_K), rows), TOP_K)
        names = [name for name in report.metrics if name.startswith("exact_match@")]
        return {name: [report.metrics[name], *report.intervals[name]] for name in names}


def score_proposer(proposer: Proposer, task: Task, held: Sequence[Record], rows: int, seed: int) -> dict[str, Any]:
    """Return source -> figures of a proposer on a seeded sample of at most ``rows`` held-out records of each source."""
    sampled = _sampled(held, rows, seed)
    start = time.process_time()
    asked = [Question(task.name, task.given(record.reaction)) for record in sampled]
    answers = {proposer.name: _candidates(proposer.propose(asked, TOP_K))}
    milliseconds = 1000 * (time.process_time() - start) / max(1, len(sampled))
    figures = {source: _figures(task, source, sampled, answers) for source in sorted({r.source for r in sampled})}
    return {**figures, "cpu_milliseconds_per_row": milliseconds}


def score_ranker(
    ranker: Ranker, task: Task, train: Sequence[Record], held: Sequence[Record], rows: int, seed: int
) -> dict[str, Any]:
    """Return source -> figures on a seeded sample of at most ``rows`` held-out records of each source.

    Literal answers come with their baselines; where reaction classes are known, conditioned figures are added.
    """
    sampled = _sampled(held, rows, seed)
    start = time.process_time()
    answers = {"ranker": _ranked(ranker, _Sheet(task, sampled), stated=False)}
    milliseconds = 1000 * (time.process_time() - start) / max(1, len(sampled))
    if task.uses_class:
        answers["class_known"] = _ranked(ranker, _Sheet(task, sampled), stated=True)
    if ranker.meta.kind == "answer":
        answers |= {kind: _baseline(kind, _Sheet(task, sampled), train) for kind in BASELINES}
    figures = {source: _figures(task, source, sampled, answers) for source in sorted({r.source for r in sampled})}
    return {**figures, "cpu_milliseconds_per_row": milliseconds}


def _sampled(held: Sequence[Record], rows: int, seed: int) -> list[Record]:
    sampled: list[Record] = []
    for source in sorted({record.source for record in held}):
        mine = [record for record in held if record.source == source]
        sampled += random.Random(seed).sample(mine, min(rows, len(mine)))
    return sampled


def _figures(task: Task, source: str, records: Sequence[Record], answers: Mapping[str, Answers]) -> dict[str, Any]:
    places = [i for i, record in enumerate(records) if record.source == source]
    sheet = _Sheet(task, [records[i] for i in places])
    known = all(record.reaction_class for record in sheet.records)
    shown = {name: found for name, found in answers.items() if known or name != "class_known"}
    figures = {name: sheet.figures([found[i] for i in places]) for name, found in shown.items()}
    return {"n": len(places), **figures}


def _ranked(ranker: Ranker, sheet: _Sheet, *, stated: bool) -> Answers:
    """Return the ranker's answers, with the reaction class stated to it or not."""
    proposer = TemplateRanker(ranker) if ranker.meta.kind == "template" else AnswerRanker(ranker)
    classes = [record.reaction_class if stated else None for record in sheet.records]
    asked = [Question(sheet.task.name, given, c) for given, c in zip(sheet.given, classes, strict=True)]
    return _candidates(proposer.propose(asked, TOP_K))


def _candidates(found: Sequence[Proposals]) -> Answers:
    return [[Candidate(c.smiles, c.score, c.proposer) for c in proposals.candidates] for proposals in found]


def _baseline(kind: Kind, sheet: _Sheet, train: Sequence[Record]) -> Answers:
    """Return the answers of a baseline that was made from the train records."""
    pairs = [(sheet.task.given(record.reaction), sheet.task.wanted(record.reaction)) for record in train]
    answers = TrainingAnswers.gather(kind, sheet.task.name, pairs)
    proposer = Popularity(answers) if kind == "popularity" else NearestReaction(answers)
    return _candidates(proposer.propose([Question(sheet.task.name, given) for given in sheet.given], TOP_K))
