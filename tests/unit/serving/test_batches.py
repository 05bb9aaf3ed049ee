"""Batch jobs: sent, followed, cancelled, kept for the next server; no row is lost, none is repeated."""

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from retort.errors import UsageError
from retort.inference.prediction import Prediction
from retort.inference.predictor import Predictor
from retort.inference.toy_model import write_toy_model
from retort.serving.contract import JobBody, JobsBody
from retort.serving.jobs import JobStore

Connect = Callable[..., TestClient]
BROKEN = b'id,input\n1,CCO\n2\n3,"CC\n4,\xff\n5,C1CC\n6,CCN\n7,' + b"C" * 300 + b"\n"
STATUSES = ["ok", *["invalid_input"] * 4, "ok", "invalid_input"]
MILLION = 1_000_000


def send(client: TestClient, data: bytes | str, kind: str = "text/plain", **query: object) -> httpx2.Response:
    parameters = {"task": "retro", "top_k": 1} | query
    return client.post("/v1/batch", params=parameters, content=data, headers={"Content-Type": kind})


def state(client: TestClient, job: str) -> dict[str, Any]:
    return JobBody.model_validate(client.get(f"/v1/batch/{job}").json()).model_dump()


def results(client: TestClient, job: str, **query: object) -> list[dict[str, Any]]:
    text = client.get(f"/v1/batch/{job}/results", params=query).text
    return [json.loads(line) for line in text.splitlines()]


class Stumbling(Predictor):
    """The toy, which fails at one query, and stops answering once ``left`` calls were made."""

    left = 10**9

    def predict(self, task: str, queries: Iterable[str], top_k: int = 10, **more: Any) -> list[Prediction]:
        asked = list(queries)
        if "CCCCCCCC" in asked:
            raise RuntimeError("the engine failed")
        self.left -= 1
        while self.left < 0:
            time.sleep(0.01)
        return super().predict(task, asked, top_k, **more)


def test_a_job_answers_every_line_in_its_place(client: TestClient, predictor: Predictor) -> None:
    response = send(client, BROKEN, "text/csv", top_k=2)
    assert response.status_code == 202
    job = response.json()["id"]
    assert response.headers["location"] == f"/v1/batch/{job}"
    rows = results(client, job, follow=True)
    assert [row["status"] for row in rows] == STATUSES
    assert rows[0] == predictor.predict("retro", ["CCO"], 2)[0].to_dict()
    assert [row["message"] for row in rows[1:4]] == [
        "line 3 has 1 cells where the header has 2.",
        "line 4 is not CSV: a quotation does not end in it.",
        "line 5 is not UTF-8 text.",
    ]
    assert "300 heavy atoms" in rows[6]["message"]
    found = state(client, job)
    assert (found["state"], found["rows"], found["of"], found["unanswered"]) == ("done", 7, 7, 5)
    assert results(client, job, start=5) == rows[5:]
    assert results(client, job, start=8) == []


@pytest.mark.parametrize(("kind", "data"), [("application/jsonl", '{"smi": "CCO"}\n'), ("text/csv", "smi\nCCO\n")])
def test_other_columns_and_kinds(client: TestClient, kind: str, data: str) -> None:
    job = send(client, data, kind, column="smi").json()["id"]
    assert [row["query"] for row in results(client, job, follow=True)] == ["CCO"]


@pytest.mark.parametrize(
    ("data", "kind", "query", "status", "code"),
    [
        ("C", "application/json", {}, 415, "unknown_content_type"),
        ("C", "", {}, 415, "unknown_content_type"),
        ("", "text/plain", {}, 422, "no_rows"),
        ("smi\nC\n", "text/csv", {}, 422, "no_column"),
        ("C", "text/plain", {"task": "retr"}, 404, "unknown_name"),
        ("C", "text/plain", {"top_k": 51}, 422, "invalid_request"),
        ("C", "text/plain", {"top_k": "x"}, 422, "invalid_request"),
        ("C\nC\nC\nC\n", "text/plain", {}, 413, "too_large"),
        ("C" * 101, "text/plain", {}, 413, "too_large"),
    ],
)
def test_files_that_are_refused_leave_nothing_behind(
    connect: Connect, tmp_path: Path, data: str, kind: str, query: dict[str, object], status: int, code: str
) -> None:
    client = connect(max_rows=3, max_upload_bytes=100)
    response = send(client, data, kind, **query)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == [".lock"]


