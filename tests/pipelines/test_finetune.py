"""A user's own reactions make a model folder of their own: the whole way, in each format, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from retort.cli import app
from retort.errors import ConfigError, DataError, InputFileError, UnknownNameError, UsageError

torch = pytest.importorskip("torch", reason="needs the extra [train]")

from retort.inference.model_folder import ModelFolder  # noqa: E402
from retort.inference.predictor import Predictor  # noqa: E402
from retort.models import checkpoint  # noqa: E402
from retort.models.backbone import BACKBONES, Seq2SeqConfig  # noqa: E402
from retort.prompting.vocabulary import Vocabulary  # noqa: E402
from retort.recipes.export import export  # noqa: E402
from retort.recipes.finetune import FinetuneConfig, Finetuned, finetune  # noqa: E402

ACIDS = ["CC", "CCC", "c1ccccc1", "CC(C)", "C1CC1", "COC", "FC", "Cc1ccccc1", "CCCC", "ClCC"]
AMINES = ["N", "NC", "NCC", "NCCC", "NC(C)C", "Nc1ccccc1", "NCCO"]
AMIDES = [f"{acid}C(=O)Cl.{amine}>>{acid}C(=O){amine}" for acid in ACIDS for amine in AMINES]
VOCABULARY = Vocabulary.build([])
Said = list[str]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a small random checkpoint and the model that was exported from it."""
    home = tmp_path_factory.mktemp("base")
    torch.manual_seed(5)
    card = Seq2SeqConfig(
        vocabulary_size=len(VOCABULARY), d_model=32, d_kv=16, d_ff=64, layers=1, decoder_layers=1, heads=2
    )
    network: Any = BACKBONES.get("t5").build(card)
    about = {"metrics": {"loss": 1.0, "tasks": {"retrosynthesis": {}, "forward_prediction": {}}}}
    checkpoint.save(home / "start", network, VOCABULARY, about)
    export(home / "start", output=home / "model")
    return home


@pytest.fixture
def config(base: Path, tmp_path: Path) -> Callable[..., FinetuneConfig]:
    def make(lines: list[str], name: str = "rows.csv", header: str = "reaction", **options: Any) -> FinetuneConfig:
        (tmp_path / name).write_text("\n".join([header, *lines] if header else lines))
        values: dict[str, Any] = {"epochs": 1.0, "rows": 6, "copies": 2, "start_from": base / "start"}
        values |= {"model": str(base / "model"), "output": tmp_path / "mine"} | options
        return FinetuneConfig(tmp_path / name, values.pop("task", "retro"), **values)

    return make


def run(config: FinetuneConfig) -> tuple[Finetuned, Said]:
    said: Said = []
    return finetune(config, said.append), said


def test_the_whole_way_gives_a_model_that_answers(
    config: Callable[..., FinetuneConfig], base: Path, tmp_path: Path
) -> None:
    also = tmp_path / "elsewhere.csv"
    also.write_text("input,target\nCCOC(C)=O,CCO.CC(=O)O\n")
    done, said = run(config(AMIDES, also=(also,)))
    assert done.folder == tmp_path / "mine"
    assert [change.label for change in done.changes] == ["own test rows", "elsewhere"]
    assert done.changes[0].before.n == done.changes[0].after.n == min(6, _count(tmp_path, "test"))
    card = ModelFolder.open(str(done.folder)).card
    assert card.name == "mine"
    assert card.provenance is not None
    assert card.provenance["finetuned"]["from"].startswith("model ")
    assert card.provenance["finetuned"]["parents"] == [checkpoint.weights_sha256(base / "start")]
    # Both tasks asked one language model; the other task keeps it.
    assert card.tasks["retrosynthesis"].proposers == ("retrosynthesis_language_model",)
    assert card.tasks["forward_prediction"].proposers == ("language_model",)
    known = {entry.folder: card.files[f"{entry.folder}/model.bin"] for entry in card.proposers.values()}
    assert len(set(known.values())) == 2
    predictor = Predictor.load(str(done.folder))
    assert predictor.was_trained_on("retro", _trained_question(tmp_path))
    assert not predictor.was_trained_on("retro", "CCOCCOCC")
    assert predictor.forward_prediction("CCO").model == "mine"
    page = (done.folder / "README.md").read_text()
    assert "fine-tuned for retrosynthesis on rows.csv" in page
    assert "own test rows" in page
    assert json.loads((tmp_path / "mine.work" / "report.json").read_text()) == json.loads(json.dumps(done.as_dict()))
    assert str(tmp_path) not in page + (done.folder / "model.json").read_text()
    assert any(line.startswith("tuned: train") for line in said)


def test_the_same_command_does_nothing_again_and_other_rows_do(config: Callable[..., FinetuneConfig]) -> None:
    first, _ = run(config(AMIDES))
    again, said = run(config(AMIDES))
    assert [line for line in said if ": done before" not in line] == ["retrosynthesis: 51 distinct training questions"]
    assert again.as_dict() == first.as_dict()
    _, said = run(config(AMIDES[:50]))
    assert any(line.startswith("tuned: train") for line in said)


