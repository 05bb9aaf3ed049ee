"""The real server: killed in the middle of a job, stopped by signals, asked by two hundred clients, sent bad bodies."""

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from retort.inference.toy_model import write_toy_model

ROWS = 400
CLIENTS = 200
KEY = "a-key-of-sixteen-characters"
Start = Callable[..., "Server"]


class Server:
    """A process and the address that it said it listens on."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self.process = process
        self.log = log
        while (found := re.search(r"http://[\d.:]+", log.read_text())) is None:
            assert process.poll() is None, log.read_text()
            time.sleep(0.02)
        self.client = httpx2.Client(base_url=found[0], timeout=60)

    def stop(self, number: signal.Signals) -> int:
        self.client.close()
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_model(tmp_path_factory.mktemp("served") / "toy")


@pytest.fixture
def start(toy: Path, tmp_path: Path) -> Iterator[Start]:
    old = signal.signal(signal.SIGINT, signal.default_int_handler)  # an ignored signal would be inherited
    started: list[Server] = []

    def run(*settings: str) -> Server:
        log = tmp_path / f"{len(started)}.log"
        command = [
            sys.executable,
            "-m",
            "retort",
            "serve",
            "--port",
            "0",
            "-m",
            str(toy),
            "--jobs",
            str(tmp_path / "j"),
        ]
        with log.open("w") as file:
            process = subprocess.Popen([*command, *settings], text=True, stderr=file, stdout=subprocess.DEVNULL)
        started.append(Server(process, log))
        return started[-1]

    yield run
    signal.signal(signal.SIGINT, old)
    for server in started:
        server.client.close()
        server.process.kill()
        server.process.wait()


def send(server: Server, queries: list[str]) -> str:
    parameters = {"task": "forward", "top_k": "2"}
    text = "\n".join(queries)
    response = server.client.post("/v1/batch", params=parameters, content=text, headers={"Content-Type": "text/plain"})
    assert response.status_code == 202
    return str(response.json()["id"])


def results(server: Server, job: str) -> bytes:
    return server.client.get(f"/v1/batch/{job}/results", params={"follow": "true"}).content


def rows_done(server: Server, job: str) -> int:
    return int(server.client.get(f"/v1/batch/{job}").json()["rows"])


def test_a_killed_server_goes_on_with_its_job_to_the_same_bytes(start: Start) -> None:
    queries = ["C" * (1 + n % 30) + "O" * (n // 30 % 9) if n % 7 else "C1CC" for n in range(ROWS)]
    server = start("chunk=4")
    job = send(server, queries)
    kills = 0
    for wanted in (1, ROWS // 2):
        while wanted > (done := rows_done(server, job)):
            time.sleep(0.002)
        kills += done < ROWS
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
        server = start("chunk=4")
    assert kills >= 1
    data = results(server, job)
    rows = [json.loads(line) for line in data.splitlines()]
    assert [row["query"] for row in rows] == queries
    assert {row["query"] for row in rows if row["status"] != "ok"} == {"C1CC"}
    whole = send(server, queries)
    assert results(server, whole) == data


def test_a_stopped_server_leaves_in_order_and_keeps_its_job(start: Start) -> None:
    queries = ["C" * (1 + n % 30) for n in range(3 * ROWS)]
    server = start("chunk=1")
    job = send(server, queries)
    for number in (signal.SIGTERM, signal.SIGINT):
        before = rows_done(server, job)
        while rows_done(server, job) < before + 2:
            time.sleep(0.002)
        assert server.stop(number) == 0
        assert "stopped; 1 unfinished jobs are kept" in server.log.read_text()
        assert "Traceback" not in server.log.read_text()
        server = start(*(["chunk=1"] if number == signal.SIGTERM else []))
    assert [json.loads(line)["query"] for line in results(server, job).splitlines()] == queries


def test_a_stream_ends_when_the_server_is_stopped(start: Start) -> None:
    server = start("chunk=1")
    job = send(server, ["C" * (1 + n % 30) for n in range(20 * ROWS)])
    with server.client.stream("GET", f"/v1/batch/{job}/results", params={"follow": "true"}) as response:
        lines = response.iter_lines()
        first = json.loads(next(lines))
        server.process.send_signal(signal.SIGTERM)
        rows = [first, *(json.loads(line) for line in lines)]
    assert server.process.wait(60) == 0
    assert 1 <= len(rows) < 20 * ROWS
    assert [row["query"] for row in rows] == ["C" * (1 + n % 30) for n in range(len(rows))]
    assert "Traceback" not in server.log.read_text()


def test_two_hundred_clients_are_answered_without_an_error(start: Start) -> None:
    server = start()

    async def ask_all() -> list[httpx2.Response]:
        limits = httpx2.Limits(max_connections=CLIENTS)
        async with httpx2.AsyncClient(base_url=server.client.base_url, limits=limits, timeout=60) as client:
            asked = [client.post("/v1/predict/retro", json={"query": "C" * (1 + n % 50)}) for n in range(2 * CLIENTS)]
            return await asyncio.gather(*asked)

    responses = asyncio.run(ask_all())
    assert [response.status_code for response in responses] == [200] * 2 * CLIENTS
    assert [response.json()["query"] for response in responses] == ["C" * (1 + n % 50) for n in range(2 * CLIENTS)]
    assert server.client.get("/health").json()["waiting_queries"] == 0


def test_bad_bodies_hear_why_and_the_key_is_read_from_the_environment(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETORT_API_KEY", KEY)
    server = start("body_seconds=3.0")
    assert server.client.get("/v1/models").status_code == 401
    server.client.headers["Authorization"] = f"Bearer {KEY}"
    assert server.client.get("/v1/models").status_code == 200
    large = server.client.post("/v1/predict/retro", content=b" " * 10_000_000)
    assert (large.status_code, large.json()["code"]) == (413, "too_large")
    with socket.create_connection((server.client.base_url.host, server.client.base_url.port), timeout=60) as line:
        head = f"POST /v1/predict/retro HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\n"
        line.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{{".encode())
        assert line.recv(4096).startswith(b"HTTP/1.1 408 ")
    assert server.client.get("/health").status_code == 200
    assert KEY not in server.log.read_text()
