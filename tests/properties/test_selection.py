"""Properties of instruction selection: always from the row's own task, whatever the library, labels and distances."""

import math
import string

from hypothesis import given
from hypothesis import strategies as st

from retort.prompting.reaction_types import joint_ranges
from retort.prompting.rendering import Rendering
from retort.prompting.selection import Selection, choice_entropy, nearest
from retort.prompting.task import Question
from retort.prompting.template import Library, own_library

TASKS = ("forward_prediction", "reagent_prediction", "retrosynthesis")
tasks = st.sampled_from(TASKS)
words = st.text(string.ascii_letters, min_size=1, max_size=4)
libraries = st.lists(st.tuples(tasks, words), min_size=1, max_size=30).map(lambda rows: Library.from_rows("any", rows))
pools = libraries.map(lambda library: Library.joined("pool", [own_library(), library]))
selections = st.builds(Selection, st.sampled_from(["static", "random", "nearest", "dynamic"]), st.integers(0, 5))
lengths = st.floats(0, 1e6, allow_subnormal=False)


@given(libraries | pools, selections, st.data(), st.text(max_size=5))
def test_the_choice_is_of_the_task_of_the_row(
    library: Library, selection: Selection, data: st.DataObject, row_id: str
) -> None:
    task = data.draw(st.sampled_from(library.tasks))
    size = len(library.templates)
    distances = data.draw(st.lists(lengths, min_size=size, max_size=size))
    chosen = selection.choose(library, task, row_id.encode("utf-8", "replace").decode(), distances)
    assert chosen.task == task
    assert chosen in library.of(task)


@given(libraries | pools, st.data())
def test_nothing_of_the_task_is_nearer_than_the_nearest(library: Library, data: st.DataObject) -> None:
    size = len(library.templates)
    distances = data.draw(st.lists(lengths, min_size=size, max_size=size))
    for task in library.tasks:
        chosen = nearest(library, task, distances)
        assert distances[library.templates.index(chosen)] == min(distances[place] for place in library.places(task))
        alone = library.only(task)  # single-task mode chooses as joint mode does
        assert nearest(alone, task, [distances[place] for place in library.places(task)]) == chosen


@given(st.dictionaries(tasks, st.integers(1, 64), min_size=1), selections, st.data())
def test_joint_offsets_do_not_touch_the_choice(
    counts: dict[str, int], selection: Selection, data: st.DataObject
) -> None:
    """For all tasks, numbers of types and labels: the template is of the row's task and no two tasks share a number."""
    library, ranges = own_library(), joint_ranges(counts)
    size = len(library.templates)
    distances = data.draw(st.lists(lengths, min_size=size, max_size=size))
    shown = {}
    for task, count in counts.items():
        label = data.draw(st.integers(0, count - 1))
        template = selection.choose(library, task, "row", distances)
        question = Question(task, "CCO", reaction_types=(label,))
        text, given_part = Rendering("natural", "separate", marked=False).render(question, template, ranges[task])
        assert template in library.of(task)
        assert text.startswith(template.text)
        assert given_part == "CCO"
        shown[task] = int(text.rpartition(" ")[2])
        assert shown[task] - ranges[task].offset == label
    assert len(set(shown.values())) == len(counts)


@given(libraries, st.sampled_from(["C", "CCO.[Na+]", "CC>>C", "CC>O"]), st.integers(0, 9), st.data())
def test_both_fusions_say_the_same(library: Library, given_part: str, label: int, data: st.DataObject) -> None:
    template = data.draw(st.sampled_from(library.templates))
    question = Question(template.task, given_part, reaction_types=(label,))
    types = joint_ranges({template.task: 10})[template.task]
    for marked, gap in ((True, ""), (False, " ")):
        (whole,) = Rendering("natural", "single_sequence", marked).render(question, template, types)
        pair = Rendering("natural", "separate", marked).render(question, template, types)
        assert whole == gap.join(pair)


@given(st.lists(st.integers(0, 7), min_size=1, max_size=50))
def test_entropy_lies_between_constant_and_even(choices: list[int]) -> None:
    entropy = choice_entropy(choices, 8)
    assert 0.0 <= entropy.nats <= math.log(entropy.distinct) + 1e-12
    assert 0.0 <= entropy.normalised <= 1.0
    assert entropy == choice_entropy(sorted(choices), 8)
