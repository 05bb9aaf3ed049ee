"""The tasks as tools of an agent, spoken to by the protocol's own client: within the process, and as a program."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from retort.inference.predictor import Predictor
from retort.prompting.task import TASKS
from retort.serving.contract import Answer
from retort.serving.mcp import create_server, tool
from retort.serving.settings import ServeConfig


def talk(server: Any, work: Callable[[Client], Awaitable[Any]], mode: str = "auto") -> Any:
    async def main() -> Any:
        async with Client(server, mode=mode) as client:
            return await work(client)

    return asyncio.run(main())


@pytest.fixture
def ask(predictor: Predictor, settings: ServeConfig) -> Callable[..., CallToolResult]:
    def call(name: str, **arguments: object) -> CallToolResult:
        found = talk(create_server(predictor, settings), lambda client: client.call_tool(name, arguments))
        assert isinstance(found, CallToolResult)
        return found

    return call


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_every_task_is_a_tool_with_schemas(predictor: Predictor, settings: ServeConfig, mode: str) -> None:
    listed = talk(create_server(predictor, settings), lambda client: client.list_tools(), mode)
    assert [tool.name for tool in listed.tools] == TASKS.names()
    for found in listed.tools:
        task = TASKS.get(found.name)
        assert task.summary in found.description
        assert found.input_schema["properties"]["query"]["examples"] == [task.example]
        assert found.input_schema["properties"]["top_k"]["maximum"] == settings.max_top_k
        assert set(found.output_schema["required"]) == {
            *("task", "query", "status", "message", "model", "candidates"),
        }
        declined = "does not answer it" in found.description
        assert declined is (found.name not in ("retrosynthesis", "forward_prediction"))


def test_a_new_task_is_a_tool_of_its_own_accord(predictor: Predictor, settings: ServeConfig) -> None:
    new = replace(TASKS.get("retrosynthesis"), summary="a new question", query_help="Give anything.")
    described = tool(predictor, settings, new)
    assert described.description == "a new question. Give anything."
    assert "examples" not in described.input_schema["properties"]["query"]


def test_the_answer_is_the_json_of_the_command_line(ask: Callable[..., CallToolResult], predictor: Predictor) -> None:
    result = ask("retrosynthesis", query="OCC", top_k=2)
    assert not result.is_error
    assert result.structured_content == predictor.predict("retrosynthesis", ["OCC"], 2)[0].to_dict()
    assert json.loads(text_of(result)) == result.structured_content
    Answer.model_validate(result.structured_content)


def test_what_is_not_trained_is_an_answer(ask: Callable[..., CallToolResult]) -> None:
    result = ask("reagent_prediction", query="CCO>>CCN")
    assert (result.is_error, result.structured_content["status"]) == (False, "no_answer")


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("retrosynthesis", {"query": "C1CC"}, "cannot read"),
        ("retrosynthesis", {"query": "C" * 300}, "300 heavy atoms"),
        ("retrosynthesis", {"query": "C", "top_k": 99}, "from 1 to 50"),
        ("retrosynthesis", {"query": "C", "top_k": "3"}, "top_k: Input should be a valid integer"),
        ("retrosynthesis", {"query": 3}, "query: Input should be a valid string"),
        ("retrosynthesis", {}, "query: Field required"),
        ("retrosynthesis", {"query": "C", "path": "x"}, "path: Extra inputs"),
        ("retrosynthesi", {"query": "C"}, "Did you mean 'retrosynthesis'"),
    ],
)
def test_an_agent_hears_what_is_wrong(
    ask: Callable[..., CallToolResult], name: str, arguments: dict[str, object], words: str
) -> None:
    result = ask(name, **arguments)
    assert result.is_error
    assert words in text_of(result)


def test_the_command_speaks_the_protocol(toy: Path) -> None:
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "retort", "mcp", "--model", str(toy)], env=dict(os.environ)
    )

    async def work(client: Client) -> tuple[int, list[Any]]:
        listed = await client.list_tools()
        asked = [client.call_tool("forward_prediction", {"query": "C" * n, "top_k": 1}) for n in (1, 2, 3)]
        return len(listed.tools), await asyncio.gather(*asked)

    tools, results = talk(command, work)
    assert tools == len(TASKS.names())
    assert [result.structured_content["query"] for result in results] == ["C", "CC", "CCC"]
