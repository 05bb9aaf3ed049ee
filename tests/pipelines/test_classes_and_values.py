"""Rows with labels -> models on fingerprints -> a model folder -> answers and figures, with bad rows among them."""

import csv
import io
import json
import lzma
import random
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from retort.chem.fingerprints import Fingerprint
from retort.cli import app
from retort.inference.model_folder import ModelFolder, seal
from retort.inference.predictor import Predictor
from retort.recipes.card import Card, CardChange
from retort.recipes.card_page import write_card
from retort.recipes.extend import ExtendConfig, extend
from retort.recipes.release import ProposerChoice, TaskChoice
from retort.recipes.training import train_from
from retort.recipes.yield_orderings import OrderingsConfig, yield_orderings
from retort.training.value_network import ValueTraining

pytest.importorskip("lightgbm")
CHAINS = ["C" * n for n in range(1, 25)]
AMIDE, OXIDATION = "acylation and related processes", "oxidations"
HALIDES = [f"Brc1ccc({group})cc1" for group in ("C", "CC", "F", "OC", "C#N", "CCC")]
LIGANDS = ["P(C)(C)C", "P(CC)(CC)CC", "P(c1ccccc1)(c1ccccc1)c1ccccc1", "P(CCC)(CCC)CCC", "P(C1CC1)(C)C"]
BASES = ["CCN(CC)CC", "CC(=O)[O-].[Na+]", "C1CCNCC1", "c1ccncc1"]
BORONIC, PRODUCT = "OB(O)c1ccccc1", "c1ccc(-c2ccccc2)cc1"


def write(path: Path, rows: list[dict[str, object]], delimiter: str = ",") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(lzma.compress(text.getvalue().encode()))


def amide(chain: str) -> tuple[str, str, int]:
    return f"{chain}C(=O)Cl.NCc1ccccc1", f"{chain}C(=O)NCc1ccccc1", 2


def oxidation(chain: str) -> tuple[str, str, int]:
    return f"{chain}C(O)c1ccccc1", f"{chain}C(=O)c1ccccc1", 8


def well(halide: int, ligand: int, base: int) -> str:
    return f"{HALIDES[halide]}.{BORONIC}.{LIGANDS[ligand]}.{BASES[base]}>>{PRODUCT}"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write rows in the format of two sources; one train row has the product of a test row."""
    root = tmp_path_factory.mktemp("data")
    cut = [*[(chain, "train") for chain in CHAINS[:18]], (CHAINS[20], "train"), (CHAINS[18], "valid")]
    cut += [(chain, "test") for chain in CHAINS[19:]]
    rows: list[dict[str, object]] = [
        {
            "": i,
            "split": split,
            "reactants_can": made[0],
            "prod_smiles": made[1],
            "class": made[2],
            "id": "p",
            "year": "",
        }
        for i, (made, split) in enumerate((make(chain), split) for chain, split in cut for make in (amide, oxidation))
    ]
    write(root / "uspto_50k/uspto50k_mhn_all_splits.csv.xz", rows)
    write(root / "uspto_50k/uspto50k_mapped.csv.xz", [{"row": "none", "mapped_reaction": ""}])
    wells = list(product(range(len(HALIDES)), range(len(LIGANDS)), range(len(BASES))))
    random.Random(7).shuffle(wells)
    yields: list[dict[str, object]] = [
        {"": i, "rxn": well(h, p, b), "y": (10 * h + 6 * p + 3 * b) / 100} for i, (h, p, b) in enumerate(wells)
    ]
    yields[0]["y"] = 1.4  # 140 %
    yields[1] = {**yields[-1], "": yields[1][""]}  # a train row that repeats the last test row
    for number in range(10):
        write(root / f"yields/suzuki_random_splits/random_split_{number}.tsv.xz", yields, "\t")
    return root


@pytest.fixture(scope="module")
def trained(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    classes = """recipe = "train_boosted"\ntask = "classes"\nscore = ["valid_a", "valid_b", "valid_c", "test"]
        [[sources]]\nname = "uspto_50k"\n[fingerprint]\nkind = "reaction"\ndamped = false
        [growth]\ntrees = 10\nleast = 2\nrate = 0.3\n"""
    values = """recipe = "train_values"\ntask = "yields"\nscore = ["test"]
        [[sources]]\nname = "suzuki_yields"\nrepeats = "reaction"\n[fingerprint]\nkind = "conditions"\nbits = 512
        [training]\nfolds = 3\nhidden = 32\nlayers = 2\nepochs = 60\nbatch = 16\n"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETORT_DATA", str(root))
        for name, text in (("classes", classes), ("yields", values)):
            (folder / f"{name}.toml").write_text(text.replace("        ", ""))
            train_from(folder / f"{name}.toml", [f"output={folder / name}"])
    return folder