@pytest.mark.parametrize("name", ["0" * 32, "..", "..%2F..%2Fetc", ".lock", "a" * 64])
def test_no_text_of_a_request_becomes_a_path(client: TestClient, name: str) -> None:
    for response in (client.get(f"/v1/batch/{name}"), client.delete(f"/v1/batch/{name}")):
        assert response.status_code in (404, 405)
    assert client.get(f"/v1/batch/{name}/results").status_code == 404


def test_a_query_at_which_the_model_fails_is_counted_and_the_job_goes_on(connect: Connect, toy: Path) -> None:
    client = connect(predictor=Stumbling.load(str(toy)), chunk=4)
    job = send(client, "CCO\nCCCCCCCC\nCCN\nCC\nC\n").json()["id"]
    rows = results(client, job, follow=True)
    assert [row["status"] for row in rows] == ["ok", "no_answer", "ok", "ok", "ok"]
    assert rows[1]["message"] == "the model failed at this query (RuntimeError)."
    assert 'retort_failures_total{task="retrosynthesis"} 1.0' in client.get("/metrics").text


def test_cancelling_keeps_the_rows_and_a_second_time_deletes_them(connect: Connect, toy: Path, tmp_path: Path) -> None:
    predictor = Stumbling.load(str(toy))
    predictor.left = 2
    client = connect(predictor=predictor, chunk=2, max_waiting_jobs=2)
    job, other = (send(client, "CCO\n" * 10).json()["id"] for _ in range(2))
    refused = send(client, "C")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many")
    while state(client, job)["rows"] < 4:
        time.sleep(0.01)
    assert len(results(client, job)) == 4
    assert client.delete(f"/v1/batch/{job}").json()["state"] == "cancelled"
    predictor.left = 10**9
    assert len(results(client, other, follow=True)) == 10
    assert (state(client, job)["state"], len(results(client, job, follow=True))) == ("cancelled", 4)
    jobs = JobsBody.model_validate(client.get("/v1/batch").json()).jobs
    assert [(one.id, one.state) for one in jobs] == [(job, "cancelled"), (other, "done")]
    assert client.delete(f"/v1/batch/{job}").status_code == 200
    assert client.get(f"/v1/batch/{job}").status_code == 404
    assert {path.name for path in (tmp_path / "jobs").iterdir()} == {".lock", other}


def test_kept_jobs_are_limited(connect: Connect) -> None:
    client = connect(max_kept_jobs=1)
    job = send(client, "C").json()["id"]
    results(client, job, follow=True)
    assert send(client, "C").json()["code"] == "too_many"
    client.delete(f"/v1/batch/{job}")
    assert send(client, "C").status_code == 202


def test_the_next_server_goes_on_where_one_left(connect: Connect, toy: Path, tmp_path: Path) -> None:
    predictor = Stumbling.load(str(toy))
    predictor.left = 3
    first = connect(predictor=predictor, chunk=2)
    queries = ["C" * (n % 20 + 1) for n in range(15)]
    job = send(first, "\n".join(queries)).json()["id"]
    while state(first, job)["rows"] < 6:
        time.sleep(0.01)
    first.app.state.service.worker._leaving = True  # type: ignore[attr-defined]
    predictor.left = 10**9
    first.__exit__(None, None, None)
    second = connect(chunk=4)
    rows = results(second, job, follow=True)
    assert [row["query"] for row in rows] == queries
    assert state(second, job)["state"] == "done"


def test_other_weights_do_not_go_on_with_a_job(connect: Connect, toy: Path, tmp_path: Path) -> None:
    predictor = Stumbling.load(str(toy))
    predictor.left = 1
    first = connect(predictor=predictor, chunk=1)
    job = send(first, "C\nCC\nCCC\n").json()["id"]
    while state(first, job)["rows"] < 1:
        time.sleep(0.01)
    first.app.state.service.worker._leaving = True  # type: ignore[attr-defined]
    predictor.left = 10**9
    first.__exit__(None, None, None)
    other = write_toy_model(tmp_path / "other")
    card = json.loads((other / "model.json").read_text())
    (other / "model.json").write_text(json.dumps(card | {"release": "1"}))
    second = connect(predictor=Predictor.load(str(other)))
    done = send(second, "CCO").json()["id"]
    assert len(results(second, done, follow=True)) == 1  # others are not held up
    found = state(second, job)
    assert (found["state"], found["rows"]) == ("waiting", 2)
    assert "was written with weights" in found["message"]
    second.__exit__(None, None, None)
    assert len(results(connect(), job, follow=True)) == 3


