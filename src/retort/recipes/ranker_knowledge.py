"""What a template ranker gains from each source of knowledge about types: one network per arm and seed, all else equal.

``python -m retort.recipes.ranker_knowledge CONFIG.toml [KEY=VALUE]...`` trains what is not trained yet, answers every
test row with every arm, and writes a table of figures (:mod:`retort.recipes.ranker_knowledge_table`). Interrupted, the
same call goes on. One file lists all arms: they differ in two words, and a fair comparison shares the rest.

Arms whose train rows are told the same share a network. A mixed arm is told every type alone and its rankings are mixed
by what the annotator reads: p(template | x) = sum over types of p(type | x) p(template | x, type).
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, product
from pathlib import Path
from typing import TYPE_CHECKING

from retort.config import as_dict, load, option
from retort.data.examples import fits
from retort.data.prepare import read_records
from retort.data.records import Record
from retort.elicitation.knowledge import SOURCES, Knowledge
from retort.evaluation.predictions import Candidate, Header, Prediction, PredictionWriter, resume
from retort.inference.proposer import Proposals
from retort.inference.proposers.template_ranker import TemplateRanker
from retort.models.ranker import Floats, Ranker
from retort.prompting.task import TASKS, Question, Task
from retort.recipes.applied_templates import AppliedTemplates
from retort.recipes.entry import run_with_config
from retort.recipes.ranker_arms import Arm, Known, looked_up, of_classes
from retort.recipes.ranker_knowledge_table import Answered, write_table
from retort.recipes.row_types import TypesOfRows
from retort.recipes.train_ranker import (
    RankerRows,
    Say,
    TrainRankerConfig,
    TypeColumns,
    class_ranks,
    fit_ranker,
    labels_of,
)

if TYPE_CHECKING:
    from retort.training.ranker import Epoch

MIXED: tuple[Knowledge, ...] = ("predicted", "out_of_fold")  # their networks learn one type a row, and types are read
TYPELESS: tuple[Knowledge, ...] = ("off", "curated")
_SAVE_EVERY = 50_000  # new results of applying a template
_ANSWERED = 512  # rows answered at once


@dataclass(frozen=True)
class TypesOfNumber:
    """The row types of one number of types."""

    clusters: Path = option(help="row types whose clusters have seen the output")
    inputs: Path | None = option(None, help="row types whose clusters are of the inputs; without it no input_only")


@dataclass(frozen=True)
class RankerKnowledgeConfig:
    """A comparison of sources of knowledge."""

    ranker: TrainRankerConfig = field(metadata={"help": "what is trained, and where everything lies"})
    table: Path = option(help="JSON file that receives the figures")
    probes: Path = option(help="JSON file that receives what is known of types without being told")
    types: tuple[TypesOfNumber, ...] = option((), help="row types, for each number of types")
    knowledge: tuple[Knowledge, ...] = option(SOURCES, help="sources of knowledge")
    seeds: tuple[int, ...] = option((1, 2, 3), help="seeds of training, in place of that of the ranker")
    answered_seeds: tuple[int, ...] = option((1, 2, 3), help="those of them whose networks answer, which is slow")
    scale: float = option(4.0, help="what the shares of types are multiplied by, beside about 50 set bits")
    top_k: int = option(10, help="answers per row")
    answered: str = option("test", help="part that is answered")


def compare_knowledge(config: RankerKnowledgeConfig, say: Say = print) -> Path:
    """Train, rank and answer what is missing; write the table and return it.

    Raises:
        DataError: A held-out row has no types, or no train row has a template.
        ModelError: A file of row types, or of a ranker, is damaged.
    """
    study = Study.of(config, say)
    arms = list(study.arms())
    try:
        for seed, arm in product(config.seeds, arms):  # seed by seed: a part of a study is a smaller study
            study.rank(arm, seed)
        for seed, arm in product(config.answered_seeds, arms):
            study.answer(arm, seed)
    finally:
        study.applied.save()
    return study.table(arms)


@dataclass(frozen=True, eq=False)
class Study:
    """All rows of a comparison, with what is known of their types.

    Attributes:
        task: What is asked.
        data: Train rows, then as held-out rows those of valid part A and those that are answered.
        choices: How many of the held-out rows are of valid part A.
        answered: The records that are answered.
        known: Number of types, and whether the clusters are those of the inputs -> what is known; 0 for classes alone.
        applied: What templates make of products.
    """

    config: RankerKnowledgeConfig
    task: Task
    data: RankerRows
    choices: int
    answered: Sequence[Record]
    known: Mapping[tuple[int, bool], Known]
    applied: AppliedTemplates
    say: Say

    @classmethod
    def of(cls, config: RankerKnowledgeConfig, say: Say) -> "Study":
        """Read records and types, and take the templates; raises as :func:`compare_knowledge`."""
        task = TASKS.get(config.ranker.task)
        files = [TypesOfRows.load(path) for at in config.types for path in (at.clusters, at.inputs) if path]
        train, choices, answered = _records(config, task, files)
        held = [*choices, *answered]
        data = RankerRows.build(config.ranker, train, held, labels_of(config.ranker, [*train, *held], say))
        used = [train[i] for i in data.used.tolist()]
        say(f"{task.name}: {len(used):,} train rows, {len(data.counts):,} templates, {len(answered):,} rows to answer")
        known = {(0, False): Known(of_classes(used), of_classes(held))}
        for file in files:
            found = Known(looked_up(file, used), looked_up(file, held), file.sha256, file.encoding)
            known[file.train.types, found.inputs] = found
        applied = AppliedTemplates(config.ranker.output / "applied.parquet")
        return cls(config, task, data, len(choices), answered, known, applied, say)

    def arms(self) -> Iterator[Arm]:
        """Yield the arms: without types first, then number by number."""
        yield from (Arm(knowledge) for knowledge in TYPELESS if knowledge in self.config.knowledge)
        for number, inputs in self.known:
            for knowledge in self.config.knowledge if number else ():
                if knowledge not in TYPELESS and inputs == (knowledge == "input_only"):
                    yield Arm(knowledge, number)
                    yield from [Arm(knowledge, number, mixed=True)] * (knowledge in MIXED)

    def rank(self, arm: Arm, seed: int) -> None:
        """Rank the own templates of all held-out rows, where that is not done."""
        path = self._file(arm, seed, "ranks.json")
        if path.is_file():
            return
        ranker, shares = self._told(arm, seed)
        ranks = class_ranks(ranker, self.data.held_x, self.data.held_y, shares, mixed=arm.mixed).tolist()
        found = {"valid_a": ranks[: self.choices], "answered": ranks[self.choices :]}
        path.write_text(json.dumps(found), encoding="utf-8")
        first = sum(rank == 1 for rank in found["valid_a"]) / max(1, self.choices)
        self.say(f"{arm.name}, seed {seed}: own template first in {first:.4f} of valid part A")

    def answer(self, arm: Arm, seed: int) -> None:
        """Answer the rows that are not answered yet."""
        path = self._file(arm, seed, "jsonl")
        header = Header(self.task.name, f"template ranker, {arm.name}, seed {seed}", self.config.top_k)
        asked = [(self.task.given(record.reaction), self.task.wanted(record.reaction)) for record in self.answered]
        done = resume(path, header, asked)
        if done == len(asked):
            return
        ranker, held_out = self._told(arm, seed)
        shares = None if held_out is None else held_out[self.choices :]
        proposer = TemplateRanker(ranker, mixed=arm.mixed, apply=self.applied.apply)
        with PredictionWriter(path, header) as writer:
            for start in range(done - done % _ANSWERED, len(asked), _ANSWERED):  # whole blocks: the last digits agree
                rows = slice(start, start + _ANSWERED)
                questions = [Question(self.task.name, given) for given, _ in asked[rows]]
                found = proposer.propose(questions, self.config.top_k, None if shares is None else shares[rows])
                for place, proposals in islice(enumerate(found, start), max(0, done - start), None):
                    writer.write(_row(place, *asked[place], proposals))
        self.applied.save(_SAVE_EVERY)
        self.say(f"{arm.name}, seed {seed}: answered; {len(self.applied):,} results of templates are known")

    def table(self, arms: Sequence[Arm]) -> Path:
        """Write the table of all arms and return it."""
        answered = [
            Answered(
                arm,
                self._known(arm).encoding,
                [self._file(arm, seed, "jsonl") for seed in self.config.answered_seeds],
                [self._file(arm, seed, "ranks.json") for seed in self.config.seeds],
            )
            for arm in arms
        ]
        budget = {"rows": len(self.data.y), "n": len(self.answered), "seeds": list(self.config.answered_seeds)}
        about = {
            "templates": len(self.data.counts),
            "covered": float((self.data.held_y[self.choices :] >= 0).mean()),
            "types_sha256": {f"{n}{' inputs' * inputs}": k.sha256 for (n, inputs), k in self.known.items() if n},
            "config": as_dict(self.config),
        }
        return write_table(self.config.table, answered, budget, about)

    def ranker(self, arm: Arm, seed: int, shares: Floats | None, sha256: str) -> Ranker:
        """Return the network of an arm as a file holds it, trained now if it is not there."""
        path = self.config.ranker.output / "rankers" / f"{arm.learned}.{seed}.npz"
        if not path.is_file():
            config = replace(self.config.ranker, training=replace(self.config.ranker.training, seed=seed))
            types = None if shares is None else TypeColumns(shares, self.config.scale, sha256)
            last: list[str] = []

            def watch(epoch: "Epoch", _: Callable[[], Ranker]) -> None:
                last[:] = [f"loss {epoch.loss:.3f} in epoch {epoch.number}, {epoch.seconds:.0f} s"]

            fit_ranker(config, self.data, watch, types).save(path)
            self.say(f"{arm.learned}, seed {seed}: {last[0]}")
        return Ranker.load(path)

    def _told(self, arm: Arm, seed: int) -> tuple[Ranker, Floats | None]:
        """Return the network of an arm, and the shares that held-out rows are told."""
        known = self._known(arm)
        train, held_out = known.columns(arm, seed)
        return self.ranker(arm, seed, train, known.sha256), held_out

    def _known(self, arm: Arm) -> Known:
        return self.known[arm.types, arm.knowledge == "input_only"]

    def _file(self, arm: Arm, seed: int, ending: str) -> Path:
        return self.config.ranker.output / f"{arm.name}.{seed}.{ending}"


def _records(
    config: RankerKnowledgeConfig, task: Task, files: Sequence[TypesOfRows]
) -> tuple[list[Record], list[Record], list[Record]]:
    """Return train rows whose types all files know, rows of valid part A, and those that are answered."""
    sources = config.ranker.sources
    records = [r for r in read_records(config.ranker.prepared / "records.parquet") if fits(task, r)]
    records = [record for record in records if not sources or record.source in sources]
    typed = [set(file.parts["train"].ids.tolist()) for file in files]
    train = [r for r in records if r.split == "train" and all(r.id in ids for ids in typed)]
    return train, [r for r in records if r.split == "valid_a"], [r for r in records if r.split == config.answered]


def _row(place: int, query: str, target: str, found: Proposals) -> Prediction:
    candidates = tuple(Candidate(c.smiles, c.score, c.proposer) for c in found.candidates)
    return Prediction(place, query, target, "ok" if candidates else "no_answer", "", candidates)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run_with_config(lambda path, given: compare_knowledge(load(RankerKnowledgeConfig, path, given)), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
