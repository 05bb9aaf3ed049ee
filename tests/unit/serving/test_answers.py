"""One query over HTTP: every kind of bad input has an answer or a clear status, and the server stays up."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from retort.inference.predictor import Predictor
from retort.prompting.task import TASKS
from retort.serving.app import create_app
from retort.serving.contract import Answer, HealthBody, ModelsBody, ProblemBody
from retort.serving.settings import ServeConfig

Connect = Callable[..., TestClient]
KEY = "a-key-of-sixteen-characters"
CLIENTS = 200


def ask(client: TestClient, query: object, task: str = "retrosynthesis", **more: object) -> httpx2.Response:
    return client.post(f"/v1/predict/{task}", json={"query": query, **more})


def problem(response: httpx2.Response) -> tuple[int, str]:
    body = ProblemBody.model_validate_json(response.content)
    assert body.request_id == response.headers["x-request-id"]
    return response.status_code, body.code


@pytest.mark.parametrize("task", ["retrosynthesis", "retro"])
def test_the_answer_is_the_json_of_the_command_line(client: TestClient, predictor: Predictor, task: str) -> None:
    response = ask(client, "OCC", task, top_k=2)
    assert response.status_code == 200
    assert response.json() == predictor.predict(task, ["OCC"], 2)[0].to_dict()
    assert Answer.model_validate(response.json()).candidates[0].smiles == "CCO.O"


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("this is no SMILES", "invalid_input", "blank"),
        ("C1CC", "invalid_input", "cannot read"),
        ("{[CH2][CH2]}n", "invalid_input", "cannot read"),
        ("", "invalid_input", "empty"),
        ("  \n ", "invalid_input", "empty"),
        ("*CC*", "invalid_input", "wildcard"),
        ("CCO>>", "invalid_input", "lacks what"),
        ("Cé💥", "invalid_input", "no SMILES has"),
        ("[13CH3][2H]", "ok", ""),
        ("[Na+].[Cl-]", "ok", ""),
        ("N[C@@H](C)C(=O)O", "ok", ""),
        ("C" * 240, "ok", ""),
    ],
)
def test_what_can_be_asked_is_answered_with_a_status(client: TestClient, query: str, status: str, words: str) -> None:
    response = ask(client, query)
    assert response.status_code == 200
    assert response.json()["query"] == query
    assert response.json()["status"] == status
    assert words in response.json()["message"]


def test_a_task_that_is_not_trained_says_so(client: TestClient) -> None:
    answer = ask(client, "CCO>>CCN", "reagents").json()
    assert (answer["status"], answer["message"]) == ("no_answer", "not trained: a toy knows no reagents.")


@pytest.mark.parametrize(
    ("query", "task", "top_k", "expected"),
    [
        ("C" * 300, "retro", 1, (422, "too_many_atoms")),
        ("[" * 2001, "retro", 1, (422, "query_too_long")),
        ("C", "no-such-task", 1, (404, "unknown_name")),
        ("C", "..%2f..%2fetc%2fpasswd", 1, (404, "not_found")),
        ("C", "t" * 65, 1, (422, "invalid_request")),
        ("C", "retro", 0, (422, "invalid_request")),
        ("C", "retro", 51, (422, "invalid_request")),
        ("C", "retro", 10**30, (422, "invalid_request")),
        ("C", "retro", 1.5, (422, "invalid_request")),
        ("C", "retro", None, (422, "invalid_request")),
        (None, "retro", 1, (422, "invalid_request")),
        (["C"], "retro", 1, (422, "invalid_request")),
        ("\ud800", "retro", 1, (422, "invalid_request")),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_reason(
    client: TestClient, query: object, task: str, top_k: object, expected: tuple[int, str]
) -> None:
    body = json.dumps({"query": query, "top_k": top_k})
    response = client.post(f"/v1/predict/{task}", content=body, headers={"Content-Type": "application/json"})
    assert problem(response) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (422, "invalid_request")),
        (b"{", (422, "invalid_request")),
        (b"[" * 60_000, (400, "bad_request")),
        (b"\xff\xfe", (422, "invalid_request")),
        (b'{"query": "C", "top_k": 1e999}', (422, "invalid_request")),
        (b'{"query": "C", "explain": 1}', (422, "invalid_request")),
        (b'{"query": "' + b"C" * 10_000_000 + b'"}', (413, "too_large")),
    ],
)
def test_broken_bodies_are_refused(client: TestClient, body: bytes, expected: tuple[int, str]) -> None:
    response = client.post("/v1/predict/retro", content=body, headers={"Content-Type": "application/json"})
    assert problem(response) == expected
    assert ask(client, "CCO").status_code == 200


def test_a_large_body_that_hides_its_size_is_refused(client: TestClient) -> None:
    parts = (b"C" * 10_000 for _ in range(1000))
    response = client.post("/v1/predict/retro", content=parts, headers={"Content-Type": "application/json"})
    assert problem(response) == (413, "too_large")


def test_unknown_addresses_and_methods_are_told_alike(client: TestClient) -> None:
    assert problem(client.get("/nowhere")) == (404, "not_found")
    assert problem(client.get("/v1/predict/retro")) == (405, "method_not_allowed")
    assert client.get("/v1/predict/retro").headers["allow"] == "POST"


def test_the_key_opens_everything_but_health(connect: Connect) -> None:
    client = connect(key=KEY)
    assert client.get("/health").status_code == 200
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {KEY}"}, {"Authorization": "é"}):
        response = client.get("/v1/models", headers=[(k, v.encode("latin-1")) for k, v in headers.items()])
        assert problem(response) == (401, "unauthorized")
        assert response.headers["www-authenticate"] == "Bearer"
    assert problem(ask(client, "CCO")) == (401, "unauthorized")
    assert problem(client.post("/v1/batch?task=retro", content="C")) == (401, "unauthorized")
    assert problem(client.get("/metrics")) == (401, "unauthorized")
    client.headers["Authorization"] = f"Bearer {KEY}"
    assert ask(client, "CCO").status_code == 200


def test_pages_of_other_sites_may_not_ask(client: TestClient) -> None:
    assert problem(client.get("/health", headers={"Host": "evil.example"})) == (403, "foreign_host")
    for origin in ("https://evil.example", "null", "http://localhost:99"):
        response = client.post("/v1/predict/retro", json={"query": "C"}, headers={"Origin": origin})
        assert problem(response) == (403, "foreign_origin")
    assert client.get("/health", headers={"Origin": "http://localhost"}).status_code == 200
    assert client.get("/health", headers={"Host": "[::1]:8000"}).status_code == 200


def test_a_request_keeps_its_id_in_response_and_log(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "retort.serving"):
        given = client.get("/health", headers={"X-Request-ID": "lab-7.b"})
        forged = client.get("/health", headers={"X-Request-ID": "a\tb"})
    assert given.headers["x-request-id"] == "lab-7.b"
    assert forged.headers["x-request-id"] != "a\tb"
    assert [record.getMessage().split(" 200 ")[0] for record in caplog.records if "health" in record.getMessage()] == [
        "lab-7.b GET /health",
        f"{forged.headers['x-request-id']} GET /health",
    ]


def test_molecules_are_not_logged(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "retort.serving"):
        ask(client, "CCCCCCO")
        client.get("/v1/predict/CCCCCCO")
    assert "CCCCCCO" not in "".join(r.getMessage() for r in caplog.records if r.name == "retort.serving")


def test_models_health_and_figures(client: TestClient) -> None:
    assert HealthBody.model_validate(client.get("/health").json()).model == "toy"
    model = ModelsBody.model_validate(client.get("/v1/models").json()).models[0]
    assert [task.task for task in model.tasks] == TASKS.names()
    assert [task.task for task in model.tasks if task.trained] == ["forward_prediction", "retrosynthesis"]
    ask(client, "CCO")
    ask(client, "C1CC")
    figures = client.get("/metrics").text
    assert 'retort_answers_total{status="invalid_input",task="retrosynthesis"} 1.0' in figures
    assert 'retort_requests_total{method="POST",route="/v1/predict/{task}",status="200"} 2.0' in figures


def test_a_server_that_leaves_says_so(client: TestClient) -> None:
    client.app.state.service.closing = True  # type: ignore[attr-defined]
    assert problem(client.get("/health")) == (503, "closing")
    assert problem(client.post("/v1/batch?task=retro", content="C")) == (503, "closing")


def test_a_model_that_is_damaged_later_is_told_and_the_server_stays(connect: Connect, tmp_path: Path) -> None:
    from retort.inference.toy_model import write_toy_model

    folder = write_toy_model(tmp_path / "damaged")
    client = connect(predictor=Predictor.load(str(folder)))
    (folder / "language_model" / "vocabulary.json").write_text("{}")
    response = ask(client, "CCO")
    assert problem(response) == (503, "model_unavailable")
    assert str(folder) not in response.text
    assert client.get("/health").status_code == 200


def test_two_hundred_clients_at_once_are_all_answered(settings: ServeConfig, predictor: Predictor) -> None:
    async def main() -> tuple[list[httpx2.Response], str]:
        app = create_app(predictor, settings)
        transport = httpx2.ASGITransport(app)
        async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=transport) as client:
            client.base_url = httpx2.URL("http://localhost")
            asked = [client.post("/v1/predict/retro", json={"query": "C" * (1 + n % 60)}) for n in range(CLIENTS)]
            return await asyncio.gather(*asked), (await client.get("/metrics")).text

    responses, figures = asyncio.run(main())
    assert [response.status_code for response in responses] == [200] * CLIENTS
    assert [response.json()["query"] for response in responses] == ["C" * (1 + n % 60) for n in range(CLIENTS)]
    calls = next(line for line in figures.splitlines() if line.startswith("retort_call_queries_count"))
    assert float(calls.split()[1]) <= CLIENTS / 5  # they were asked together


def test_the_document_tells_every_status_with_examples(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert set(document["paths"]) == {
        *("/v1/predict/{task}", "/v1/models", "/metrics", "/health"),
        *("/v1/batch", "/v1/batch/{job}", "/v1/batch/{job}/results"),
    }
    for name in ("Asked", "Answer", "ProblemBody"):
        assert document["components"]["schemas"][name]["examples"]
    predict = document["paths"]["/v1/predict/{task}"]["post"]["responses"]
    assert set(predict) == {
        *("200", "400", "401", "403", "404", "408", "413", "422", "429", "500", "503", "504"),
    }
    refused = [
        predict[status]["content"]["application/json"]["schema"]["$ref"] for status in predict if status != "200"
    ]
    assert set(refused) == {"#/components/schemas/ProblemBody"}