def test_a_language_model_that_is_asked_by_one_task_alone_is_replaced(
    config: Callable[..., FinetuneConfig], base: Path, tmp_path: Path
) -> None:
    export(_of_one_task(base / "start", tmp_path / "one"), output=tmp_path / "single")
    done, _ = run(config(AMIDES, model=str(tmp_path / "single")))
    card = ModelFolder.open(str(done.folder)).card
    assert [*card.proposers] == ["language_model"]
    before = ModelFolder.open(str(tmp_path / "single")).card
    assert card.files["language_model/model.bin"] != before.files["language_model/model.bin"]


def test_adapters_change_what_the_model_says(config: Callable[..., FinetuneConfig], tmp_path: Path) -> None:
    run(config(AMIDES, lora_rank=2))
    stored = checkpoint.load(tmp_path / "mine.work" / "tuned" / "best")
    assert not [name for name in stored.network.state_dict() if "lora" in name]
    assert stored.card["config"]["lora"]["rank"] == 2


def test_it_learns_what_it_is_shown(config: Callable[..., FinetuneConfig]) -> None:
    """One answer to every question: the fine-tuned model gives it to held-out ones, which the random one does not."""
    parts = ("train", "train", "valid", "test")
    lines = [f"CC(=O)O.CCO>>{'C' * n}Cl,{parts[n % 4]}" for n in range(1, 120)]
    options: dict[str, Any] = {"split": "published", "epochs": 30.0, "learning_rate": 1e-2, "rows": 40}
    done, _ = run(config(lines, header="reaction,split", **options))
    change = done.changes[0]
    assert change.before.metrics["exact_match@1"] == 0.0
    assert change.after.metrics["exact_match@1"] > 0.9
    assert change.difference["exact_match@1"].interval[0] > 0


