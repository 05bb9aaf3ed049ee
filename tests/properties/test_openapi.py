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
    st.none() | st.booleans() | st.integers() | st.floats(allow_subnormal=False) | st.text(max_size=20),
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
    if "examples" in schema:
        return st.sampled_from(schema["examples"])
    if schema["type"] == "integer":
        return st.integers(schema.get("minimum"), min(schema.get("maximum", 60), 60))
    if schema["type"] == "boolean":
        return st.booleans()
    if "default" in schema:
        return st.just(schema["default"])
    return SMILES | st.text(min_size=schema.get("minLength", 0), max_size=min(schema.get("maxLength", 40), 40))


def requests(document: dict[str, Any], path: str, method: str, job: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return requests to one route: all parts fit the document (and name a job that there is), or some are anything."""
    route = document["paths"][path][method]
    places: dict[str, dict[str, st.SearchStrategy[Any]]] = {"path": {}, "query": {}}
    broken: dict[str, dict[str, st.SearchStrategy[Any]]] = {"path": {}, "query": {}}
    for parameter in route.get("parameters", ()):
        fits = st.just(job) if parameter["name"] == "job" else fitting(parameter["schema"])
        places[parameter["in"]][parameter["name"]] = fits
        broken[parameter["in"]][parameter["name"]] = fits | WORDS
    contents = route.get("requestBody", {"content": {}})["content"]
    return fitting_request(document, places, contents) | st.fixed_dictionaries(
        {
            "path": st.fixed_dictionaries(broken["path"]),
            "query": st.fixed_dictionaries({}, optional=broken["query"]) | st.dictionaries(WORDS, WORDS, max_size=2),
            "body": bodies(document, contents)
            | st.tuples(st.sampled_from([*contents, "application/json", "x/y"]), st.binary(max_size=60))
            | st.tuples(st.just("application/json"), ANYTHING.map(lambda value: json.dumps(value).encode())),
            "headers": HEADERS,
        }
    )


def fitting_request(
    document: dict[str, Any], places: dict[str, dict[str, st.SearchStrategy[Any]]], contents: dict[str, Any]
) -> st.SearchStrategy[dict[str, Any]]:
    parts = {place: st.fixed_dictionaries(fields) for place, fields in places.items()}
    return st.fixed_dictionaries({**parts, "body": bodies(document, contents), "headers": st.just({})})


def bodies(document: dict[str, Any], contents: dict[str, Any]) -> st.SearchStrategy[tuple[str, bytes]]:
    """Return bodies that fit the document, each with its content type."""
    choices = [] if contents else [st.just(("application/json", b""))]
    for kind, content in contents.items():
        schema = content["schema"]
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        values = fitting(schema)
        if kind == "application/json":
            choices.append(st.tuples(st.just(kind), values.map(lambda value: json.dumps(value).encode())))
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
    @given(requests(document, path, method, a_job(client)))
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
    expected = {("/v1/batch", "post"): {202, 404, 413, 422}, ("/v1/predict/{task}", "post"): {200, 400, 404, 422}}
    assert seen >= expected.get((path, method), {200, 403} | ({404} if "{job}" in path else set()))


def a_job(client: TestClient) -> str:
    """Return the id of a new job, the only one."""
    forget_jobs(client)
    response = client.post("/v1/batch?task=retro", content="CCO", headers={"Content-Type": "text/plain"})
    return str(response.json()["id"])


def forget_jobs(client: TestClient) -> None:
    while jobs := client.get("/v1/batch").json()["jobs"]:
        for job in jobs:
            client.delete(f"/v1/batch/{job['id']}")  # cancels what is not finished; the next round deletes it


def _part(word: str, values: dict[str, Any]) -> str:
    from urllib.parse import quote

    return quote(_whole(str(values[word[1:-1]])), safe="") if word.startswith("{") else word


def _whole(text: str) -> str:
    """Return a text as an address can hold it: half characters become question marks."""
    return text.encode("utf-8", "replace").decode()
