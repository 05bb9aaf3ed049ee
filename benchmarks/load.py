"""Load a server on loopback: how many answers a second, how late, how many errors, and what asking together brings.

``python benchmarks/load.py [--clients 200] [--rounds 2]``. Every line starts ``retort serve`` as a process of its own
and lets the clients ask, each its next query once its last is answered. All queries of a wave are different, since
equal ones of one call would be answered once. "Together" is the server as it is; "one by one" is the same server with
``max_batch=1 window_milliseconds=0``; both are alive at the same time and take turns, so that their ratio is one of
this run. Clients and server share the cores of this machine: the figures are those of the whole. On a machine that
others use as well, the processor time of the server per answer is what can be compared. Nothing is given up early:
``timeout_seconds`` is 600.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from retort.inference.toy_model import write_toy_model

ACYLS = (
    "C",
    "CC",
    "CCC",
    "CC(C)",
    "C1CC1",
    "C1CCCC1",
    "COC",
    "FC(F)(F)",
    "Cc1ccccc1",
    "Clc1ccccc1",
    "OCC",
    "C=C",
    "NC",
)
AMINES = (
    *("NC", "NCC", "NCCC", "NC(C)C", "NC1CC1", "NC1CCCCC1", "N1CCOCC1", "N1CCCC1", "Nc1ccccc1", "NCc1ccccc1"),
    *("Nc1ccc(C)cc1", "Nc1ccc(F)cc1", "Nc1ccc(O)cc1", "Nc1ccncc1", "NCCO", "NCCOC", "N(C)C", "N(CC)CC"),
)
AMIDES = [f"{acyl}C(=O){amine}" for acyl in ACYLS for amine in AMINES]
PAIRS = [f"{acyl}C(=O)Cl.{amine}" for acyl in ACYLS for amine in AMINES]
WAKING = 8  # queries before the first wave
VARIANTS = {"together": (), "one by one": ("max_batch=1", "window_milliseconds=0")}


@dataclass
class Load:
    """What one variant of a server did.

    Attributes:
        seconds: Time of each wave.
        latencies: Seconds from the last byte of each request to the last of its answer.
        cpu: Seconds of processor time of the server.
        errors: Answers with another status code than 200, or another status than ``ok``.
    """

    seconds: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    cpu: float = 0.0
    errors: int = 0

    def centile(self, part: float) -> float:
        """Return a centile of the latencies in milliseconds."""
        return 1000 * sorted(self.latencies)[min(len(self.latencies) - 1, int(part * len(self.latencies)))]


def main() -> None:
    """Measure everything and print a table of each load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=2, help="waves of each variant, taking turns")
    parser.add_argument("--only", type=int, choices=(0, 1, 2), help="0: toy, 1: forward prediction, 2: retrosynthesis")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        toy = str(write_toy_model(Path(name) / "toy"))
        loads = (
            (toy, "retrosynthesis", AMIDES * 4),
            ("retort-base", "forward_prediction", PAIRS),
            ("retort-base", "retrosynthesis", AMIDES),
        )
        for model, task, queries in loads if options.only is None else loads[options.only : options.only + 1]:
            title = f"{Path(model).name}, {task}: {options.clients} clients, {options.rounds} waves each in turn"
            Console(width=130).print(shown(title, measure(model, task, queries, options.clients, options.rounds)))


def measure(model: str, task: str, queries: Sequence[str], clients: int, rounds: int) -> dict[str, Load]:
    """Let all variants answer the same queries, taking turns; a few unmeasured queries wake them up."""
    loads = {name: Load() for name in VARIANTS}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(server(model, settings)) for name, settings in VARIANTS.items()}
        for port, _ in servers.values():
            asyncio.run(wave(port, task, queries[:WAKING], clients, Load()))
        for _ in range(rounds):
            for name, (port, process) in servers.items():
                before = processor_seconds(process)
                asyncio.run(wave(port, task, queries, clients, loads[name]))
                loads[name].cpu += processor_seconds(process) - before
    return loads


@contextmanager
def server(model: str, settings: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Run a server as a process; yield its port and the number of the process."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w+") as log:
        command = [sys.executable, "-m", "retort", "serve", "--port", "0", "--model", model, "--jobs", f"{folder}/jobs"]
        process = subprocess.Popen([*command, "timeout_seconds=600", *settings], stderr=log)
        try:
            while not (found := re.search(r"http://[\d.]+:(\d+)", (Path(folder) / "log").read_text())):
                if process.poll() is not None:
                    raise SystemExit((Path(folder) / "log").read_text())
                time.sleep(0.05)
            yield int(found[1]), process.pid
        finally:
            process.terminate()
            process.wait()


def processor_seconds(process: int) -> float:
    """Return the processor time that a process has used (Linux)."""
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


async def wave(port: int, task: str, queries: Sequence[str], clients: int, load: Load) -> None:
    """Let clients ask all queries once."""
    left = iter(queries)
    began = time.perf_counter()
    await asyncio.gather(*(client(port, task, left, load) for _ in range(clients)))
    load.seconds.append(time.perf_counter() - began)


async def client(port: int, task: str, left: Iterator[str], load: Load) -> None:
    """Ask one query after the other over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for query in left:
        body = json.dumps({"query": query, "top_k": 5}).encode()
        head = f"POST /v1/predict/{task} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        began = time.perf_counter()
        answer = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", answer)
        found = json.loads(await reader.readexactly(int(length[1]) if length else 0))
        load.latencies.append(time.perf_counter() - began)
        load.errors += b" 200 " not in answer.partition(b"\r\n")[0] or found["status"] != "ok"
    writer.close()
    await writer.wait_closed()


def shown(title: str, loads: dict[str, Load]) -> Table:
    """Return a table with a row for each variant; ratios compare the last variant with each, by median waves."""
    columns = ("requests", "answers/s", "ratio", "CPU ms/answer", "ratio of CPU", "p50 ms", "p99 ms", "errors")
    table = Table("variant", *columns, title=title)
    last = [*loads.values()][-1]
    slowest = statistics.median(last.seconds)
    for name, load in loads.items():
        seconds = statistics.median(load.seconds)
        each = len(load.latencies) / len(load.seconds)
        speed = (f"{each / seconds:.1f}", f"{slowest / seconds:.2f}")
        cpu = (f"{1000 * load.cpu / len(load.latencies):.2f}", f"{last.cpu / load.cpu:.2f}")
        late = (f"{load.centile(0.5):.0f}", f"{load.centile(0.99):.0f}")
        table.add_row(name, str(len(load.latencies)), *speed, *cpu, *late, str(load.errors))
    return table


if __name__ == "__main__":
    main()
