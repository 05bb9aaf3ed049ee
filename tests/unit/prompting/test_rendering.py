"""One example, two renderings, two fusions."""

import pytest

from retort.errors import DataError, UsageError
from retort.prompting.reaction_types import TypeRange
from retort.prompting.rendering import Rendering, instruction_of
from retort.prompting.task import Question
from retort.prompting.template import Template, own_library
from retort.prompting.vocabulary import Vocabulary

TEMPLATE = Template("retrosynthesis", "Take it apart.", "The type is")
PLAIN = Question("retrosynthesis", "CCO")
TYPED = Question("retrosynthesis", "CCO", reaction_types=(7,))
TEN = TypeRange(10)


@pytest.mark.parametrize(
    ("rendering", "question", "texts"),
    [
        (Rendering(), TYPED, ("<retrosynthesis><type_7>CCO",)),
        (Rendering(fusion="separate"), TYPED, ("<retrosynthesis><type_7>", "CCO")),
        (Rendering("natural"), PLAIN, ("<text>Take it apart.</text>CCO",)),
        (Rendering("natural"), TYPED, ("<text>Take it apart. The type is 7</text>CCO",)),
        (Rendering("natural", "separate"), TYPED, ("<text>Take it apart. The type is 7</text>", "CCO")),
        (Rendering("natural", marked=False), TYPED, ("Take it apart. The type is 7 CCO",)),
        (Rendering("natural", "separate", marked=False), TYPED, ("Take it apart. The type is 7", "CCO")),
    ],
)
def test_renderings(rendering: Rendering, question: Question, texts: tuple[str, ...]) -> None:
    assert rendering.render(question, TEMPLATE, TEN) == texts


def test_the_compact_rendering_is_the_prompt_of_the_question() -> None:
    for question in (PLAIN, TYPED, Question("retrosynthesis", "CCO", reaction_class=2)):
        assert Rendering().render(question) == (question.prompt,)
        assert "".join(Rendering(fusion="separate").render(question)) == question.prompt


def test_class_and_type_are_told_apart() -> None:
    both = Question("retrosynthesis", "CCO", reaction_class=2, reaction_types=(7,))
    assert instruction_of(both, TEMPLATE, TEN) == "Take it apart. Its reaction class is 2. The type is 7"
    assert instruction_of(Question("retrosynthesis", "CCO", 2), TEMPLATE) == "Take it apart. Its reaction class is 2."


def test_offset_and_name_are_shown_in_words_only() -> None:
    joint = TypeRange(10, offset=20)
    assert instruction_of(TYPED, TEMPLATE, joint) == "Take it apart. The type is 27"
    assert Rendering().render(TYPED, types=joint) == ("<retrosynthesis><type_7>CCO",)
    named = TypeRange(8, names=tuple("abcdefgh"))
    assert instruction_of(TYPED, TEMPLATE, named) == "Take it apart. The type is h"


def test_every_own_template_survives_the_vocabulary() -> None:
    vocabulary = Vocabulary.build([])
    for template in own_library().templates:
        question = Question(template.task, "CCO>>CC=O", reaction_types=(3,))
        for text in Rendering("natural").render(question, template, TEN):
            assert vocabulary.decode(vocabulary.encode(text)) == text


def test_a_label_out_of_range_is_refused_in_both_styles() -> None:
    for style in ("compact", "natural"):
        with pytest.raises(DataError, match="reaction type 7 is not one of 0 to 5"):
            Rendering(style).render(TYPED, TEMPLATE, TypeRange(6))


def test_a_template_of_another_task_is_refused() -> None:
    with pytest.raises(UsageError, match="a template of 'retrosynthesis' cannot instruct 'forward_prediction'"):
        Rendering("natural").render(Question("forward_prediction", "CCO"), TEMPLATE)


def test_what_is_missing_is_said() -> None:
    with pytest.raises(UsageError, match="needs an instruction template"):
        Rendering("natural").render(PLAIN)
    with pytest.raises(UsageError, match="reaction type 7 has no range"):
        Rendering("natural").render(TYPED, TEMPLATE)
