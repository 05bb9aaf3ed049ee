"""Names and descriptions from a user's table to answers: prepared, learned, asked in words; and baselines beside."""

import csv
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retort.chem.smiles import canonicalize
from retort.cli import app
from retort.data.prepare import read_manifest, read_molecules
from retort.data.splits import TEST, TRAIN, molecule_part

ROOTS = ["meth", "eth", "prop", "but", "pent", "hex", "hept", "oct", "non", "dec"]
ENDS = {"ane": "", "an-1-ol": "O", "an-1-amine": "N", "ane-1-thiol": "S", "anal": "=O", "yl fluoride": "F"}
NAMED = [
    (f"{'C' * n}{tail}" if end != "anal" else f"{'C' * n}=O", f"{root}{end}")
    for n, root in enumerate(ROOTS, 1)
    for end, tail in ENDS.items()
]
PREPARE = """
output = "prepared"
tasks = ["name_conversion", "naming", "captions", "text_to_molecule"]
[[sources]]
name = "molecule_table"
path = "rows.csv"
[spelling]
copies = 2
"""
TRAIN_TOML = """
prepared = "prepared"
output = "run"
[model]
d_model = 32
d_kv = 16
d_ff = 64
layers = 1
decoder_layers = 1
heads = 2
[training]
total_tokens = 6000
tokens_per_batch = 1500
evaluate_tokens = 3000
evaluate_rows = 5
max_source_length = 120
max_target_length = 120
"""
BASELINE = """
recipe = "train_baseline"
kind = "{kind}"
prepared = "prepared"
output = "{kind}"
[tasks.{first}]
[tasks.{second}]
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a table of named and described molecules, and stand beside it."""
    monkeypatch.chdir(tmp_path)
    rows = [(smiles, name, "iupac", f"The molecule is {name}, an invented one.") for smiles, name in NAMED]
    rows += [("CCO", "title compound", "patent", ""), ("CCN", "Title Compound", "patent", "")]
    rows += [("OCC", "ethanol", "iupac", ""), ("C1CC", "a broken ring", "trivial", ""), ("CCCF", "", "", "")]
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("smiles", "name", "name_kind", "description"), *rows])
    (tmp_path / "prepare.toml").write_text(PREPARE)
    return tmp_path


@pytest.fixture
def retort(home: Path) -> Callable[..., str]:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code in (0, 1), result.stderr
        return result.stdout

    return run


def test_molecules_are_cut_by_molecule_and_words_of_several_leave(retort: Callable[..., str], home: Path) -> None:
    retort("prepare", "prepare.toml")
    found = read_molecules(home / "prepared")
    parts = {
        molecule: {r.split for r in found if str(r.reaction) == molecule}
        for molecule in map(str, (r.reaction for r in found))
    }
    assert all(len(split) == 1 for split in parts.values())
    assert all(molecule_part(molecule.removeprefix(">>")) in split for molecule, split in parts.items())
    assert {TRAIN, TEST} <= {split for each in parts.values() for split in each}
    assert "title compound" not in {record.words.casefold() for record in found}
    rejected = read_manifest(home / "prepared")["counts"]["rejected"]
    assert rejected["molecule_table: words that stand for several molecules"] == 2
    assert rejected["molecule_table: unreadable: SMILES"] == 1
    counted = read_manifest(home / "prepared")["counts"]["rows"]
    train = sum(record.split == TRAIN for record in found)
    assert counted["molecule_table/name_conversion"] == counted["molecule_table/molecule_naming"]
    assert 0 < counted["molecule_table/text_to_molecule"] < train
    held = (home / "prepared/examples/test/molecule_table.name_conversion.csv").read_text().splitlines()[1:]
    assert all("<text>" not in line for line in held)  # plain words, as people write them


