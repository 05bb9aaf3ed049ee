"""Queries that arrive together are asked together; a failure, a jam and a slow model are told to whom they concern."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest

from retort.errors import ModelError
from retort.inference.prediction import Prediction
from retort.inference.predictor import Predictor
from retort.serving.asking import Ask, Asker, Outcome, answer_each, warm_up
from retort.serving.problems import RefusalError
from retort.serving.settings import ServeConfig

RETRO, FORWARD = Ask("retrosynthesis", 2), Ask("forward_prediction", 2)
BAD = "CCCCCCCC"


class Watched(Predictor):
    """The toy, which remembers its calls, waits for ``go``, and fails at one query."""

    calls: list[tuple[str, tuple[str, ...]]]
    go: threading.Event

    @classmethod
    def of(cls, model: Path) -> Self:
        found = cls.load(str(model))
        found.calls, found.go = [], threading.Event()
        found.go.set()
        return found

    def predict(self, task: str, queries: Iterable[str], top_k: int = 10, **more: Any) -> list[Prediction]:
        asked = tuple(queries)
        self.calls.append((task, asked))
        self.go.wait(10)
        if BAD in asked:
            raise RuntimeError("the engine failed")
        if "damaged" in asked:
            raise ModelError("a file is damaged.")
        return super().predict(task, asked, top_k, **more)


@pytest.fixture
def watched(toy: Path) -> Watched:
    return Watched.of(toy)


def run(
    watched: Watched,
    settings: ServeConfig,
    work: Callable[[Asker], Awaitable[Any]],
    told: Callable[[Ask, Sequence[Outcome]], None] = lambda ask, outcomes: None,
) -> Any:
    async def main() -> Any:
        asker = Asker(watched, settings, told)
        asker.start()
        try:
            return await work(asker)
        finally:
            watched.go.set()
            await asker.close()

    return asyncio.run(main())


async def together(asker: Asker, *asked: tuple[Ask, str]) -> list[Any]:
    return await asyncio.gather(*(asker.ask(ask, query) for ask, query in asked), return_exceptions=True)


def test_equal_asks_that_arrive_together_are_one_call(watched: Watched, settings: ServeConfig) -> None:
    asked = [(RETRO, "CCO"), (FORWARD, "CCN"), (RETRO, "CCC"), (Ask("retrosynthesis", 1), "CC"), (RETRO, "not")]
    sizes: list[int] = []
    found = run(watched, settings, lambda a: together(a, *asked), lambda _, outcomes: sizes.append(len(outcomes)))
    assert [answer.query for answer in found] == ["CCO", "CCN", "CCC", "CC", "not"]
    assert [answer.status for answer in found] == ["ok", "ok", "ok", "ok", "invalid_input"]
    assert watched.calls == [
        ("retrosynthesis", ("CCO", "CCC", "not")),
        ("forward_prediction", ("CCN",)),
        ("retrosynthesis", ("CC",)),
    ]
    assert sizes == [3, 1, 1]


def test_answers_are_those_of_single_calls(watched: Watched, settings: ServeConfig, predictor: Predictor) -> None:
    queries = ["CCO", "CCO", "C1CC", "CCN.CC", ""]
    found = run(watched, settings, lambda a: together(a, *((RETRO, query) for query in queries)))
    assert found == [predictor.predict("retrosynthesis", [query], 2)[0] for query in queries]
    assert len(watched.calls) == 1


def test_a_call_has_a_largest_size(watched: Watched, settings: ServeConfig) -> None:
    small = replace(settings, max_batch=2)
    run(watched, small, lambda a: together(a, *((RETRO, "C" * n) for n in range(1, 6))))
    assert [len(queries) for _, queries in watched.calls] == [2, 2, 1]


def test_a_query_that_breaks_the_model_harms_no_other(watched: Watched, settings: ServeConfig) -> None:
    found = run(watched, settings, lambda a: together(a, (RETRO, "CCO"), (RETRO, BAD), (RETRO, "CCC")))
    assert [type(outcome) for outcome in found] == [Prediction, RuntimeError, Prediction]
    assert [len(queries) for _, queries in watched.calls] == [3, 1, 1, 1]


def test_a_model_that_cannot_be_used_is_told_to_all_and_asked_again(watched: Watched, settings: ServeConfig) -> None:
    async def work(asker: Asker) -> list[Any]:
        return [*await together(asker, (RETRO, "CCO"), (RETRO, "damaged")), await asker.ask(RETRO, "CCO")]

    found = run(watched, settings, work)
    assert [type(outcome) for outcome in found] == [ModelError, ModelError, Prediction]


def test_too_many_queries_are_refused_and_the_others_answered(watched: Watched, settings: ServeConfig) -> None:
    asked = [(RETRO, "C" * n) for n in range(1, 8)]
    found = run(watched, replace(settings, max_waiting_queries=3), lambda a: together(a, *asked))
    refused = [outcome for outcome in found if isinstance(outcome, RefusalError)]
    assert [(problem.status, problem.headers) for problem in refused] == [(429, {"Retry-After": "1"})] * 4
    assert [answer.status for answer in found if isinstance(answer, Prediction)] == ["ok"] * 3


def test_a_slow_answer_is_given_up_and_the_next_one_is_not(watched: Watched, settings: ServeConfig) -> None:
    async def work(asker: Asker) -> list[Any]:
        watched.go.clear()
        late = await together(asker, (RETRO, "CCO"), (FORWARD, "CCC"))
        assert asker.waiting == 0
        watched.go.set()
        return [*late, (await together(asker, (RETRO, "CCN")))[0]]

    first, second, third = run(watched, replace(settings, timeout_seconds=0.3), work)
    assert (first.status, second.status, first.code) == (504, 504, "timeout")
    assert third.query == "CCN"
    assert ("forward_prediction", ("CCC",)) not in watched.calls  # nobody waits for it any more


def test_who_has_gone_is_not_asked_for(watched: Watched, settings: ServeConfig) -> None:
    async def work(asker: Asker) -> None:
        gone = asyncio.create_task(asker.ask(RETRO, "CCO"))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert asker.waiting == 0
        await asker.ask(RETRO, "CCN")

    run(watched, settings, work)
    assert watched.calls == [("retrosynthesis", ("CCN",))]


def test_who_waits_at_the_end_is_told(watched: Watched, settings: ServeConfig) -> None:
    async def work() -> list[Any]:
        asker = Asker(watched, settings, lambda ask, outcomes: None)
        waiting = asyncio.gather(asker.ask(RETRO, "CCO"), return_exceptions=True)
        await asyncio.sleep(0)
        await asker.close()
        return [*await waiting, *await asyncio.gather(asker.ask(RETRO, "CCO"), return_exceptions=True)]

    assert [(problem.status, problem.code) for problem in asyncio.run(work())] == [(503, "closing")] * 2


def test_each_outcome_of_a_chunk_keeps_its_place(watched: Watched) -> None:
    outcomes = answer_each(watched, RETRO, ["CCO", BAD, "CCN"])
    assert [type(outcome).__name__ for outcome in outcomes] == ["Prediction", "RuntimeError", "Prediction"]


def test_warming_up_asks_every_task_that_is_answered(watched: Watched) -> None:
    assert warm_up(watched) == ["forward_prediction", "retrosynthesis"]
    assert [task for task, _ in watched.calls] == ["forward_prediction", "retrosynthesis"]
