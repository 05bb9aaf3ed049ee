"""Reaction types as a prompt shows them: their range, their numbers or names, and the question for the type itself.

The labels of N types are 0 to N-1 within a task, and so says every text here (the published question says "0 through
N", one too many). A joint model of several tasks may tell the types of one task from those of another by an offset;
offsets exist in prompts alone, stored labels never carry them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from retort.errors import DataError, UsageError


@dataclass(frozen=True, slots=True)
class TypeRange:
    """The reaction types of one task.

    Attributes:
        count: Number of types, N; labels are 0 to N-1.
        offset: Added to a label where a prompt shows its number.
        names: One name per label, shown instead of numbers; empty where types have none.

    Raises:
        UsageError: There is no type, the offset is negative, or the names are not one per type.
    """

    count: int
    offset: int = 0
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.count < 1 or self.offset < 0:
            raise UsageError(f"{self.count} types with offset {self.offset} are no range of reaction types.")
        if self.names and len(self.names) != self.count:
            raise UsageError(f"{len(self.names)} names do not fit {self.count} reaction types.", "Give one for each.")

    def shown(self, label: int) -> str:
        """Return a label's name, or its number with the offset.

        Raises:
            DataError: The label is not one of 0 to N-1.
        """
        if not 0 <= label < self.count:
            raise DataError(
                f"reaction type {label} is not one of 0 to {self.count - 1}.",
                f"The labels come from another clustering than these {self.count} types.",
            )
        return self.names[label] if self.names else str(self.offset + label)

    @property
    def in_words(self) -> str:
        """What the types are called, first to last."""
        if self.names:
            return f"named {', '.join(self.names)}"
        last = self.offset + self.count - 1
        return f"numbered {self.offset} to {last}" if self.count > 1 else f"numbered {last}"


def joint_ranges(counts: Mapping[str, int]) -> dict[str, TypeRange]:
    """Return the range of every task of a joint model: offsets add up in the order of the tasks.

    Args:
        counts: Task -> number of its types. Three tasks of 10 types have the offsets 0, 10 and 20.
    """
    ranges: dict[str, TypeRange] = {}
    offset = 0
    for task, count in counts.items():
        ranges[task] = TypeRange(count, offset)
        offset += count
    return ranges


def type_question(task: str, types: TypeRange) -> str:
    """Return the instruction that asks for the reaction type of an input.

    Args:
        task: Name of the task whose inputs are read.
        types: The types to choose from.
    """
    kinds = f"{types.count} types" if types.count > 1 else "1 type"
    return (
        f"The input below belongs to the task {task.replace('_', ' ')}. Reactions of this task are sorted into "
        f"{kinds}, {types.in_words}. Judge by the given compounds and answer with the type of the reaction."
    )
