"""Questions with solved examples before them, for a language model that was trained for something else.

A prompt is an instruction, the examples and the question::

    Which product do these reactants give?

    Input: CC(=O)Cl.NCc1ccccc1
    Output: CC(=O)NCc1ccccc1

    Input: CC(=O)Cl.OCc1ccccc1
    Output:

The example most like the question stands last, next to it. Where a task has a few answers to choose from they are
numbered below the instruction; where it has hundreds, the instruction must say what they are. With a chat template the
same text is the one turn of the user.
"""

from collections.abc import Sequence

from retort.prompting.extraction import read_choice, read_number, read_percent, read_smiles, read_text
from retort.prompting.task import Task, Unreadable

INPUT, OUTPUT = "Input:", "Output:"
LISTED = 26  # more answers than letters are not listed
PERCENT = "%"


def in_context_text(task: Task, instruction: str, shots: Sequence[tuple[str, str]], question: str) -> str:
    """Return the whole prompt, without white space at its end.

    Args:
        task: What is asked.
        instruction: One wording of the task.
        shots: Questions with their answers, most like the question first.
        question: What is given, canonical.
    """
    examples = [f"{INPUT} {given}\n{OUTPUT} {shown_answer(task, answer)}" for given, answer in reversed(shots)]
    return "\n\n".join([instruction, *_options(task), *examples, f"{INPUT} {question}\n{OUTPUT}"])


def shown_answer(task: Task, answer: str) -> str:
    """Return an answer, as :func:`retort.prompting.answers.read_answer` gives it, as an example shows it."""
    return f"{float(answer):.1f} {task.unit}".rstrip() if task.answer_kind == "value" else answer


def read_said(task: Task, text: str) -> str | Unreadable:
    """Return what a model answered in the form of :func:`retort.prompting.answers.read_answer`, or why nothing is read.

    What follows the next ``Input:`` is left out: a model that continues texts goes on to ask itself.
    """
    said = f"\n{text}".partition(f"\n{INPUT}")[0]
    if task.answer_kind == "smiles":
        return read_smiles(said)
    if task.answer_kind == "value":
        percent = task.unit == PERCENT
        value = read_percent(said, "percent") if percent else read_number(said, *task.bounds)
        return value if isinstance(value, Unreadable) else repr(value)
    if not task.choices:
        return read_text(said)
    options = list(task.choices.values())
    place = read_choice(said, options, first=_first_number(task))
    return place if isinstance(place, Unreadable) else options[place]


def _options(task: Task) -> list[str]:
    if not 0 < len(task.choices) <= LISTED:
        return []
    numbered = enumerate(task.choices.values(), _first_number(task))
    return ["\n".join(f"{number}. {text}" for number, text in numbered)]


def _first_number(task: Task) -> int:
    """Return the number of the first answer: its label where labels are numbers."""
    first = next(iter(task.choices))
    return int(first) if first.isdecimal() else 1
