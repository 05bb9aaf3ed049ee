"""Lists of candidates -> networks of yields -> a model folder that ranks, beside its baselines in a suite."""

import json
import lzma
from itertools import product
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retort.cli import app
from retort.inference.predictor import Predictor
from retort.recipes.suite import SuiteRequest, run_suite
from retort.recipes.training import train_from

pytest.importorskip("lightgbm")
LIGANDS = ["CP(C)C", "CCP(CC)CC", "CCCP(CCC)CCC", "CP(C)c1ccccc1"]
BASES = [f"{'C' * n}N" for n in range(1, 31)]
SOLVENTS = [
    f"FC(F)(F){'C(F)(F)' * n}O" for n in (6, 8)
]  # bits of environments, which the nearest reaction compares, do not tell them apart
PRODUCT = "Cc1ccc2c(cnn2C2CCCCO2)c1-c1ccc2ncccc2c1"
ASKED = f"CCBr.CB(O)O.CCN.{SOLVENTS[0]}>>{PRODUCT}"
CONFIG = """
recipe = "train_selection"
task = "selection"
[source]
name = "reagent_selection"
ordering = "ligand"
repeats = "reaction"
hold_out = { valid = 0.0, test = 0.3 }
[fingerprint]
kind = "conditions"
bits = 512
[training]
folds = 2
hidden = 32
layers = 2
epochs = 60
batch = 16
"""


def published(base: int, solvent: int, yields: dict[str, float]) -> dict[str, object]:
    lines = f"reactant 1: CCBr\nreactant 2: CB(O)O\nbase: {BASES[base]}\nsolvent: {SOLVENTS[solvent]}"
    ranked = sorted(yields.items(), key=lambda pair: -pair[1])
    task = (
        f"Given the rest of reaction components:\n{lines}  \nLigand list for selection:\n{','.join(yields)}\nOptimal:\n"
    )
    return {"task": task, "candidate_rank": [ranked[0][0]], "yield_details": [[list(pair)] for pair in ranked]}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write lists in which the best ligand is the worst in the other solvent."""
    root = tmp_path_factory.mktemp("data")
    rows = [
        published(b, s, {ligand: 5.0 + b + 20 * (i if s else 3 - i) for i, ligand in enumerate(LIGANDS)})
        for b, s in product(range(len(BASES)), range(2))
    ]
    (root / "reagent_selection").mkdir()
    for kind, own in (("ligand", rows), ("reactant", []), ("solvent", [])):
        path = root / f"reagent_selection/{kind}_selection.json.xz"
        path.write_bytes(lzma.compress(json.dumps(own).encode()))
    return root


@pytest.fixture(scope="module")
def model(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "own.toml").write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETORT_DATA", str(root))
        train_from(folder / "own.toml", [f"output={folder / 'model'}"])
    return folder / "model"


def test_a_trained_folder_ranks_and_says_what_it_cannot(model: Path) -> None:
    told = json.loads((model / "metrics.json").read_text("utf-8"))
    assert told["beaten"] is True
    assert told["figures"]["value_network"]["metrics"]["hit@1"] > told["figures"]["popularity"]["metrics"]["hit@1"]
    queries = [
        f"{ASKED}>{'>'.join(LIGANDS)}",
        f"{ASKED}>CP(C)C",
        f"{ASKED}>CP(C)C>c1ccncc1",
        f"{ASKED}>CP(C)C>P(C)(C)C",
    ]
    ranked, single, strange, twice = Predictor.load(str(model)).predict("selection", queries)
    assert [candidate.smiles for candidate in ranked.candidates] == LIGANDS
    numbers = [candidate.value or 0.0 for candidate in ranked.candidates]
    assert numbers == sorted(numbers, reverse=True)
    assert ranked.candidates[0].interval is not None
    assert ranked.candidates[0].to_dict()["smiles"] == LIGANDS[0]
    assert (single.status, twice.status, strange.status) == ("invalid_input", "invalid_input", "no_answer")
    assert "candidate 2 cannot be ranked: outside of the training domain" in strange.message


def test_the_command_line_shows_molecules_with_their_yields(model: Path, tmp_path: Path) -> None:
    query = f"{ASKED}>CP(C)C>CCP(CC)CC"
    for form, part in (("table", "value_network"), ("csv", "smiles,value,low,high"), ("json", '"value"')):
        done = CliRunner().invoke(app, ["predict", "selection", query, "--model", str(model), "--format", form])
        assert done.exit_code == 0, done.output
        assert part in done.stdout
    honest = CliRunner().invoke(app, ["predict", "selection", query, "--format", "json"])
    assert honest.exit_code == 1
    assert json.loads(honest.stdout)["message"].startswith("not trained")
    rows = tmp_path / "rows.csv"
    rows.write_text(f"input,target\n{query},90;10\n{query},90;140\n{ASKED}>CO,1\n")
    scored = CliRunner().invoke(
        app, ["evaluate", "selection", "--input", str(rows), "--model", str(model), "--format", "json"]
    )
    assert scored.exit_code in (0, 1), scored.output
    found = json.loads(scored.stdout.splitlines()[-1])
    assert found["metrics"]["hit@1"] == 0.5  # of the list of one, which has no answer, and of the first row
    assert found["status_counts"] == {"ok": 2, "invalid_input": 1, "no_answer": 0}


def test_a_suite_asks_lists_and_tells_what_is_not_here(
    root: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETORT_DATA", str(root))
    request = SuiteRequest("selection", (str(model), "retort-base"), output=tmp_path / "out")
    found = run_suite(request, lambda text: None)
    ligands, *others = found["parts"]
    assert [part["status"] for part in others] == ["not run"] * 4
    entries = {entry["who"]: entry for entry in ligands["entries"]}
    assert entries["retort-base"]["status"] == "not run"
    ours = entries[str(model)]
    assert (ours["seen"], ligands["asked_before"]) == (0, 0)
    assert ours["report"]["metrics"]["ndcg"] > entries["popularity"]["report"]["metrics"]["ndcg"]
    assert entries["boosted_trees"]["report"]["n"] == ligands["n"] == ours["report"]["n"]
    assert entries["popularity"]["gains"]["ndcg"]["difference"] < 0
    report = (tmp_path / "out/report.md").read_text("utf-8")
    assert "| who | hit-1 | hit-3 | NDCG | regret-1 |" in report
