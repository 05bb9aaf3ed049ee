"""Labelling a table: by the input alone, every row in its place, bad queries told and never guessed."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from retort.elicitation.clustering import Clustering
from retort.elicitation.frozen import FrozenTypes, TrainTypes, TypesCard, weights_sha256
from retort.elicitation.projection import Projection
from retort.errors import InputFileError, ModelError, UsageError
from retort.inference.conversion import write_ctranslate2
from retort.inference.questions import ask, plain
from retort.models import checkpoint
from retort.models.annotator import LinearHead
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.models.pooling import encoder_sha256
from retort.prompting.task import TASKS
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.annotate import Annotated, AnnotateRequest, annotate

VOCABULARY = Vocabulary.build([])
TYPES = 3
QUERIES = ["CCO.CC(=O)Cl", "C1CC", "c1ccccc1.BrBr", "", "N"]
GOOD = [0, 2, 4]


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frozen types of forward prediction, read by a probe on a network with random weights."""
    torch.manual_seed(0)
    card = Seq2SeqConfig(
        d_model=16, d_kv=8, d_ff=16, layers=1, decoder_layers=1, heads=2, vocabulary_size=len(VOCABULARY)
    )
    folder = tmp_path_factory.mktemp("types")
    network = BACKBONES.get("t5").build(card)
    checkpoint.save(folder / "start", network, VOCABULARY, {})
    random = np.random.default_rng(0)
    train = TrainTypes(np.arange(6), np.arange(6) % TYPES, np.full((6, TYPES), 1 / TYPES, np.float32))
    FrozenTypes(
        TypesCard("forward_prediction", "difference", TYPES, "probe", encoder_sha256(network), None),
        Projection("none"),
        Clustering(random.standard_normal((TYPES, 16)).astype(np.float32), 0, 1, 0.0),
        train,
        LinearHead(random.standard_normal((16, TYPES)), np.zeros(TYPES)),
    ).save(folder / "frozen", folder / "start")
    return folder / "frozen"


@pytest.fixture
def scored(types: Path, tmp_path: Path) -> Path:
    """Return the same types, read by the same network as it scores type tokens, in CTranslate2's format."""
    model = tmp_path / "scorer"
    model.mkdir()
    network = checkpoint.load(types / "encoder").network
    write_ctranslate2(network, VOCABULARY, model, "float32")
    VOCABULARY.save(model / "vocabulary.json")
    found = FrozenTypes.load(types)
    card = replace(found.card, reading="scored", scorer_sha256=weights_sha256(model))
    replace(found, card=card, head=None).save(tmp_path / "scored", model)
    return tmp_path / "scored"


def table(tmp_path: Path, targets: list[str] | None = None, name: str = "queries.csv") -> Path:
    columns = {"id": range(len(QUERIES)), "input": QUERIES, "target": targets or ["CC"] * len(QUERIES)}
    pl.DataFrame(columns).write_csv(tmp_path / name)
    return tmp_path / name


def run(file: Path, types: Path, name: str = "out.csv", **options: object) -> tuple[Annotated, Path]:
    output = file.with_name(name)
    return annotate(AnnotateRequest(file, types, output, **options)), output  # type: ignore[arg-type]


def test_every_row_stays_and_bad_queries_get_no_type(types: Path, tmp_path: Path) -> None:
    done, output = run(table(tmp_path), types)
    found = pl.read_csv(output)
    assert found.columns == ["id", "input", "target", "reaction_type", "probability"]
    assert found["id"].to_list() == list(range(5))
    assert [i for i, kind in enumerate(found["reaction_type"]) if kind is not None] == GOOD
    assert [i for i, chance in enumerate(found["probability"]) if chance is not None] == GOOD
    assert all(1 / TYPES <= chance <= 1 for chance in found["probability"].drop_nulls())
    assert done.without == 2
    assert (done.rows, [refused.row for refused in done.refused]) == (5, [2, 4])
    assert "C1CC" in done.refused[0].reason
    assert "empty" in done.refused[1].reason