def test_a_job_that_brings_the_server_down_again_and_again_is_given_up(connect: Connect, tmp_path: Path) -> None:
    first = connect()
    job = send(first, "C").json()["id"]
    results(first, job, follow=True)
    first.__exit__(None, None, None)
    file = tmp_path / "jobs" / job / "job.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"state": "running", "starts": 3}))
    for name in ("results.jsonl", "results.jsonl.progress.json"):
        (tmp_path / "jobs" / job / name).unlink()
    second = connect()
    results(second, job, follow=True)
    assert state(second, job)["state"] == "failed"
    assert "died 3 times" in state(second, job)["message"]


def test_two_servers_do_not_share_a_folder(client: TestClient, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="another server"):
        JobStore(tmp_path / "jobs")


def test_half_an_upload_is_swept_away_and_a_strange_file_is_named(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    name, draft = store.draft()
    (draft / "input").write_text("C")
    store.close()
    store = JobStore(tmp_path)
    assert not draft.exists()
    assert store.all() == []
    store.close()
    (tmp_path / name).mkdir()
    (tmp_path / name / "job.json").write_text('{"format": "retort-job", "version": 9}')
    with pytest.raises(UsageError, match=r"job\.json.*no job of this release"):
        JobStore(tmp_path)


def test_a_million_rows_with_broken_lines_are_taken_and_one_more_is_not(client: TestClient) -> None:
    data = b"id,input\n" + b"1,CCO\n2\n3,CCN\n4,C\n" * (MILLION // 4)
    job = send(client, data, "text/csv").json()["id"]
    assert state(client, job)["of"] == MILLION
    while state(client, job)["rows"] < 16:
        time.sleep(0.01)
    assert [row["status"] for row in results(client, job)[:4]] == ["ok", "invalid_input", "ok", "ok"]
    assert client.post("/v1/predict/retro", json={"query": "CCO"}).json()["status"] == "ok"
    assert client.delete(f"/v1/batch/{job}").json()["state"] == "cancelled"
    assert send(client, data + b"5,C\n", "text/csv").json()["message"] == "the file is larger than 1,000,000 rows."


def test_a_full_disk_holds_a_job_for_the_next_server(connect: Connect, tmp_path: Path) -> None:
    first = connect()
    store = first.app.state.service.store  # type: ignore[attr-defined]
    blocked: list[str] = []
    first.app.state.service.worker.tell = lambda: blocked.append("told")  # type: ignore[attr-defined]
    job = send(first, "CCO\nCCN\n").json()["id"]
    (tmp_path / "jobs" / job / "results.jsonl").mkdir()  # nothing can be written there
    assert blocked == ["told"]
    first.app.state.service.worker._news.set()  # type: ignore[attr-defined]
    while not state(first, job)["message"]:
        time.sleep(0.01)
    assert (state(first, job)["state"], state(first, job)["rows"]) == ("waiting", 0)
    assert store.unfinished()[0].id == job
    first.__exit__(None, None, None)
    (tmp_path / "jobs" / job / "results.jsonl").rmdir()
    assert len(results(connect(), job, follow=True)) == 2


def test_uploads_on_their_way_have_their_place(client: TestClient) -> None:
    store = client.app.state.service.store  # type: ignore[attr-defined]
    drafts = [store.draft()[1] for _ in range(8)]
    assert send(client, "C").status_code == 429
    store.discard(drafts[0])
    assert send(client, "C").status_code == 202


def test_a_file_that_shrinks_fails_its_job_alone(connect: Connect, toy: Path, tmp_path: Path) -> None:
    predictor = Stumbling.load(str(toy))
    predictor.left = 1
    first = connect(predictor=predictor, chunk=1)
    job = send(first, "C\nCC\nCCC\n").json()["id"]
    while state(first, job)["rows"] < 1:
        time.sleep(0.01)
    first.app.state.service.worker._leaving = True  # type: ignore[attr-defined]
    predictor.left = 10**9
    first.__exit__(None, None, None)
    (tmp_path / "jobs" / job / "input").write_text("C\nCC\n")
    second = connect()
    other = send(second, "CCO\n").json()["id"]
    assert len(results(second, other, follow=True)) == 1
    assert (state(second, job)["state"], state(second, job)["rows"]) == ("failed", 2)
    assert state(second, job)["message"] == "the server failed at it; see its log."
