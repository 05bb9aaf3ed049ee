"""How a question becomes the texts that a model reads: two renderings, two ways to join instruction and input.

The *compact* rendering is special tokens before SMILES. The *natural* one is an instruction template, a reaction type
where one is known, and the same SMILES: equation (12) of SLM4CRP, fuse(instruction, type). Both are the same example,
with the same target. *Fusion* says whether instruction and input are one sequence or are encoded apart, as published,
where they never attend to each other; here that is one text or a pair of texts, and encoders do the rest.
"""

from dataclasses import dataclass
from typing import Literal

from retort.config import option
from retort.errors import UsageError
from retort.prompting.reaction_types import TypeRange
from retort.prompting.task import Question
from retort.prompting.template import Template
from retort.prompting.vocabulary import TEXT_CLOSE, TEXT_OPEN

Style = Literal["compact", "natural"]
Fusion = Literal["single_sequence", "separate"]


@dataclass(frozen=True, slots=True)
class Rendering:
    """How prompts are written."""

    style: Style = option("compact", help="compact (special tokens and SMILES) or natural (an instruction in words)")
    fusion: Fusion = option("single_sequence", help="one text, or separate texts for instruction and input")
    marked: bool = option(True, help="stand words between <text> and </text>; false for a foreign tokenizer")

    def render(
        self, question: Question, template: Template | None = None, types: TypeRange | None = None
    ) -> tuple[str, ...]:
        """Return one text, or the pair (instruction, input).

        Args:
            question: What is asked; its reaction type is a label 0 to N-1.
            template: The instruction, for the natural style.
            types: The range of the reaction types; needed in the natural style where the question has a type.

        Raises:
            UsageError: The natural style lacks a template or range, or the template belongs to another task.
            DataError: The reaction type is not in the range.
        """
        if self.style == "compact":
            instruction, gap = _compact(question, types), ""
        else:
            words = instruction_of(question, template, types)
            instruction, gap = (f"{TEXT_OPEN}{words}{TEXT_CLOSE}", "") if self.marked else (words, " ")
        if self.fusion == "separate":
            return instruction, question.given
        return (f"{instruction}{gap}{question.given}",)


def instruction_of(question: Question, template: Template | None, types: TypeRange | None = None) -> str:
    """Return the instruction of a question in words: template, then class and type where they are known.

    Raises:
        UsageError: There is no template, it belongs to another task, or a type has no range.
        DataError: The reaction type is not in the range.
    """
    if template is None:
        raise UsageError("the natural rendering needs an instruction template.", "Choose one with a Selection.")
    if template.task != question.task:
        raise UsageError(
            f"a template of {template.task!r} cannot instruct {question.task!r}.", "Choose by the row's task."
        )
    if question.reaction_class is not None:
        sentence = f"{template.text} Its reaction class is {question.reaction_class}."
        template = Template(template.task, sentence, template.lead_in)
    if not question.reaction_types:
        return template.text
    if types is None:
        raise UsageError(f"reaction type {question.reaction_types[0]} has no range.", "Say how many types there are.")
    return template.with_type(types.shown_shares(question.reaction_types))


def _compact(question: Question, types: TypeRange | None) -> str:
    """Return the special tokens before the input; labels stay without offset, for the task token tells tasks apart."""
    if types is not None:
        for label in question.reaction_types:
            types.shown(label)
    return question.prompt.removesuffix(question.given)
