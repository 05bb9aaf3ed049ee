"""Two evaluations of one model: rows by chance and rows with new scaffolds, every row counted."""

import json
from pathlib import Path

import pytest

from retort.errors import ConfigError, DataError
from retort.inference.toy_model import write_toy_model
from retort.recipes.scaffold_scores import ScaffoldScoresConfig, scaffold_scores
from retort.recipes.stages_page import scaffold_scores_table


def benchmark(folder: Path, by_chance: list[tuple[str, str]], new: list[tuple[str, str]]) -> Path:
    folder.mkdir()
    for task in ("retrosynthesis", "reagent_prediction"):
        for name, rows in ((f"{task}.random", by_chance), (task, new)):
            lines = ["input,target,id,similarity", *(f"{query},{target},x,0.1" for query, target in rows)]
            (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return folder


def wanted(tmp_path: Path, folder: Path, **changes: object) -> ScaffoldScoresConfig:
    given = {
        "tasks": ("retrosynthesis", "reagent_prediction"),
        "models": (str(tmp_path / "toy"),),
        "top_k": 3,
        **changes,
    }
    return ScaffoldScoresConfig(benchmark=folder, output=tmp_path / "out", table=tmp_path / "t.json", **given)  # type: ignore[arg-type]


def test_a_model_is_asked_both_sets(tmp_path: Path) -> None:
    """The toy answers with the query and water, so three of four rows by chance and one of four new ones are right."""
    write_toy_model(tmp_path / "toy")
    right, wrong = ("CCO", "CCO.O"), ("CCN", "CCC")
    folder = benchmark(tmp_path / "rows", [right, right, right, wrong], [right, wrong, wrong, ("nonsense", "CC")])
    table = json.loads(scaffold_scores(wanted(tmp_path, folder), lambda _: None).read_text())
    found = table["tasks"]["retrosynthesis"]["toy"]
    assert found["n"] == {"random": 4, "scaffolds": 4}
    assert (found["random"]["exact_match@1"]["mean"], found["scaffolds"]["exact_match@1"]["mean"]) == (0.75, 0.25)
    fall = found["fall"]["exact_match@1"]
    assert fall["mean"] == 0.5
    assert fall["interval"][0] < 0.5 < fall["interval"][1]
    assert "exact_match@5" not in found["random"]
    assert table["tasks"]["reagent_prediction"]["toy"]["declined"] == "a toy knows no reagents"
    page = scaffold_scores_table(table)
    assert "0.750" in page[2]
    assert "declined" in page[3]
    before = (tmp_path / "out" / "0" / "retrosynthesis" / "random.jsonl").read_bytes()
    scaffold_scores(wanted(tmp_path, folder), lambda _: None)
    assert (tmp_path / "out" / "0" / "retrosynthesis" / "random.jsonl").read_bytes() == before


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    write_toy_model(tmp_path / "toy")
    folder = benchmark(tmp_path / "rows", [("CCO", "CCO.O")], [])
    with pytest.raises(DataError, match="no row of retrosynthesis with a new scaffold"):
        scaffold_scores(wanted(tmp_path, folder), lambda _: None)
    with pytest.raises(ConfigError, match="nothing would be asked"):
        wanted(tmp_path, folder, models=())
