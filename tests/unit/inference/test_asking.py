"""One method per task, one query or many, all at once or streamed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from retort.inference.asking import TaskMethods
from retort.inference.prediction import Prediction, Predictions
from retort.inference.predictor import CHUNK, Predictor
from retort.inference.toy_model import write_toy_model
from retort.prompting.task import TASKS


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor.load(str(write_toy_model(tmp_path_factory.mktemp("toy") / "toy")))


@pytest.mark.parametrize("task", TASKS.names())
def test_every_task_of_the_registry_is_a_method(toy: Predictor, task: str) -> None:
    entry = TASKS.get(task)
    query = "CC>>CCO" if entry.query_kind == "reaction" else "CCO"
    one = getattr(toy, task)(query)
    assert isinstance(one, Prediction)
    assert one == toy.predict(task, [query])[0]
    assert task in dir(toy)


def test_type_checkers_know_the_tasks_of_this_package() -> None:
    written = (Path(__file__).parents[3] / "src/retort/inference/asking.py").read_text("utf-8")
    assert [name for name in TASKS._files if f"        {name}: " not in written] == []


def test_a_list_gives_a_list_in_order(toy: Predictor) -> None:
    found = toy.retrosynthesis(["CCO", "C1CC", "CCO"], 2)
    assert isinstance(found, Predictions)
    assert [p.query for p in found] == ["CCO", "C1CC", "CCO"]
    assert found == toy.predict("retrosynthesis", ["CCO", "C1CC", "CCO"], 2)
    assert toy.retrosynthesis([]) == []


@pytest.mark.parametrize("name", ["retrosyntesis", "_repr_png_", "shape"])
def test_there_is_no_other_attribute(toy: Predictor, name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        getattr(toy, name)


def test_a_stream_is_read_as_it_is_answered(toy: Predictor) -> None:
    read = 0

    def queries() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield "C" * (1 + read % 5)

    answers = toy.stream("forward", queries(), 1)
    first = next(answers)
    assert (first.query, read) == ("CC", CHUNK)
    for _ in range(CHUNK):
        last = next(answers)
    assert (last.query, read) == ("C" * (1 + (CHUNK + 1) % 5), 2 * CHUNK)


def test_a_stream_ends_with_its_queries(toy: Predictor) -> None:
    asked = ["CCO", "", "CC"] * 30
    assert list(toy.stream("retro", asked, 2)) == toy.predict("retro", asked, 2)


def test_methods_need_someone_to_ask() -> None:
    with pytest.raises(TypeError):
        TaskMethods()  # type: ignore[abstract]
