"""``retort mcp``: the tasks as tools of an agent, by the Model Context Protocol over standard input and output.

Every task of the registry is a tool with typed arguments and a typed result, the JSON of the command line. A query
that cannot be read comes back as the tool's own error with the reason, so that an agent can correct itself.
"""

import json
from collections.abc import Mapping
from typing import Any

import anyio
import anyio.to_thread
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import ValidationError

from retort import __version__
from retort.errors import RetortError
from retort.inference.predictor import Predictor
from retort.prompting.task import TASKS, Task
from retort.serving.asking import Ask, answer
from retort.serving.contract import Answer, Asked
from retort.serving.limits import check_query, check_top_k
from retort.serving.problems import RefusalError
from retort.serving.settings import ServeConfig

INSTRUCTIONS = (
    "Predicts chemical reactions by a small local model. Molecules are SMILES. Answers are ranked candidates; "
    "'confidence' is the calibrated probability that a candidate is exactly right. Treat candidates as proposals."
)


def create_server(predictor: Predictor, settings: ServeConfig) -> Server[Any]:
    """Build the protocol's server on a model."""
    one_at_a_time = anyio.Lock()

    async def list_tools(context: Any, params: PaginatedRequestParams | None) -> ListToolsResult:  # noqa: ARG001
        return ListToolsResult(tools=[tool(predictor, settings, TASKS.get(name)) for name in TASKS.names()])

    async def call_tool(context: Any, params: CallToolRequestParams) -> CallToolResult:  # noqa: ARG001
        async with one_at_a_time:
            return await anyio.to_thread.run_sync(call, predictor, settings, params.name, params.arguments or {})

    return Server(
        "retort",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def tool(predictor: Predictor, settings: ServeConfig, task: Task) -> Tool:
    """Describe a task as a tool."""
    why = predictor.declines(task.name)
    declined = f" This model does not answer it: {why}." if why else ""
    query = {"type": "string", "description": task.query_help, "maxLength": settings.max_query_characters}
    top_k = {"type": "integer", "minimum": 1, "maximum": settings.max_top_k, "default": 10}
    return Tool(
        name=task.name,
        title=task.name.replace("_", " "),
        description=f"{task.summary}. {task.query_help}{declined}",
        input_schema={
            "type": "object",
            "properties": {
                "query": query | ({"examples": [task.example]} if task.example else {}),
                "top_k": top_k | {"description": "most candidates in the answer"},
            },
            "required": ["query"],
            "additionalProperties": False,
        },
        output_schema=Answer.model_json_schema(),
        annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
    )


def call(predictor: Predictor, settings: ServeConfig, name: str, arguments: Mapping[str, Any]) -> CallToolResult:
    """Answer one call; whatever is wrong with it is told as the tool's error."""
    try:
        asked = Asked.model_validate(arguments, strict=True)
        check_top_k(settings, asked.top_k)
        check_query(settings, asked.query)
        found = answer(predictor, Ask(TASKS.get(name).name, asked.top_k), [asked.query])[0].to_dict()
    except ValidationError as error:
        first = error.errors()[0]
        return _error(f"{'.'.join(map(str, first['loc'])) or 'arguments'}: {first['msg']}.")
    except (RefusalError, RetortError) as error:
        return _error(str(error))
    text = TextContent(text=json.dumps(found, allow_nan=False))
    return CallToolResult(content=[text], structured_content=found, is_error=found["status"] == "invalid_input")


def serve_tools(settings: ServeConfig) -> None:
    """Serve one agent until it closes our standard input.

    Raises:
        ModelError: The model is missing or damaged.
    """
    anyio.run(_serve, create_server(Predictor.load(settings.model), settings))


async def _serve(server: Server[Any]) -> None:
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def _error(message: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=message)], is_error=True)
