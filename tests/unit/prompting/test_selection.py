"""Which template a row gets, and how varied the choices are."""

import math

import pytest

from retort.errors import DataError, UsageError
from retort.prompting.selection import Selection, choice_entropy, drawn, dynamic, entropy_by_task, nearest, static
from retort.prompting.template import Library, Template, own_library

LIBRARY = Library.from_rows(
    "planted",
    [("forward_prediction", "A."), ("forward_prediction", "B."), ("retrosynthesis", "C."), ("retrosynthesis", "D.")],
)


def test_the_nearest_template_wins_and_not_the_farthest() -> None:
    """The sign of equation (11): the smallest distance is the greatest adaptability."""
    assert nearest(LIBRARY, "forward_prediction", [2.0, 1.0, 9.0, 9.0]).text == "B."
    assert nearest(LIBRARY, "forward_prediction", [1.0, 2.0, 9.0, 9.0]).text == "A."


def test_templates_of_other_tasks_are_not_looked_at() -> None:
    """The published joint mode looked the place within the task up in the whole list: always forward templates."""
    assert nearest(LIBRARY, "retrosynthesis", [0.0, 0.0, 2.0, 1.0]).text == "D."
    assert nearest(LIBRARY, "retrosynthesis", [math.nan, -1.0, 1.0, 2.0]).text == "C."


def test_of_equally_near_templates_the_first_wins() -> None:
    assert nearest(LIBRARY, "retrosynthesis", [0.0, 0.0, 1.0, 1.0]).text == "C."


@pytest.mark.parametrize("wrong", [-0.5, math.nan, math.inf])
def test_what_is_no_distance_is_refused(wrong: float) -> None:
    with pytest.raises(DataError, match="is not a distance"):
        nearest(LIBRARY, "forward_prediction", [wrong, 1.0, 1.0, 1.0])


@pytest.mark.parametrize("count", [0, 2, 5])
def test_distances_must_fit_the_library(count: int) -> None:
    with pytest.raises(DataError, match=f"{count} distances do not fit the 4 templates"):
        nearest(LIBRARY, "forward_prediction", [1.0] * count)


def test_static_is_the_first_of_the_task() -> None:
    assert static(LIBRARY, "retrosynthesis").text == "C."


def test_random_depends_on_seed_and_row_alone() -> None:
    library = own_library()
    ids = [f"row {i}" for i in range(200)]
    forwards = {i: drawn(library, "retrosynthesis", i, 3) for i in ids}
    backwards = {i: drawn(library, "retrosynthesis", i, 3) for i in reversed(ids)}
    assert forwards == backwards
    assert set(forwards.values()) == set(library.of("retrosynthesis"))
    assert forwards != {i: drawn(library, "retrosynthesis", i, 4) for i in ids}


def test_a_selection_is_one_key() -> None:
    distances = [3.0, 2.0, 1.0, 0.5]
    chosen = [
        Selection(how, seed=5).choose(LIBRARY, "retrosynthesis", "7", distances).text  # type: ignore[arg-type]
        for how in ("static", "random", "nearest", "dynamic")
    ]
    assert chosen == ["C.", drawn(LIBRARY, "retrosynthesis", "7", 5).text, "D.", "D."]
    with pytest.raises(UsageError, match="needs the distances of the row"):
        Selection("nearest").choose(LIBRARY, "retrosynthesis", "7")


def test_dynamic_is_the_nearest_of_a_few_that_are_drawn_by_row() -> None:
    library = own_library()
    distances = [float(place) for place in range(len(library.templates))]
    ids = [f"row {i}" for i in range(300)]
    chosen = [dynamic(library, "retrosynthesis", i, distances, 3, 4) for i in ids]
    assert chosen == [dynamic(library, "retrosynthesis", i, distances, 3, 4) for i in ids]
    own = library.of("retrosynthesis")
    counts = [chosen.count(template) for template in own]
    assert counts[0] == max(counts) > 0  # the nearest of all is among 4 of 12 in a third of the rows
    assert counts[-3:] == [0, 0, 0]  # the three farthest are never the nearest of four
    assert sum(count > 0 for count in counts) > 5
    assert dynamic(library, "retrosynthesis", "7", distances, 3, 12) == nearest(library, "retrosynthesis", distances)
    alone = library.only("retrosynthesis")
    part = [distances[place] for place in library.places("retrosynthesis")]
    assert [dynamic(alone, "retrosynthesis", i, part, 3, 4) for i in ids] == chosen
    with pytest.raises(UsageError, match="among 0 instructions"):
        Selection("dynamic", drawn=0)


@pytest.mark.parametrize("how", ["static", "random", "nearest", "dynamic"])
def test_a_task_without_instructions_is_named(how: str) -> None:
    with pytest.raises(DataError, match="'reagent_prediction' has no instructions"):
        Selection(how).choose(LIBRARY, "reagent_prediction", "7", [1.0] * 4)  # type: ignore[arg-type]


def test_entropy_by_hand() -> None:
    constant = choice_entropy(["a"] * 5, 12)
    assert (constant.nats, constant.normalised, constant.distinct, constant.rows) == (0.0, 0.0, 1, 5)
    even = choice_entropy("abcd" * 3, 4)
    assert math.isclose(even.nats, math.log(4))
    assert math.isclose(even.normalised, 1.0)
    # Shares 1/2, 1/4, 1/4: H = 1/2 ln 2 + 2 * 1/4 ln 4 = 3/2 ln 2; of eight available, ln 8 = 3 ln 2 is the most.
    uneven = choice_entropy("aabc", 8)
    assert math.isclose(uneven.nats, 1.5 * math.log(2))
    assert math.isclose(uneven.normalised, 0.5)
    assert choice_entropy(["a"], 1).normalised == 0.0


def test_entropy_needs_choices_that_fit() -> None:
    for choices, available in (("", 3), ("ab", 1)):
        with pytest.raises(DataError, match="do not fit a pool"):
            choice_entropy(choices, available)


def test_a_mixture_of_tasks_adds_no_entropy() -> None:
    first, second = static(LIBRARY, "forward_prediction"), static(LIBRARY, "retrosynthesis")
    report = entropy_by_task([first, second, first], LIBRARY)
    assert {task: (entropy.nats, entropy.rows) for task, entropy in report.items()} == {
        "forward_prediction": (0.0, 2),
        "retrosynthesis": (0.0, 1),
    }
    with pytest.raises(DataError, match="is not of the library 'planted'"):
        entropy_by_task([Template("retrosynthesis", "E.")], LIBRARY)
