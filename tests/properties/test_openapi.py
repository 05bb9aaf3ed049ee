"""Requests made from the OpenAPI document, fitting and broken, never bring a 5xx, and every response is as documented.

A small generator of our own: it reads paths, parameters, bodies and responses from the document that the server
gives, and knows nothing else about the routes.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from retort.inference.predictor import Predictor
from retort.inference.toy_model import write_toy_model
from retort.serving import contract
from retort.serving.app import create_app
from retort.serving.settings import ServeConfig

SMILES = st.sampled_from(["CCO", "C1CC", "CCO>>CCN", "*", "", "C" * 300, "[13CH4]", "[Na+].[Cl-]", "Cé", "{C}n"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
WORDS = st.text(max_size=12) | st.sampled_from(["..", "../../etc/passwd", "%00", "retro", "retrosynthesis", "\ud800"])
HEADERS = st.dictionaries(
    st.sampled_from(["X-Request-ID", "Content-Type", "Authorization", "Accept", "Origin", "Expect"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30).map(lambda text: text.encode("latin-1")),
    max_size=2,
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("fuzzed")
    model = str(write_toy_model(folder / "toy"))
    limits = ServeConfig(model=model, jobs=folder / "jobs", max_kept_jobs=5, window_milliseconds=0.0, max_rows=5)
    with TestClient(create_app(Predictor.load(model), limits), base_url="http://localhost") as client:
        yield client


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    found = client.get("/openapi.json").json()
    assert isinstance(found, dict)
    return found


def fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a schema of the document describes; only the keywords that the document uses are known."""
    known = {"type", "minimum", "maximum", "minLength", "maxLength", "default", "title", "description", "examples"}
    if schema["type"] == "object":
        fields = {name: fitting(field) for name, field in schema["properties"].items()}
        needed = {name: fields.pop(name) for name in schema.get("required", ())}
        return st.fixed_dictionaries(needed, optional=fields)
    assert set(schema) <= known, f"the generator does not know {set(schema) - known}"
    examples = [st.sampled_from(schema["examples"])] if "examples" in schema else []
    if schema["type"] == "integer":
        kind: st.SearchStrategy[Any] = st.integers(schema.get("minimum"), min(schema.get("maximum", 60), 60))
    elif schema["type"] == "boolean":
        kind = st.booleans()
    else:
        kind = SMILES | st.text(min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 40), 40))
    return st.one_of(*examples, kind)


def requests(document: dict[str, Any], path: str, method: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return requests to one route: each part fits the document, or is anything at all."""
    route = document["paths"][path][method]
    places: dict[str, dict[str, st.SearchStrategy[Any]]] = {"path": {}, "query": {}}
    for parameter in route.get("parameters", ()):
        places[parameter["in"]][parameter["name"]] = st.one_of(fitting(parameter["schema"]), WORDS)
    return st.fixed_dictionaries(
        {
            "path": st.fixed_dictionaries(places["path"]),
            "query": st.fixed_dictionaries({}, optional=places["query"]) | st.dictionaries(WORDS, WORDS, max_size=2),
            "body": bodies(document, route.get("requestBody", {"content": {}})["content"]),
            "headers": HEADERS,
        }
    )


def bodies(document: dict[str, Any], contents: dict[str, Any]) -> st.SearchStrategy[tuple[str, bytes]]:
    choices = [st.tuples(st.sampled_from([*contents, "application/json", "x/y"]), st.binary(max_size=60))]
    for kind, content in contents.items():
        schema = content["schema"]
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        values = fitting(schema)
        if kind == "application/json":
            choices.append(st.tuples(st.just(kind), (values | ANYTHING).map(lambda value: json.dumps(value).encode())))
        else:
            lines = st.lists(values, max_size=6).map("\n".join)
            choices.append(st.tuples(st.just(kind), lines.map(lambda t: f"input\n{t}".encode("utf-8", "replace"))))
    return st.one_of(choices)


def check(response: Any, document: dict[str, Any], path: str, method: str) -> None:
    """Assert that the status is documented and below 500, and the body is what the document says of it."""
    told = document["paths"][path][method]["responses"]
    status = str(response.status_code)
    assert response.status_code < 500, response.text
    assert status in told, f"{method} {path}: {status} is not documented: {response.text}"
    schema = told[status]["content"].get("application/json", {}).get("schema", {})
    if "$ref" in schema:
        body = getattr(contract, schema["$ref"].rpartition("/")[2])
        TypeAdapter(body).validate_json(response.content)


ROUTES = [
    ("/v1/predict/{task}", "post"),
    ("/v1/models", "get"),
    ("/metrics", "get"),
    ("/health", "get"),
    ("/v1/batch", "post"),
    ("/v1/batch", "get"),
    ("/v1/batch/{job}", "get"),
    ("/v1/batch/{job}", "delete"),
    ("/v1/batch/{job}/results", "get"),
]


def test_every_route_of_the_document_is_tried(document: dict[str, Any]) -> None:
    assert sorted((path, method) for path, methods in document["paths"].items() for method in methods) == sorted(ROUTES)


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_no_request_brings_the_server_down(
    client: TestClient, document: dict[str, Any], path: str, method: str
) -> None:
    seen: set[int] = set()

    @settings(max_examples=100 if method == "post" else 30)
    @given(requests(document, path, method))
    def try_it(request: dict[str, Any]) -> None:
        kind, body = request["body"]
        response = client.request(
            method,
            "/".join(_part(word, request["path"]) for word in path.split("/")),
            params={_whole(name): _whole(str(value)) for name, value in request["query"].items()},
            content=body if method == "post" else None,
            headers=[*{"Content-Type": kind.encode(), **request["headers"]}.items()],
        )
        seen.add(response.status_code)
        if response.request.url.path.count("/") == path.count("/"):  # else it is another address
            check(response, document, path, method)
        assert response.status_code < 500
        if response.status_code == 202:
            forget_jobs(client)

    try_it()
    assert len(seen) >= (2 if "{" in path or method == "post" else 1)


def forget_jobs(client: TestClient) -> None:
    for job in client.get("/v1/batch").json()["jobs"]:
        client.delete(f"/v1/batch/{job['id']}")


def _part(word: str, values: dict[str, Any]) -> str:
    from urllib.parse import quote

    return quote(_whole(str(values[word[1:-1]])), safe="") if word.startswith("{") else word


def _whole(text: str) -> str:
    """Return a text as an address can hold it: half characters become question marks."""
    return text.encode("utf-8", "replace").decode()