@pytest.mark.parametrize(
    ("rows", "options", "error", "message"),
    [
        (["nonsense", "CC>>"], {}, DataError, "no row is left to train on.*unreadable"),
        ([""], {}, DataError, "no row is left"),
        (["CCO.CC(=O)O>>CCOC(C)=O"], {}, DataError, "no row .* falls into"),
        (AMIDES, {"task": "reagents"}, DataError, "asks and answers reagent_prediction"),
        (AMIDES, {"task": "retrosynthetic"}, UnknownNameError, "unknown task"),
        (AMIDES, {"task": "classes"}, UsageError, "no molecules"),
        (AMIDES, {"column": "rxn"}, InputFileError, "no column 'rxn'"),
        (AMIDES, {"header": "rxn_smiles"}, InputFileError, "--column; there are: rxn_smiles"),
        (AMIDES, {"name": "rows.doc"}, InputFileError, "unknown kind"),
        (AMIDES, {"split": "time"}, DataError, "0 years"),
        (AMIDES, {"split": "published"}, DataError, "belongs to 'all'"),
        (AMIDES, {"model": "no such"}, Exception, "no model"),
        (AMIDES, {"also": (Path("nowhere.csv"),)}, InputFileError, "nowhere.csv"),
        (AMIDES, {"replay": Path("nowhere")}, DataError, "not a prepared folder"),
        (AMIDES, {"epochs": 0.0}, ConfigError, "epochs is 0.0"),
        (AMIDES, {"start_from": Path("nowhere")}, UsageError, "not a checkpoint folder"),
        (AMIDES, {"start_from": None}, UsageError, "weights to start from are not here.*--from"),
    ],
)
def test_what_cannot_be_done_is_said(
    rows: list[str],
    options: dict[str, Any],
    error: type[Exception],
    message: str,
    config: Callable[..., FinetuneConfig],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        run(config(rows, **options))
    assert not (tmp_path / "mine").exists()


def test_the_command_line_prints_nothing_but_the_result(
    config: Callable[..., FinetuneConfig], base: Path, tmp_path: Path
) -> None:
    made = config(AMIDES)
    words = ["finetune", str(made.file), "--task", "retro", "--output", str(made.output), "--model", made.model]
    words += ["--from", str(base / "start"), "--epochs", "1", "--rows", "4"]
    result = CliRunner().invoke(app, [*words, "--format", "json"])
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["model"] == str(made.output)
    assert "tuned: train" in result.stderr
    result = CliRunner().invoke(app, words)
    assert "difference" in result.stdout
    assert "retort predict retro QUERY" in result.stdout


def test_an_rdf_file_goes_the_same_way(config: Callable[..., FinetuneConfig], repository: Path) -> None:
    text = (repository / "tests" / "fixtures" / "sources" / "rxn" / "rows.rdf.txt").read_text()
    done, _ = run(config([], name="rows.rdf", header=text, hold_out=_held(0.3, 0.3)))
    assert done.facts["rows"]["read"] == {"rxn": {"rows": 8, "clean": 8}}
    assert done.facts["confidence"] is None
    assert done.notes[-1].startswith("No confidence is given")


def test_another_folder_is_never_replaced(config: Callable[..., FinetuneConfig], tmp_path: Path) -> None:
    (tmp_path / "mine.work").mkdir()
    (tmp_path / "mine.work" / "thesis.tex").touch()
    with pytest.raises(ConfigError, match="belongs to no fine-tuning"):
        run(config(AMIDES))
    assert (tmp_path / "mine.work" / "thesis.tex").exists()


def test_every_row_is_counted_and_test_rows_stay_out_of_training(config: Callable[..., FinetuneConfig]) -> None:
    """A broken row, a repeated one, and held-out rows of a product that is also a train row."""
    rows = [*AMIDES[:40], "CC(C)(C)(C)C>>CC", AMIDES[0]]
    done, _ = run(config(rows))
    counts = done.facts["rows"]
    assert counts["read"]["table"] == {"rows": 42, "clean": 41}
    assert sum(counts["records"].values()) + sum(counts["rejected"].values()) == 42
    assert all(not found for part in done.facts["audit"]["parts"].values() for found in part["leaks"].values())


def test_watched_rows_are_spelled_like_those_that_are_learned(
    config: Callable[..., FinetuneConfig], tmp_path: Path
) -> None:
    """Their answers begin where the question begins; the questions stay canonical, and other parts have no maps."""
    from retort.data.collate import PreparedFolder
    from retort.data.prepare import read_records

    lines = [f"{acid}C(=O)Cl.O{'C' * n}>>{'C' * n}OC(=O){acid}" for acid in ACIDS[:3] for n in range(4, 24)]
    run(config(lines))
    folder = tmp_path / "mine.work" / "prepared"
    records = [r for r in read_records(folder / "records.parquet") if r.split != "train"]
    assert {r.split for r in records if r.mapped} == {"valid_a"}
    valid = PreparedFolder.open(folder).split("valid")
    pairs = [[VOCABULARY.decode(ids.tolist()) for ids in valid.pair(row)] for row in range(len(valid))]
    canonical = {".".join(r.reaction.products): ".".join(r.reaction.reactants) for r in records}
    assert all(prompt.removeprefix("<retrosynthesis>") in canonical for prompt, _ in pairs)
    assert any(answer != canonical[prompt.removeprefix("<retrosynthesis>")] for prompt, answer in pairs)


def test_a_published_split_is_kept_and_its_overlap_told(config: Callable[..., FinetuneConfig], tmp_path: Path) -> None:
    parts = [f"{row},{'train' if n < 40 else 'valid' if n < 60 else 'test'}" for n, row in enumerate(AMIDES)]
    done, _ = run(config([*parts, f"{AMIDES[0]},test"], header="reaction,split", split="published"))
    kept = done.facts["rows"]["leak_rule"]["kept_inside"]
    dropped = done.facts["rows"]["leak_rule"]["dropped"]
    assert sum(kept.values()) + sum(dropped.values()) >= 1
    assert _count(tmp_path, "test") == 11


def test_years_cut_where_the_rows_are(config: Callable[..., FinetuneConfig], tmp_path: Path) -> None:
    rows = [f"{row},{2010 + n // 10}" for n, row in enumerate(AMIDES)]
    done, _ = run(config(rows, header="smiles,year", column="smiles", split="time"))
    assert done.facts["rows"]["records"]["table/test"] == 10  # of 2016
    assert done.facts["rows"]["records"]["table/train"] == 40  # up to 2013


def test_earlier_rows_are_mixed_in_but_for_those_that_judge(
    config: Callable[..., FinetuneConfig], base: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"output": tmp_path / "earlier", "hold_out": _held(0.1, 0.1)}
    run(config(AMIDES, name="earlier.smi", header="", **options))
    folder = tmp_path / "earlier.work" / "prepared"
    run(config(AMIDES[:60], replay=folder, replay_share=2.0))
    manifest = json.loads((tmp_path / "mine.work" / "mixed" / "manifest.json").read_text())
    own = json.loads((tmp_path / "mine.work" / "prepared" / "manifest.json").read_text())
    held_out = sum(n for name, n in own["counts"]["records"].items() if not name.endswith("/train"))
    assert manifest["replayed"]["left_out"] > 0
    assert manifest["splits"]["train"]["rows"] == own["splits"]["train"]["rows"] + manifest["replayed"]["rows"]
    assert held_out > 0
    with pytest.raises(ConfigError, match="from the source"):
        run(config(AMIDES[:60], replay=tmp_path / "mine.work" / "prepared", output=tmp_path / "other"))


def _held(valid: float, test: float) -> Any:
    from retort.data.splits import HoldOut

    return HoldOut(valid, test)


def _of_one_task(start: Path, folder: Path) -> Path:
    stored = checkpoint.load(start)
    checkpoint.save(folder, stored.network, VOCABULARY, {"metrics": {"tasks": {"retrosynthesis": {}}}})
    return folder


def _count(home: Path, part: str) -> int:
    table = home / "mine.work" / "prepared" / "examples" / part / "table.retrosynthesis.csv"
    return len(table.read_text().splitlines()) - 1


def _trained_question(home: Path) -> str:
    """Return the product of a train row."""
    from retort.data.prepare import read_records

    records = read_records(home / "mine.work" / "prepared" / "records.parquet")
    return next(".".join(record.reaction.products) for record in records if record.split == "train")
