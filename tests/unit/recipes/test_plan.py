"""A plan is written as JSON, as a page that needs nothing else, as pictures, or all of them; targets are counted."""

import csv
import json
import lzma
import re
from pathlib import Path

import pytest

pytest.importorskip("syntheseus", reason="needs the extra [search]")

from retort.config import as_dict, load
from retort.errors import ConfigError, OutputError, UsageError
from retort.inference.planning.toy_planner import TARGET, write_toy_planner
from retort.inference.predictor import Predictor
from retort.inference.stock import Stock
from retort.recipes.plan import Plan, PlanRequest, SearchConfig, make_plan, page, write_plan
from retort.recipes.plan_benchmark import PlanBenchmarkConfig, plan_benchmark
from retort.recipes.plan_text import headline, took, unread

SHELF = frozenset(["CC(=O)O", "O=S(Cl)Cl", "N#Cc1ccccc1"])


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_planner(tmp_path_factory.mktemp("planner") / "toy")


@pytest.fixture(scope="module")
def plan(toy: Path) -> Plan:
    request = PlanRequest(TARGET, Stock(SHELF, frozenset(), 2, ""), "<shelf>", SearchConfig(), explain=True)
    return make_plan(Predictor.load(str(toy)), request)


@pytest.fixture(scope="module")
def failed(toy: Path) -> Plan:
    return make_plan(Predictor.load(str(toy)), PlanRequest("C1CC<b>", Stock(SHELF, frozenset(), 0, ""), "shelf"))


def test_a_folder_gets_everything(plan: Plan, tmp_path: Path) -> None:
    written = write_plan(plan, tmp_path / "out")
    assert [path.name for path in written] == ["plan.json", "routes.json", "plan.html", "route_1.svg", "route_2.svg"]
    assert json.loads((tmp_path / "out" / "plan.json").read_text("utf-8")) == json.loads(json.dumps(plan.to_dict()))
    trees = json.loads((tmp_path / "out" / "routes.json").read_text("utf-8"))
    assert [tree["smiles"] for tree in trees] == [TARGET] * 2


@pytest.mark.parametrize(("name", "begins"), [("a.json", "{"), ("a.html", "<!doctype html>"), ("a.SVG", "<svg ")])
def test_a_file_is_what_its_name_says(plan: Plan, tmp_path: Path, name: str, begins: str) -> None:
    assert write_plan(plan, tmp_path / name) == [tmp_path / name]
    assert (tmp_path / name).read_text("utf-8").startswith(begins)


