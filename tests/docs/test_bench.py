"""A contest takes turns and keeps ratios; its figures become a page and replace their own earlier ones alone."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def beside_the_bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    known = set(sys.modules)
    monkeypatch.syspath_prepend(str(BENCH))
    yield
    for name in set(sys.modules) - known:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(BENCH)):
            del sys.modules[name]


def figures() -> tuple[dict[str, Any], list[str]]:
    from contest import Contest

    called: list[str] = []
    ways = {name: lambda name=name: called.append(name) or len(called) for name in ("peer", "ours")}
    contest = Contest("adding", "number", 2, ways, 3, check=lambda returned: f"{len(returned)} ways")
    return contest.run(), called


def test_ways_take_turns_and_each_other_round_begins_with_another() -> None:
    found, called = figures()
    assert called == ["peer", "ours", "peer", "ours", "ours", "peer", "peer", "ours"]  # one warm-up, three rounds
    assert found["peer"] == "peer"
    assert found["agreement"] == "2 ways"
    assert found["ways"]["peer"]["times_faster"] == {"median": 1.0, "low": 1.0, "high": 1.0}
    spread = found["ways"]["ours"]["times_faster"]
    assert spread["low"] <= spread["median"] <= spread["high"]


def test_figures_of_an_area_replace_their_own_and_the_page_tells_all(tmp_path: Path) -> None:
    from bench import keep
    from page import page

    file = tmp_path / "performance.json"
    area = {"machine": {"processor": "one", "cores": 2}, "date": "2026-01-01", "commit": "abc", "not_run": ""}
    keep(file, "kernels", area | {"contests": [], "not_run": "no peer"})
    keep(file, "startup", area | {"contests": [figures()[0]]})
    keep(file, "kernels", area | {"contests": [], "not_run": "still no peer", "facts": {"some_memory": 3}})
    text = "\n".join(page(file))
    assert text.index("## Cold starts") < text.index("## Kernels")
    for line in ("*Not run*: still no peer.", "- some memory: 3", "**Adding**, 3 rounds.", "2 ways."):
        assert line in text.splitlines()
    assert "no peer." in text
    assert "Not run*: no peer" not in text


def test_every_area_is_a_module_with_contests() -> None:
    from bench import AREAS

    for area in AREAS:
        assert "def contests(" in (BENCH / f"{area}.py").read_text("utf-8")
