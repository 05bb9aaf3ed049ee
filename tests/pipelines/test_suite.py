"""A suite asked of models, baselines and another program's file: everything counted, nothing asked twice, gaps told."""

import csv
import io
import json
import lzma
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retort.cli import app
from retort.errors import UsageError
from retort.evaluation.predictions import read
from retort.evaluation.suite import SUITES, suite_named, suite_names
from retort.recipes.suite import SuiteRequest, run_suite

pytest.importorskip("lightgbm")
CHAINS = ["C" * n for n in range(1, 25)]


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(lzma.compress(text.getvalue().encode()))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write amides and ketones in the format of USPTO-50k: 16 chains to learn from, 8 to be asked, of either kind."""
    cut = [(chain, "train" if i < 16 else "test") for i, chain in enumerate(CHAINS)]
    made = [(f"{chain}C(=O)Cl.NCc1ccccc1", f"{chain}C(=O)NCc1ccccc1", 2, split) for chain, split in cut] + [
        (f"{chain}C(O)c1ccccc1", f"{chain}C(=O)c1ccccc1", 8, split) for chain, split in cut
    ]
    rows: list[dict[str, object]] = [
        {"": i, "split": s, "reactants_can": r, "prod_smiles": p, "class": c, "id": "p", "year": ""}
        for i, (r, p, c, s) in enumerate(made)
    ]
    root = tmp_path / "data"
    write(root / "uspto_50k/uspto50k_mhn_all_splits.csv.xz", rows)
    write(root / "uspto_50k/uspto50k_mapped.csv.xz", [{"row": "none", "mapped_reaction": ""}])
    monkeypatch.setenv("RETORT_DATA", str(root))
    return root


def entries(found: dict[str, object], place: int = 0) -> dict[str, dict]:
    return {entry["who"]: entry for entry in found["parts"][place]["entries"]}  # type: ignore[index]


def test_a_file_of_another_program_stands_beside_the_baselines(data: Path, tmp_path: Path) -> None:
    table = tmp_path / "theirs.csv"
    chains = CHAINS[16:]
    lines = ["input,prediction_1,prediction_2"]
    lines += [f"c1ccccc1CNC(=O){chain},CCO,{chain}C(=O)Cl.NCc1ccccc1" for chain in chains]  # right at rank 2, respelled
    lines += [f"{chains[0]}C(=O)c1ccccc1,not a molecule,"]
    table.write_text("\n".join(lines) + "\n", "utf-8")
    done = CliRunner().invoke(
        app, ["benchmark", "uspto_50k", "--predictions", str(table), "-o", str(tmp_path / "out"), "-f", "json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout.splitlines()[-1])
    part = found["parts"][0]
    assert (part["n"], part["train"], part["first"]) == (16, 32, "theirs.csv")
    theirs = entries(found)["theirs.csv"]
    assert theirs["report"]["n"] == 16
    assert theirs["report"]["status_counts"]["no_answer"] == 7
    assert theirs["remark"].startswith("9 of 16 rows are answered")
    assert theirs["report"]["metrics"]["exact_match@1"] == 0.0
    assert "exact_match@3" not in theirs["report"]["metrics"]  # the file holds two answers a row
    assert entries(found)["nearest_reaction"]["report"]["n"] == 16
    report = (tmp_path / "out/report.md").read_text("utf-8")
    assert "| LocalRetro | 55.8 | 78.9 | 86.2 | 92.7 |" in report
    assert "theirs.csv: 9 of 16 rows are answered; 0 of its queries cannot be read." in report
    page = (tmp_path / "out/report.html").read_text("utf-8")
    assert page.count("<svg") == 2
    assert "http" not in page.replace("http-equiv", "")  # self-contained


def test_models_are_compared_and_nothing_is_asked_twice(data: Path, tmp_path: Path) -> None:
    first = run_suite(SuiteRequest("uspto_50k", ("retort-base",), limit=4, output=tmp_path / "one"), lambda text: None)
    assert first["parts"][0]["n"] == 4
    folder = tmp_path / "one/uspto_50k/rows/baselines"
    models = (str(folder / "nearest_reaction"), str(folder / "popularity"))
    request = SuiteRequest("uspto_50k", models, limit=4, output=tmp_path / "two")
    told: list[str] = []
    found = run_suite(request, told.append)
    near, popular = (entries(found)[name] for name in models)
    gain = popular["gains"]["exact_match@10"]
    means = [entry["report"]["metrics"]["exact_match@10"] for entry in (near, popular)]
    assert gain["difference"] == pytest.approx(means[1] - means[0])
    assert gain["interval"][0] <= gain["difference"] <= gain["interval"][1]
    assert found["parts"][0]["first"] == models[0]
    files = sorted((tmp_path / "two/uspto_50k/predictions").glob("*.jsonl"))
    before = [path.read_bytes() for path in files]
    assert len(files) == 4
    again = run_suite(request, told.append)
    assert [path.read_bytes() for path in files] == before
    assert again["parts"] == found["parts"]
    files[0].write_bytes(before[0][: len(before[0]) // 2])  # as after a kill
    assert run_suite(request, told.append)["parts"] == found["parts"]
    assert [len(read(path).rows) for path in files] == [4] * 4


def test_what_cannot_be_run_is_told(data: Path, tmp_path: Path) -> None:
    """The rows of 1,000 templates are not here, and a baseline of retrosynthesis knows no classes."""
    found = run_suite(SuiteRequest("classes", ("retort-base",), limit=6, output=tmp_path / "out"), lambda text: None)
    ten, thousand = found["parts"]
    assert ten["status"] == "scored"
    assert entries(found)["boosted_trees"]["report"]["metrics"]["accuracy"] == 1.0
    assert 0 <= entries(found)["retort-base"]["seen"] <= 6
    assert thousand["status"] == "not run"
    assert "uspto_1k_tpl" in thousand["reason"]
    knows_none = str(tmp_path / "out/uspto_50k_classes/rows/baselines/popularity")
    other = run_suite(SuiteRequest("uspto_50k", (knows_none,), limit=4, output=tmp_path / "b"), lambda text: None)
    assert entries(other)[knows_none]["status"] == "not run"
    assert "does not know this task" in (tmp_path / "b/report.md").read_text("utf-8")
    report = (tmp_path / "out/report.md").read_text("utf-8")
    assert "- USPTO-1k-TPL: source 'uspto_1k_tpl' was not found" in report


def test_without_the_extras_the_rest_is_still_run(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A baseline that cannot be made says so, and is made as soon as it can be."""
    request = SuiteRequest("classes", ("retort-base",), limit=4, output=tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "lightgbm", None)
        entry = entries(run_suite(request, lambda text: None))["boosted_trees"]
    assert entry["status"] == "not run"
    assert "retort[train]" in entry["reason"]
    assert entries(run_suite(request, lambda text: None))["boosted_trees"]["status"] == "scored"


