"""The rows of one task of an arm: what is told of their types, how they are asked, and which are judged."""

from dataclasses import dataclass, replace
from functools import cached_property

from retort.data.collate import PreparedFolder
from retort.data.in_memory import Ids, Row
from retort.elicitation.checks import Doubles
from retort.elicitation.knowledge import Told, told
from retort.prompting.reaction_types import Telling, ways_of_telling
from retort.prompting.task import Question
from retort.prompting.vocabulary import CLASSES, TYPES, Vocabulary
from retort.recipes.row_types import Part, TypesOfRows
from retort.recipes.study_config import ArmConfig, Beam
from retort.recipes.study_prompts import MEASURED, Prompts

WATCHED = "valid_a"
_MARKS = frozenset((*CLASSES, *TYPES))


@dataclass(frozen=True, eq=False)
class RowsOfTask:
    """The rows of one task of an arm.

    Attributes:
        config: The arm.
        types: The types of the rows.
        vocabulary: Of the checkpoint the arm starts from.
        prompts: How questions are written.
    """

    config: ArmConfig
    types: TypesOfRows
    vocabulary: Vocabulary
    prompts: Prompts

    @property
    def task(self) -> str:
        """Name of the task."""
        return self.types.task

    @property
    def judged(self) -> Part:
        """The held-out rows that are judged."""
        return self.types.held_out(self.config.part).first(self.config.held_out)

    @property
    def watched(self) -> Part:
        """The rows that training watches."""
        return self.types.held_out(WATCHED).first(self.config.watched)

    def told(self, part: Part) -> Told:
        """Return what is told of the train rows and of a held-out part; raises as :func:`told`."""
        train = self.types.train.take(range(min(self.config.rows, len(self.types.train))))
        return told(self.config.knowledge, train, part.types, inputs=self.types.encoding == "input")

    def questions(self, part: Part) -> list[Question]:
        """Return what is asked of a held-out part, without class or type."""
        return [self.question(source) for source, _ in part.pairs]

    def question(self, source: Ids) -> Question:
        """Return the question that token ids ask, without class or type."""
        text = self.vocabulary.decode([int(token) for token in source])
        return Question(self.task, _bare(text, self.task))

    def wordings(self, part: Part, beam: Beam) -> list[list[tuple[Question, float]]]:
        """Return the ways in which each row of a part is asked, with their weights."""
        known = self.told(part)
        shares = part.types.read if beam.telling == "mixture" else known.held_out
        return [
            asked(question, None if shares is None else shares[i], self.telling(beam), beam.top_types, known.classes)
            for i, question in enumerate(self.questions(part))
        ]

    def telling(self, beam: Beam) -> Telling:
        """Return how held-out rows are told."""
        return "shares" if self.config.knowledge == "soft" else beam.telling

    @cached_property
    def canonical(self) -> list[Question]:
        """The questions of the train rows in their canonical spelling, without class or type."""
        split = PreparedFolder.open(self.config.prepared).split("train")
        return [self.question(split.pair(row, -row)[0]) for row in self.types.rows[: self.config.rows].tolist()]

    def measure(self, *, train: bool) -> None:
        """Measure what prompts need: the distances of every row to all instructions, where these choose.

        Args:
            train: Of train rows and of those that training watches too, not of the judged ones alone.
        """
        if self.config.wording in MEASURED:
            learned = (*self.canonical, *self.questions(self.watched)) if train else ()
            self.prompts.measure((*learned, *self.questions(self.judged)))

    def train(self) -> list[Row]:
        """Return all spellings of every train row, each telling what is known of it."""
        split, known = PreparedFolder.open(self.config.prepared).split("train"), self.told(self.watched)
        return [
            self._row([split.pair(number, copy - number) for copy in range(split.copies)], known, place)
            for place, number in enumerate(self.types.rows[: self.config.rows].tolist())
        ]

    def valid(self) -> list[Row]:
        """Return the rows that training watches."""
        watched = self.watched
        return [
            [(self.vocabulary.encode(self.prompts.text(ways[0][0])), target)]
            for ways, (_, target) in zip(self.wordings(watched, Beam()), watched.pairs, strict=True)
        ]

    def sources(self, beam: Beam) -> set[tuple[int, ...]]:
        """Return the prompts of the judged rows as token ids."""
        ways = (way for ways in self.wordings(self.judged, beam) for way in ways)
        return {tuple(self.vocabulary.encode(text)) for text in {self.prompts.text(question) for question, _ in ways}}

    def _row(self, pairs: Row, known: Told, place: int) -> Row:
        canonical = self.canonical[place].given
        shares = None if known.train is None else known.train[place]
        told_pairs: list[tuple[Ids, Ids]] = []
        for source, target in pairs:
            ((question, _),) = asked(self.question(source), shares, self.telling(Beam()), 1, known.classes)
            told_pairs.append((self.vocabulary.encode(self.prompts.text(question, canonical)), target))
        return told_pairs


def asked(
    question: Question, shares: Doubles | None, telling: Telling, top_types: int, classes: bool
) -> list[tuple[Question, float]]:
    """Return the ways of asking a question of whose types (or classes) the shares [k] are known; one where none are."""
    if shares is None:
        return [(question, 1.0)]
    if classes:
        return [(replace(question, reaction_class=int(shares.argmax()) + 1), 1.0)]
    ways = ways_of_telling(shares.tolist(), telling, top_types)
    return [(replace(question, reaction_types=labels), weight) for labels, weight in ways]


def _bare(text: str, task: str) -> str:
    """Return a prompt without its task, class and types."""
    text = text.removeprefix(f"<{task}>")
    while (mark := text.partition(">")[0] + ">") in _MARKS:
        text = text.removeprefix(mark)
    return text