@pytest.fixture(scope="module")
def model(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Extend an empty model folder with both."""
    empty = tmp_path_factory.mktemp("empty")
    nothing: dict[str, Any] = {"name": "small", "release": "0", "proposers": {}, "tasks": {}}
    write_card(empty, nothing, Card(limits=("Many.",)))
    seal(empty, nothing)
    names = {"boosted": ("classes", "reaction_classification"), "network": ("yields", "yield_prediction")}
    kinds = {"boosted": "boosted_trees", "network": "value_network"}
    proposers = {p: ProposerChoice(kinds[p], trained / f / f"{task}.npz") for p, (f, task) in names.items()}
    tasks = {
        task: TaskChoice(trained=True, proposers=(p,), seen=trained / f / f"{task}.seen.npy")
        for p, (f, task) in names.items()
    }
    output = tmp_path_factory.mktemp("model") / "small"
    config = ExtendConfig(
        str(empty), output, "1", proposers, tasks, CardChange(sections={"Classes and yields": "Words."})
    )
    extend(config, lambda text: None)
    better = CardChange(sections={"Classes and yields": "Better."})
    return extend(ExtendConfig(str(output), output, "2", {}, {}, better), lambda text: None)


def test_figures_and_counts_stand_beside_the_models(trained: Path) -> None:
    classes = json.loads((trained / "classes/reaction_classification.metrics.json").read_text())
    assert classes["dropped"] == {"uspto_50k: train row with the product of a test row": 2}
    assert classes["rows"]["uspto_50k/test"] == 10
    test = classes["figures"]["uspto_50k/test"]
    assert test["boosted_trees"]["metrics"]["accuracy"] == 1.0
    assert test["popularity"]["metrics"]["accuracy"] == 0.5
    values = json.loads((trained / "yields/yield_prediction.metrics.json").read_text())
    repeated = "suzuki_yields: train row with the reaction of a test row"
    assert values["dropped"] == {"suzuki_yields: no usable answer": 1, repeated: 1}
    test = values["figures"]["suzuki_yields/test"]
    assert test["value_network"]["metrics"]["r2"] > 0.9 > 0.2 > test["popularity"]["metrics"]["r2"]
    assert 0.6 <= test["value_network"]["metrics"]["coverage"] <= 1.0


def test_orderings_are_scored_once_each(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETORT_DATA", str(root))
    config = OrderingsConfig(
        "yields",
        tmp_path / "orderings.json",
        "suzuki_yields",
        ("random_split_0", "random_split_3"),
        fingerprint=Fingerprint("conditions", 512),
        training=ValueTraining(folds=2, hidden=8, layers=1, epochs=3),
    )
    told: list[str] = []
    found = json.loads(yield_orderings(config, told.append).read_text())
    assert list(found["orderings"]) == ["random_split_0", "random_split_3"]
    one = found["orderings"]["random_split_3"]
    assert one["figures"]["value_network"]["status_counts"] == {"ok": 36, "invalid_input": 0, "no_answer": 0}
    assert one["outside_domain"] == 0
    assert set(found["mean_r2"]) == {"value_network", "popularity", "nearest_reaction"}
    before = len(told)
    yield_orderings(config, told.append)
    assert len(told) == before


def test_a_card_keeps_what_it_had(model: Path) -> None:
    card = ModelFolder.open(str(model)).card
    assert card.release == "2"
    assert set(card.tasks) == {"reaction_classification", "yield_prediction"}
    words = (model / "README.md").read_text()
    assert words.index("## Limits") < words.index("## Classes and yields\n\nBetter.")
    assert "Words." not in words


def test_a_class_is_told_by_its_name(model: Path) -> None:
    found = Predictor.load(str(model)).reaction_classification("CCCCC(=O)Cl.NCc1ccccc1>>CCCCC(=O)NCc1ccccc1")
    assert found.candidates[0].text == AMIDE
    assert [c.rank for c in found.candidates] == [1, 2]
    assert found.message == "The query is in the training data."
    (plain, _) = found.to_dict()["candidates"]
    assert (plain["text"], plain["confidence"]) == (AMIDE, None)
    assert not {"smiles", "value"} & set(plain)


def test_a_yield_has_an_interval_and_a_border(model: Path) -> None:
    predictor = Predictor.load(str(model))
    known = f"{HALIDES[3]}.{BORONIC}.{LIGANDS[2]}>{BASES[1]}>{PRODUCT}"
    (candidate,) = predictor.yield_prediction(known).candidates
    assert candidate.value is not None
    assert candidate.interval is not None
    assert 0 <= candidate.interval[0] <= candidate.value <= candidate.interval[1] <= 100
    strange = predictor.yield_prediction("CCO>>CC=O")
    assert (strange.status, strange.candidates) == ("no_answer", ())
    assert "outside of the training domain: no training reaction has CC=O, CCO" in strange.message
    bare = predictor.yield_prediction(f"{HALIDES[3]}>>{PRODUCT}")
    assert "3 molecules differ" in bare.message or "4 molecules differ" in bare.message


def test_a_batch_goes_on_after_bad_rows(model: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    good = well(0, 0, 0)
    rows.write_text(f"input,target\n{good},10\n{good},140\nCCO>CC,5\n{good},a lot\n")
    kept = tmp_path / "kept.jsonl"
    command = ["evaluate", "yields", "-i", str(rows), "--model", str(model), "--predictions", str(kept), "-f", "json"]
    run = CliRunner().invoke(app, command)
    assert run.exit_code == 0, run.output
    report = json.loads(run.stdout)
    assert report["status_counts"] == {"ok": 3, "invalid_input": 1, "no_answer": 0}
    assert {"mae", "rmse", "coverage", "width"} <= set(report["metrics"])
    header, *lines = map(json.loads, kept.read_text().splitlines())
    assert (header["version"], header["answer"]) == (2, "value")
    assert "'140' is not within 0 to 100 %" in lines[1]["message"]
    assert "'a lot' is not a number" in lines[3]["message"]
    again = CliRunner().invoke(app, command)
    assert json.loads(again.stdout) == report
    classes = tmp_path / "classes.csv"
    asked = "CCC(=O)Cl.NCc1ccccc1>>CCC(=O)NCc1ccccc1"
    classes.write_text(f"input,target\n{asked},2\n{asked},{AMIDE.upper()}\n{asked},11\nCC>>,2\n")
    run = CliRunner().invoke(app, ["evaluate", "classes", "-i", str(classes), "--model", str(model)])
    assert run.exit_code == 0, run.output
    assert "accuracy" in run.stdout
    assert "0.5000" in run.stdout
    assert "1 targets cannot be read and count as wrong; the first is row 2" in run.stdout.replace("\n", " ")


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_every_form_of_output_shows_text_and_numbers(model: Path, form: str) -> None:
    good = well(0, 0, 0)
    run = CliRunner().invoke(app, ["predict", "yields", good, "CCO>>", "--model", str(model), "-f", form])
    assert run.exit_code == 1
    assert "invalid" in run.stdout
    asked = "CCC(=O)Cl.NCc1ccccc1>>CCC(=O)NCc1ccccc1"
    told = CliRunner().invoke(app, ["predict", "classes", asked, "--model", str(model), "-f", form])
    assert told.exit_code == 0
    assert AMIDE.split(maxsplit=1)[0] in told.stdout
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(run.stdout)))
        assert float(rows[0]["low"]) <= float(rows[0]["value"]) <= float(rows[0]["high"])
        assert rows[1]["status"] == "invalid_input"
        assert rows[1]["proposer"] == ""
        assert [row["text"] for row in csv.DictReader(io.StringIO(told.stdout))] == [AMIDE, OXIDATION]