def test_requests_that_make_no_sense_are_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="named twice"):
        run_suite(SuiteRequest("uspto_50k", ("retort-base", "retort-base")), lambda text: None)
    with pytest.raises(UsageError, match="leaves no row"):
        run_suite(SuiteRequest("uspto_50k", limit=0), lambda text: None)
    for words in (["uspto_50k", "a=b"], ["configs/tiny.toml", "--model", "retort-base"]):
        done = CliRunner().invoke(app, ["benchmark", *words])
        assert done.exit_code == 2, done.output


def test_parts_have_distinct_names_and_their_first_metric_is_in_reports() -> None:
    parts = suite_named("all").parts
    assert len({part.name for part in parts}) == len(parts)
    assert {part.name for part in parts} == {p.name for name in SUITES.names() for p in SUITES.get(name).parts}
    assert suite_names()[-1] == "all"
    for part in parts:
        for anchor in part.anchors:
            assert set(anchor.figures) <= set(part.shown), anchor.who
            assert all(0 <= figure <= 1 for figure in anchor.figures.values())


def test_a_training_stage_stands_beside_the_baselines(data: Path, stages: Path, tmp_path: Path) -> None:
    command = ["benchmark", "uspto_50k", "--model", str(stages / "backward"), "-o", str(tmp_path / "out"), "-f", "json"]
    done = CliRunner().invoke(app, [*command, "--limit", "4"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout.splitlines()[-1])
    theirs = next(entry for who, entry in entries(found).items() if who.endswith("chain/backward"))
    assert theirs["report"]["n"] == 4
    assert sum(theirs["report"]["status_counts"].values()) == 4
