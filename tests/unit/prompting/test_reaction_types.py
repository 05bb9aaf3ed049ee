"""The range of reaction types, as prompts show it."""

import pytest

from retort.errors import DataError, UsageError
from retort.prompting.reaction_types import TypeRange, in_parts, joint_ranges, type_question


def test_labels_run_from_zero_to_one_below_the_number() -> None:
    types = TypeRange(10)
    assert [types.shown(label) for label in (0, 9)] == ["0", "9"]
    for label in (-1, 10):
        with pytest.raises(DataError, match=f"reaction type {label} is not one of 0 to 9"):
            types.shown(label)


def test_names_stand_for_numbers() -> None:
    types = TypeRange(2, names=("acylation", "reduction"))
    assert types.shown(1) == "reduction"
    with pytest.raises(DataError):
        types.shown(2)


def test_offsets_tell_the_tasks_of_a_joint_model_apart() -> None:
    ranges = joint_ranges({"forward_prediction": 10, "reagent_prediction": 10, "retrosynthesis": 12})
    assert [types.offset for types in ranges.values()] == [0, 10, 20]
    assert [types.shown(0) for types in ranges.values()] == ["0", "10", "20"]
    assert ranges["retrosynthesis"].shown(11) == "31"
    with pytest.raises(DataError, match="not one of 0 to 9"):
        ranges["reagent_prediction"].shown(10)


@pytest.mark.parametrize(
    ("types", "words"),
    [
        (TypeRange(10), "10 types, numbered 0 to 9."),
        (TypeRange(10, 20), "10 types, numbered 20 to 29."),
        (TypeRange(1), "1 type, numbered 0."),
        (TypeRange(2, names=("acylation", "reduction")), "2 types, named acylation, reduction."),
    ],
)
def test_the_question_for_the_type_names_its_true_range(types: TypeRange, words: str) -> None:
    question = type_question("forward_prediction", types)
    assert words in question
    assert "forward prediction" in question


@pytest.mark.parametrize(("count", "offset", "names"), [(0, 0, ()), (-1, 0, ()), (3, -1, ()), (3, 0, ("one",))])
def test_what_is_no_range_is_refused(count: int, offset: int, names: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        TypeRange(count, offset, names)


@pytest.mark.parametrize(
    ("shares", "labels"),
    [
        ((0.0, 1.0), (1,) * 8),
        ((0.625, 0.25, 0.125), (0, 0, 0, 0, 0, 1, 1, 2)),
        ((0.3, 0.3, 0.4), (0, 0, 0, 2, 2, 2, 1, 1)),  # 2.4, 2.4 and 3.2 parts: of the equal rests the smaller label
        ((0.94, 0.03, 0.03), (0,) * 8),
        ((2.0, 2.0), (0, 0, 0, 0, 1, 1, 1, 1)),
        ((0.1,) * 10, (0, 1, 2, 3, 4, 5, 6, 7)),
    ],
)
def test_shares_are_told_in_eight_parts(shares: tuple[float, ...], labels: tuple[int, ...]) -> None:
    assert in_parts(shares) == labels


@pytest.mark.parametrize("shares", [(0.0, 0.0), (-0.1, 1.1), (float("nan"), 1.0), (float("inf"), 1.0)])
def test_what_are_no_shares(shares: tuple[float, ...]) -> None:
    with pytest.raises(DataError, match="are no shares"):
        in_parts(shares)


def test_shares_in_words() -> None:
    assert TypeRange(10).shown_shares((3, 3, 3)) == "3"
    assert TypeRange(10, offset=10).shown_shares((3, 3, 3, 5)) == "13 (75 %), 15 (25 %)"
    with pytest.raises(DataError):
        TypeRange(3).shown_shares((3,))
