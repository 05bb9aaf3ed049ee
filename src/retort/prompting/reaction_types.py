"""Reaction types as a prompt shows them: their range, their numbers or names, and the question for the type itself.

The labels of N types are 0 to N-1 within a task, and so says every text here (the published question says "0 through
N", one too many). A joint model of several tasks may tell the types of one task from those of another by an offset;
offsets exist in prompts alone, stored labels never carry them.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from retort.errors import DataError, UsageError

PARTS = 8  # labels that shares are told in
Telling = Literal["likeliest", "shares", "mixture"]


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
        number = self.number(label)
        return self.names[label] if self.names else str(number)

    def number(self, label: int) -> int:
        """Return the number under which prompts know a label: the label and the offset.

        Raises:
            DataError: The label is not one of 0 to N-1.
        """
        if not 0 <= label < self.count:
            raise DataError(
                f"reaction type {label} is not one of 0 to {self.count - 1}.",
                f"The labels come from another clustering than these {self.count} types.",
            )
        return self.offset + label

    def shown_shares(self, labels: Sequence[int]) -> str:
        """Return the one label as :meth:`shown`, or of several each with its share, most frequent first.

        Raises:
            DataError: A label is not one of 0 to N-1.
        """
        counts = Counter(labels).most_common()
        if len(counts) == 1:
            return self.shown(counts[0][0])
        return ", ".join(f"{self.shown(label)} ({100 * n / len(labels):.0f} %)" for label, n in counts)

    @property
    def in_words(self) -> str:
        """What the types are called, first to last."""
        if self.names:
            return f"named {', '.join(self.names)}"
        last = self.offset + self.count - 1
        return f"numbered {self.offset} to {last}" if self.count > 1 else f"numbered {last}"


def in_parts(shares: Sequence[float], parts: int = PARTS) -> tuple[int, ...]:
    """Return types in proportion to their shares: so many labels, the most frequent first, of equals the smaller.

    A distribution becomes text that every model can read: attention to a token that stands there five times in eight is
    five eighths of the attention to all. Parts are dealt by largest remainder (Hare and Niemeyer); of equal remainders
    the smaller label gets one. A type that is certain stands there ``parts`` times.

    Args:
        shares: Of each type, 0 and up, not all 0.
        parts: How many labels.

    Raises:
        DataError: A share is negative or no number, or all are 0.
    """
    whole = math.fsum(shares)
    if not (whole > 0 and math.isfinite(whole)) or min(shares) < 0:
        raise DataError(f"{list(shares)} are no shares.", "Give numbers from 0 up, not all 0.")
    exact = [parts * share / whole for share in shares]
    counts = [math.floor(value + 1e-9) for value in exact]
    by_rest = sorted(range(len(shares)), key=lambda label: (round(counts[label] - exact[label], 9), label))
    for label in by_rest[: parts - sum(counts)]:
        counts[label] += 1
    ordered = sorted(range(len(shares)), key=lambda label: (-counts[label], label))
    return tuple(label for label in ordered for _ in range(counts[label]))


def ways_of_telling(
    shares: Sequence[float], telling: Telling, top_types: int = 3
) -> tuple[tuple[tuple[int, ...], float], ...]:
    """Return what a prompt is told of types whose shares are known, and how much the answers to it count.

    ``likeliest`` is the one type with the greatest share; ``shares`` all of them by :func:`in_parts`; ``mixture`` asks
    under each of the likeliest types by itself, and each counts by its share. A type without share is never told.

    Args:
        shares: Of each type, 0 and up, not all 0.
        telling: How.
        top_types: The most types of a mixture.

    Returns:
        Pairs of the labels of a prompt and its weight, the likeliest first, of equals the smaller label.

    Raises:
        DataError: The shares are none.
    """
    if telling == "shares":
        return ((in_parts(shares), 1.0),)
    if not max(shares, default=0) > 0:
        raise DataError(f"{list(shares)} are no shares.", "Give numbers from 0 up, not all 0.")
    order = sorted(range(len(shares)), key=lambda label: (-shares[label], label))
    chosen = order[: top_types if telling == "mixture" else 1]
    return tuple(((label,), shares[label]) for label in chosen if shares[label] > 0)


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