def test_no_configuration_cuts_names_otherwise(home: Path) -> None:
    asks = 'tasks = ["name_conversion", "naming", "captions", "text_to_molecule"]'
    for old, new, words in (
        ("[spelling]", 'split = "random"\n[spelling]', "cut by molecule"),
        ("[spelling]", "time_edges = [1990, 2000]\n[spelling]", "cut by molecule"),
        (asks, 'tasks = ["retrosynthesis"]', "molecules serve span_denoising and tasks of names and descriptions"),
    ):
        (home / "other.toml").write_text(PREPARE.replace(old, new))
        refused = CliRunner().invoke(app, ["prepare", "other.toml"])
        assert refused.exit_code == 2
        assert words in refused.stderr


def test_a_model_learns_from_words_and_is_asked_in_words(retort: Callable[..., str], home: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra [train]")
    (home / "train.toml").write_text(TRAIN_TOML)
    retort("prepare", "prepare.toml")
    assert retort("train", "train.toml", "training.seed=3").splitlines()[-1] == "run/final"
    assert "is a model of" in retort("export", "run/final", "-o", "model")
    for task, query, key in (
        ("name_conversion", "propan-1-ol", "smiles"),
        ("text_to_molecule", "The molecule is butan-1-amine, an invented one.", "smiles"),
        ("molecule_naming", "CCCO", "text"),
        ("molecule_captioning", "CCCO", "text"),
    ):
        answer = json.loads(retort("predict", task, query, "-m", "model", "-k", "2", "-f", "json"))
        assert (answer["task"], answer["query"], answer["model"]) == (task, query, "model")
        assert answer["status"] in ("ok", "no_answer")
        assert all(set(candidate) >= {key} for candidate in answer["candidates"])
    rows = home / "prepared/examples/test/molecule_table.molecule_captioning.csv"
    report = json.loads(retort("evaluate", "captions", "-i", str(rows), "-m", "model", "-k", "1", "-f", "json"))
    assert report["n"] == len(rows.read_text().splitlines()) - 1
    assert {"accuracy", "bleu_4", "rouge_l", "meteor_exact"} <= set(report["metrics"])


def test_baselines_answer_words_and_molecules(retort: Callable[..., str], home: Path) -> None:
    retort("prepare", "prepare.toml")
    for kind, first, second in (
        ("nearest_text", "name_conversion", "text_to_molecule"),
        ("nearest_molecule", "molecule_naming", "molecule_captioning"),
    ):
        (home / "baseline.toml").write_text(BASELINE.format(kind=kind, first=first, second=second))
        assert retort("train", "baseline.toml").splitlines()[-1] == kind
    known = [(s, n) for s, n in NAMED if molecule_part(canonicalize(s)) == TRAIN and n != "ethanol"]
    for smiles, name in known[:5]:
        told = json.loads(retort("predict", "name", name.upper(), "-m", "nearest_text", "-f", "json"))
        assert told["candidates"][0]["smiles"] == canonicalize(smiles)  # capital letters do not matter
        assert "counted, not predicted" in told["message"]
        named = json.loads(retort("predict", "naming", smiles, "-m", "nearest_molecule", "-k", "1", "-f", "json"))
        assert named["candidates"][0]["text"].endswith(name[-3:])
    nobody = json.loads(retort("predict", "name", "aspirin", "-f", "json"))
    assert nobody["status"] == "no_answer"
    assert nobody["message"].startswith("not trained")
    for broken in ("", "???", "CC>>CO", "a </text> mark"):
        refused = json.loads(retort("predict", "name", broken, "-m", "nearest_text", "-f", "json"))
        assert refused["status"] == "invalid_input"


def plant(root: Path) -> None:
    """Write every source of names in its own format: each molecule in two of them, under different names."""
    tables: dict[str, list[str]] = {"ord": ["name,smiles,count"], "train": [], "valid": [], "chebi": [], "named": []}
    for i, (smiles, name) in enumerate(NAMED):
        tables["train"].append(f"{smiles}\t[Compound({i})]\t{name}")
        tables["ord"].append(f"{name} of the patent,{smiles}.Cl,1")
        tables["chebi"].append(f"{i}\t{smiles}\tThe molecule is an invented {name} that is {name}.")
        tables["named"].append(f"{i},{smiles},,,,,{name},")
    tables["ord"] += ["title compound,CCO,3", "title compound,CCN,2"]
    tables["named"].append("8888,c1ccncc1,,,,,pyridine,")  # the one row of this source that repeats no other
    identifiers = [f"{i}\t\t\t\t{s}\t\t\t{n}\tcommon {n}" for i, (s, n) in enumerate(NAMED)]
    written = {
        "names/ord_uspto_name_smiles.csv": tables["ord"],
        "names/pubchem324k_iupac/train.tsv": tables["train"],
        "names/pubchem324k_iupac/valid.tsv": ["CCCCI\t[Compound(9999)]\tNone"],
        "chebi20/chebi20_validation.txt": ["CID\tSMILES\tdescription", *tables["chebi"]],
        "chebi20/chebi20mm_validation.csv": [
            "CID,SMILES,description,polararea,xlogp,inchi,iupacname,SELFIES",
            *tables["named"],
        ],
        "names/calebbell_chemical_identifiers_pubchem_small.tsv": identifiers,
    }
    for name in ("Anion_db", "Cation_db", "Inorganic_db", "chemical_identifiers_example_user_db"):
        written[f"names/calebbell_{name}.tsv"] = ["0\t\t\t\t[Na+]\t\t\tsodium ion\tsodium ion"]
    for name, lines in written.items():
        path = root / f"{name}.xz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lzma.compress(("\n".join(lines) + "\n").encode()))


def test_suites_of_names_and_captions_hold_molecules_out_of_all_sources(
    retort: Callable[..., str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(home / "data")
    monkeypatch.setenv("RETORT_DATA", str(home / "data"))
    test = {canonicalize(smiles) for smiles, _ in NAMED if molecule_part(canonicalize(smiles)) == TEST}
    theirs = home / "theirs.csv"
    with theirs.open("w", newline="") as file:
        csv.writer(file).writerows([("input", "prediction"), *((name, smiles) for smiles, name in NAMED)])
    names = json.loads(retort("benchmark", "names", "--predictions", str(theirs), "-f", "json").splitlines()[-1])
    parts = {part["name"]: part for part in names["parts"]}
    systematic = parts["Systematic names"]
    assert systematic["n"] == len(test)  # each once, though three sources have it
    assert systematic["asked_before"] == 0
    assert systematic["dropped"]["names_ord: words that stand for several molecules"] == 2
    assert any("with the product of a test row" in reason for reason in systematic["dropped"])  # salts of the patents
    scored = {entry["who"]: entry["report"]["metrics"] for entry in systematic["entries"]}
    assert scored["theirs.csv"]["exact_match@1"] == scored["theirs.csv"]["formula_match@1"] == 1.0
    assert scored["nearest_text"]["exact_match@1"] == 0.0  # no molecule of the test rows is among its answers
    assert scored["nearest_text"]["similarity@1"] > scored["popularity"]["similarity@1"]
    assert parts["Common names"]["n"] == len(test)
    assert parts["Patent names"]["n"] == sum(molecule_part(canonicalize(f"{s}.Cl")) == TEST for s, _ in NAMED)
    assert {e["status"] for e in parts["Names of molecules"]["entries"]} == {"scored", "not run"}
    lines = (home / "runs/benchmark/names/systematic_names/rows/test.csv").read_text().splitlines()[1:]
    assert {canonicalize(row[1]) for row in csv.reader(lines)} == test
    captions = json.loads(retort("benchmark", "captions", "--limit", "5", "-f", "json").splitlines()[-1])
    told, asked = captions["parts"]
    assert told["n"] == asked["n"] == min(5, len(test))
    nearest = next(e["report"] for e in told["entries"] if e["who"] == "nearest_molecule")
    assert 0 < nearest["metrics"]["bleu_4"] < 1
    assert nearest["metrics"]["accuracy"] == 0.0
    gains = next(e["gains"] for e in told["entries"] if e["who"] == "nearest_molecule")
    assert gains["rouge_l"]["difference"] == pytest.approx(
        nearest["metrics"]["rouge_l"]
        - next(e["report"]["metrics"]["rouge_l"] for e in told["entries"] if e["who"] == "popularity")
    )