@pytest.mark.parametrize("reading", ["types", "scored"])
def test_targets_are_never_looked_at(reading: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(reading)
    _, first = run(table(tmp_path), folder, "first.csv")
    _, second = run(table(tmp_path, ["!?", "", "<type_1>", "1", "C1CC"], "garbage.csv"), folder, "second.csv")
    plain, garbage = (
        pl.read_csv(path).select("id", "input", "reaction_type", "probability") for path in (first, second)
    )
    assert plain.write_csv().encode() == garbage.write_csv().encode()


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_other_forms_hold_the_same(types: Path, tmp_path: Path, ending: str) -> None:
    _, plain = run(table(tmp_path), types)
    _, other = run(table(tmp_path), types, f"out.{ending}")
    read = pl.read_parquet if ending == "parquet" else pl.read_ndjson
    assert read(other)["reaction_type"].to_list() == pl.read_csv(plain)["reaction_type"].to_list()


def test_lines_and_other_columns_are_read(types: Path, tmp_path: Path) -> None:
    (tmp_path / "lines.smi").write_text("CCO name\nNN\n", "utf-8")
    done, output = run(tmp_path / "lines.smi", types)
    assert done.rows == 2
    assert pl.read_csv(output)["input"].to_list() == ["CCO", "NN"]
    pl.DataFrame({"product": ["CCO"]}).write_csv(tmp_path / "named.csv")
    with pytest.raises(InputFileError, match="no column 'input'"):
        run(tmp_path / "named.csv", types)
    assert run(tmp_path / "named.csv", types, "other.csv", column="product")[0].refused == ()


def test_spelling_order_and_marked_reagents_change_nothing(types: Path, tmp_path: Path) -> None:
    task = TASKS.get("forward_prediction")
    spelled = ["CCO.CC(=O)Cl", "ClC(C)=O.OCC", "CCO>CC(=O)Cl", "OCC.CC(Cl)=O>>CCOC(C)=O"]
    assert {plain(ask(task, text)).prompt for text in spelled} == {"<forward_prediction>CC(=O)Cl.CCO"}
    assert plain(ask(TASKS.get("reagent_prediction"), "CCO>>CC=O")).given == "CCO>>CC=O"


def test_what_cannot_be_written_or_is_there_already_is_refused_first(types: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot tell how to write"):
        run(table(tmp_path), types, "out.txt")
    _, output = run(table(tmp_path), types)
    with pytest.raises(UsageError, match="'probability' already"):
        run(output, types, "again.csv")
    with pytest.raises(InputFileError):
        run(tmp_path / "none.csv", types)
    with pytest.raises(ModelError, match="frozen types"):
        run(table(tmp_path), tmp_path)


def test_progress_is_told(types: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    annotate(AnnotateRequest(table(tmp_path), types, tmp_path / "out.csv"), lambda *now: told.append(now))
    assert told == [(5, 5)]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_run_that_was_cut_off_goes_on(
    types: Path, tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retort.recipes.annotate.CHUNK", 2)
    _, whole = run(table(tmp_path), types, f"whole.{ending}")
    request = AnnotateRequest(tmp_path / "queries.csv", types, tmp_path / f"cut.{ending}")

    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        annotate(request, stop)
    rest = annotate(request)
    assert request.output.read_bytes() == whole.read_bytes()
    assert (rest.without, [refused.row for refused in rest.refused]) == (2, [4])
    again = annotate(request)
    assert (again.without, again.refused) == (2, ())
    table(tmp_path, ["N"] * 5)
    with pytest.raises(UsageError, match="was written with input"):
        annotate(request)


PROGRAM = """
import sys


class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r} (blocked by the test)", name=name)


sys.meta_path.insert(0, Block())
from retort.cli import main

main()
"""


def fresh(blocked: list[str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own that lacks some libraries."""
    command = [sys.executable, "-c", PROGRAM.replace("BLOCKED", repr(blocked)), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))


def test_a_fresh_process_reads_the_same_types(types: Path, tmp_path: Path) -> None:
    _, here = run(table(tmp_path), types, "here.csv")
    done = fresh([], "annotate", tmp_path / "queries.csv", "--types", types, "--output", tmp_path / "there.csv")
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "there.csv").read_bytes() == here.read_bytes()
    assert done.stdout == ""
    assert "row 2: cannot read 'C1CC'" in done.stderr
    assert done.stderr.strip().endswith("is complete: 5 rows of forward_prediction, 2 without a type.")


def test_a_language_model_that_scores_needs_no_torch(scored: Path, tmp_path: Path) -> None:
    _, here = run(table(tmp_path), scored, "here.jsonl")
    heavy = ["torch", "transformers", "accelerate", "sklearn", "scipy"]
    arguments = ("annotate", tmp_path / "queries.csv", "--types", scored, "-o", tmp_path / "there.jsonl")
    done = fresh(heavy, *arguments)
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "there.jsonl").read_bytes() == here.read_bytes()
    rows = [json.loads(line) for line in here.read_text("utf-8").splitlines()]
    assert [row["reaction_type"] is not None for row in rows] == [i in GOOD for i in range(5)]


def test_a_probe_without_torch_says_what_to_install(types: Path, tmp_path: Path) -> None:
    arguments = ("annotate", table(tmp_path), "--types", types, "-o", tmp_path / "there.csv")
    done = fresh(["torch", "transformers"], *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "pip install 'retort[train]'" in done.stderr
