"""The prompts of an arm: compact, or an instruction of the row's task: fixed, drawn, nearest to the input, or both.

Distances are Euclidean, between the pooled vectors of the input and of each template with its lead-in, by the encoder
that the arm starts from. The published system measures them with the encoder in training, which lets a row's
instruction change from step to step; here it is a property of the row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from retort.models.pooling import Tokens, pooled
from retort.prompting.reaction_types import TypeRange
from retort.prompting.rendering import Rendering
from retort.prompting.selection import Selection, choice_entropy
from retort.prompting.task import Question
from retort.prompting.template import Library, Template, own_library
from retort.prompting.vocabulary import TEXT_CLOSE, TEXT_OPEN, Vocabulary
from retort.recipes.study_config import Wording

MEASURED: tuple[Wording, ...] = ("nearest", "dynamic")  # wordings that distances choose
_NATURAL = Rendering("natural")


@dataclass
class Prompts:
    """Writes the questions of one arm.

    Attributes:
        wording: How.
        types: The range of the types; of several tasks, each has an offset of its own.
        vocabulary: Of the prompts.
        start: Checkpoint whose encoder measures distances.
        library: The instructions.
        nearest: Chosen template by the text of a canonical input, where distances choose; see :meth:`measure`.
    """

    wording: Wording
    types: TypeRange
    vocabulary: Vocabulary
    start: Path
    library: Library = field(default_factory=own_library)
    nearest: dict[str, Template] = field(default_factory=dict)

    def measure(self, questions: Sequence[Question]) -> None:
        """Choose the template of every question where distances have a say in it."""
        if self.wording == "compact":
            return
        from retort.models import checkpoint
        from retort.models.device import pick_device

        network = checkpoint.load(self.start).network.to(pick_device("auto"))
        distinct = list({question.given: question for question in questions}.values())
        asked: list[Tokens] = [self.vocabulary.encode(question.given) for question in distinct]
        texts = [f"{TEXT_OPEN}{template.with_lead_in}{TEXT_CLOSE}" for template in self.library.templates]
        inputs, templates = pooled(network, asked), pooled(network, [self.vocabulary.encode(text) for text in texts])
        selection = Selection(self.wording)
        for question, vector in zip(distinct, inputs, strict=True):
            distances = np.linalg.norm(templates - vector, axis=1).tolist()
            self.nearest[question.given] = selection.choose(self.library, question.task, question.given, distances)

    def text(self, question: Question, row: str | None = None) -> str:
        """Return the prompt of a question.

        Args:
            question: What is asked, types and class included.
            row: The canonical input of its row, by which an instruction is chosen; the question's own by default.

        Raises:
            KeyError: The template of the row was not measured.
        """
        if self.wording == "compact":
            return replace(question, reaction_types=tuple(map(self.types.number, question.reaction_types))).prompt
        of_row = row or question.given
        if self.wording in MEASURED:
            template = self.nearest[of_row]
        else:
            template = Selection(self.wording).choose(self.library, question.task, of_row)
        return _NATURAL.render(question, template, self.types)[0]

    def facts(self, task: str) -> dict[str, Any]:
        """Return how varied the instructions are that distances chose; nothing where they are not measured."""
        if not self.nearest:
            return {}
        entropy = choice_entropy(self.nearest.values(), len(self.library.of(task)))
        return {"nats": entropy.nats, "normalised": entropy.normalised, "distinct": entropy.distinct}