def test_what_cannot_be_written_is_said(plan: Plan, failed: Plan, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot tell how to write"):
        write_plan(plan, tmp_path / "a.pdf")
    assert write_plan(failed, tmp_path / "a.svg") == []
    assert [path.name for path in write_plan(failed, tmp_path / "out")] == ["plan.json", "routes.json", "plan.html"]
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        write_plan(plan, tmp_path / "file" / "a.json")


def test_the_page_needs_nothing_from_elsewhere(plan: Plan) -> None:
    text = page(plan)
    addresses = set(re.findall(r"https?://[^'\" <)]+", text))
    assert {address.split("/")[2] for address in addresses} <= {"www.w3.org", "www.rdkit.org"}  # names, never fetched
    assert not re.search(r"<(?:script|link|img|iframe)\b|\burl\(|@import", text)
    assert text.count("<h2>") == 2
    assert "&lt;shelf&gt;" in text
    assert text.count("<article>") == sum(len(route.steps) for route in plan.routes)
    assert "conditions 1: CCN(CC)CC.ClCCl" in text
    assert re.search(r"round trip, judged by retort-base [0-9.]+/forward_templates: rank 1", text)


def test_the_page_of_a_failure_says_why(failed: Plan) -> None:
    text = page(failed)
    assert "invalid input: " in text
    assert "<b>" not in text


def test_lines_of_a_plan(plan: Plan, failed: Plan) -> None:
    assert headline(1, plan.routes[0]) == "route 1: 2 steps, longest line 2, cost 0.00"
    assert took(plan).startswith("retro_star: ")
    assert unread(plan) == "Stock <shelf>: 2 entries could not be read, 3 were."
    assert (took(failed), unread(failed)) == ("", "")


PRODUCTS = [(TARGET, "test"), ("NCc1ccccc1", "test"), ("CCCCCC", "test"), (TARGET, "test"), ("CCCCCCC", "train")]


@pytest.fixture
def config(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write five invented rows in the format of USPTO-50k, and a benchmark on them."""
    folder = tmp_path / "data" / "uspto_50k"
    folder.mkdir(parents=True)
    with lzma.open(folder / "uspto50k_mhn_all_splits.csv.xz", "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["", "id", "class", "prod_smiles", "reactants_can", "split", "year"])
        writer.writerows([n, "US0", 2, product, "C", split, 1990.0] for n, (product, split) in enumerate(PRODUCTS))
    with lzma.open(folder / "uspto50k_mapped.csv.xz", "wt") as file:
        file.write("row,mapped_reaction,how\n")
    monkeypatch.setenv("RETORT_DATA", str(tmp_path / "data"))
    (tmp_path / "shelf.txt").write_text("\n".join([*SHELF, "NCc1ccccc1"]))
    path = tmp_path / "config.toml"
    path.write_text(
        f'output = "{tmp_path / "out"}"\nstock = "{tmp_path / "shelf.txt"}"\nmodel = "{toy}"\ntargets = 10\n'
        "[searches.first]\nroutes = 1\n[searches.shallow]\nalgorithm = 'mcts'\nroutes = 1\ndepth = 1\n"
    )
    return path


def test_every_distinct_target_counts(config: Path) -> None:
    said: list[str] = []
    figures = json.loads(plan_benchmark(load(PlanBenchmarkConfig, config), said.append).read_text("utf-8"))
    assert len(said) == 6
    first, shallow = figures["searches"]["first"], figures["searches"]["shallow"]
    assert (first["n"], first["statuses"]) == (3, {"ok": 2, "no_answer": 1})
    assert first["solved"] == pytest.approx(2 / 3, abs=1e-5)
    assert first["interval"][0] < first["solved"] <= first["interval"][1]
    assert (first["in_stock"], first["asked_before"]) == (1, 0)
    assert shallow["solved"] == pytest.approx(2 / 3, abs=1e-5)
    assert first["mean_steps_of_first_route"] == 1.0  # both are one step from this shelf
    assert first["solved_within_cpu_seconds"]["30"] == first["solved"]
    assert figures["config"]["searches"]["shallow"]["algorithm"] == "mcts"
    assert TARGET not in json.dumps(figures)


def test_a_benchmark_goes_on_where_it_was_cut_off(config: Path) -> None:
    settings = load(PlanBenchmarkConfig, config)
    whole = json.loads(plan_benchmark(settings, lambda _: None).read_text("utf-8"))
    plans, ledger = settings.output / "plans.jsonl", settings.output / "plans.jsonl.progress.json"
    lines, state = plans.read_text().splitlines(keepends=True), json.loads(ledger.read_text())
    plans.write_text("".join(lines[:2]) + lines[2][:10])
    state |= {"rows": 2, "size": len("".join(lines[:2])), "unanswered": 0}
    ledger.write_text(json.dumps(state))
    said: list[str] = []
    again = json.loads(plan_benchmark(settings, said.append).read_text("utf-8"))
    assert len(said) == 4
    assert {name: each["solved"] for name, each in again["searches"].items()} == {
        name: each["solved"] for name, each in whole["searches"].items()
    }
    with pytest.raises(UsageError, match="was written with targets"):
        plan_benchmark(load(PlanBenchmarkConfig, config, ["targets=2"]), lambda _: None)


def test_train_rows_are_no_targets(config: Path) -> None:
    with pytest.raises(ConfigError, match="measure memory"):
        load(PlanBenchmarkConfig, config, ["split=train"])
    with pytest.raises(ConfigError, match="nothing to plan"):
        load(PlanBenchmarkConfig, config, ["targets=0"])
    assert as_dict(load(PlanBenchmarkConfig, config))["split"] == "test"
