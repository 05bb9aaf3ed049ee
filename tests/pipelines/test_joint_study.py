"""Arms that train several tasks at once: types told apart in prompts alone, equal tokens, figures of every task."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retort.cli import app
from retort.data.collate import PreparedFolder
from retort.elicitation.knowledge import Knowledge
from retort.errors import DataError
from retort.evaluation.predictions import read
from retort.models.checkpoint import read_card
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.gradient_cosines import GradientConfig, compare_gradients
from retort.recipes.row_types import TypesOfRows
from retort.recipes.study import Arm, run_arm
from retort.recipes.study_config import ArmConfig, Beam
from retort.recipes.study_scores import score_arm
from retort.training.config import TrainingConfig

TASKS = ("retrosynthesis", "forward_prediction")
TYPES = 3


def arm(home: Path, name: str, knowledge: Knowledge, tasks: tuple[str, ...] = TASKS, **changes: object) -> ArmConfig:
    """Return an arm that learns next to nothing, in next to no time."""
    training = TrainingConfig(
        total_tokens=2000, tokens_per_batch=1000, evaluate_tokens=1000, evaluate_rows=5, precision="fp32", device="cpu"
    )
    files = tuple(home / "row_types" / task / "output-3.npz" for task in tasks)
    config = ArmConfig(
        home / "prepared",
        files if len(files) > 1 else files[0],
        home / "elicited" / "encoder",
        home / "arms" / name,
        training,
        knowledge,
        max_length=24,
        watched=5,
        held_out=6,
        beams=(Beam(beam_size=2),),
    )
    return replace(config, **changes)  # type: ignore[arg-type]


def prompts(config: ArmConfig) -> dict[str, list[str]]:
    """Return task -> the prompts of train rows that an arm has written, canonical copies only."""
    data = config.output / "data"
    words, rows = Vocabulary.load(data / "vocabulary.json"), PreparedFolder.open(data, verify=True).split("train")
    texts = [words.decode(rows.pair(row, -row)[0].tolist()) for row in range(len(rows))]
    return {
        task: [text for text, number in zip(texts, rows.tasks, strict=True) if rows.task_names[number] == task]
        for task in rows.task_names
    }


@pytest.mark.parametrize("wording", ["compact", "nearest"])
def test_types_have_offsets_in_prompts_and_nowhere_else(joint_study: Path, wording: str) -> None:
    config = arm(joint_study, f"offsets-{wording}", "out_of_fold", wording=wording)
    run_arm(config)
    written = prompts(config)
    assert tuple(written) == TASKS
    for place, (task, file) in enumerate(zip(TASKS, config.type_files, strict=True)):
        types = TypesOfRows.load(file)
        assert set(types.train.labels.tolist()) <= set(range(TYPES))
        read_ = types.train.read.argmax(axis=1) + place * TYPES
        assert len(written[task]) == len(read_)
        for text, number in zip(written[task], read_, strict=True):
            if wording == "compact":
                assert text.startswith(f"<{task}><type_{number}>")
            else:
                assert text.partition("</text>")[0].endswith(f" {number}")
    for found in score_arm(config).predictions["plain"].values():
        kinds = [c.reaction_type for row in found[0].rows for c in row.candidates if c.reaction_type is not None]
        assert all(0 <= kind.id < TYPES for kind in kinds)


def test_every_task_takes_the_tokens_of_its_own_arm(joint_study: Path) -> None:
    config = arm(joint_study, "tokens", "off", rows=40)
    run_arm(config)
    training = read_card(config.output / "seed-0" / "final")["config"]["training"]
    assert training["total_tokens"] == 2 * config.training.total_tokens  # type: ignore[operator]
    split = PreparedFolder.open(config.output / "data").split("train")
    lengths = sum(split.lengths())
    tokens = [lengths[split.tasks == number].sum() for number in range(2)]
    weighted = [training["task_weights"][task] * own for task, own in zip(TASKS, tokens, strict=True)]
    assert weighted[0] == pytest.approx(weighted[1])
    assert sum(weighted) == pytest.approx(sum(tokens))


def test_every_task_is_scored_and_the_figures_are_their_mean(joint_study: Path) -> None:
    config = arm(joint_study, "scored", "off", seeds=(0, 1))
    run_arm(config)
    judged = score_arm(config)
    for task, file in zip(TASKS, config.type_files, strict=True):
        path = config.output / "seed-1" / f"plain.{task}.jsonl"
        found = read(path)
        assert (found.header.task, len(found.rows)) == (task, 6)
        words = Vocabulary.load(config.start_from / "vocabulary.json")
        pairs = TypesOfRows.load(file).held_out("test").pairs[:6]
        assert [row.target for row in found.rows] == [words.decode(list(target)) for _, target in pairs]
    plain = judged.figures["plain"]
    assert plain["n"] == 12
    validity = [plain["by_task"][task]["validity@1"]["mean"] for task in TASKS]
    assert plain["validity@1"]["mean"] == pytest.approx(sum(validity) / 2)


def test_a_joint_arm_goes_on_where_it_was_cut_off(joint_study: Path) -> None:
    config = arm(joint_study, "again", "predicted")
    run_arm(config)
    weights = (config.output / "seed-0" / "final" / "model.safetensors").stat().st_mtime_ns
    before = (config.output / "seed-0" / "plain.npz").read_bytes()
    (config.output / "seed-0" / "plain.npz").unlink()
    run_arm(config)
    assert (config.output / "seed-0" / "final" / "model.safetensors").stat().st_mtime_ns == weights
    assert len((config.output / "seed-0" / "plain.npz").read_bytes()) == len(before)


def test_files_of_types_of_one_task_are_refused(joint_study: Path) -> None:
    with pytest.raises(DataError, match="Name one for each task"):
        Arm.open(arm(joint_study, "twice", "off", ("retrosynthesis", "retrosynthesis")))


def test_gradients_of_the_tasks_with_and_without_types(joint_study: Path, tmp_path: Path) -> None:
    found = {}
    for knowledge in ("off", "out_of_fold"):
        config = arm(joint_study, f"gradients-{knowledge}", knowledge)  # type: ignore[arg-type]
        run_arm(config)
        final = config.output / "seed-0" / "final"
        wanted = GradientConfig(config.output / "data", final, tmp_path / f"{knowledge}.json", batches=4, rows=4)
        found[knowledge] = json.loads(compare_gradients(wanted).read_text())["cosines"]["all"]
    assert [list(pairs) for pairs in found.values()] == [[", ".join(TASKS)]] * 2
    assert found["off"] != found["out_of_fold"]


BASE = """
task = "joint"
output = "{home}/bench"
[arm]
prepared = "{study}/prepared"
start_from = "{study}/elicited/encoder"
max_length = 24
watched = 5
held_out = 6
row_types = ["{study}/row_types/retrosynthesis/output-3.npz", "{study}/row_types/forward_prediction/output-3.npz"]
[arm.training]
total_tokens = 1000
tokens_per_batch = 1000
evaluate_tokens = 1000
evaluate_rows = 5
precision = "fp32"
device = "cpu"
[[arm.beams]]
beam_size = 2
"""
OWN = 'base = "base.toml"\ntask = "{task}"\n[arm]\nrow_types = "{study}/row_types/{task}/output-3.npz"\n'
FILES = {
    "joint.toml": 'base = "base.toml"\nagainst = "mean.toml"\n',
    "mean.toml": 'base = "base.toml"\nmean_of = ["zz_retrosynthesis.toml", "forward_prediction.toml"]\n',
    "typed.toml": 'base = "base.toml"\nagainst = "joint.toml"\n[arm]\nknowledge = "out_of_fold"\nwording = "nearest"\n',
    "lost.toml": 'base = "base.toml"\nmean_of = ["zz_retrosynthesis.toml", "gone.toml"]\n',
    "gone.toml": 'base = "base.toml"\n[arm]\nstart_from = "weights/that/are/not/there"\n',
}


def test_a_joint_arm_is_compared_with_the_mean_of_the_arms_of_its_tasks(joint_study: Path, tmp_path: Path) -> None:
    names = {"retrosynthesis": "zz_retrosynthesis.toml", "forward_prediction": "forward_prediction.toml"}
    files = {"base.toml": BASE.format(home=tmp_path, study=joint_study), **FILES}
    files |= {file: OWN.format(task=task, study=joint_study) for task, file in names.items()}
    (tmp_path / "files").mkdir()
    for file, text in files.items():
        (tmp_path / "files" / file).write_text(text)
    result = CliRunner().invoke(app, ["benchmark", str(tmp_path / "files"), "--format", "json"])
    assert result.exit_code == 0, result.output
    arms = json.loads(result.stdout)["arms"]
    assert {name: entry["status"] for name, entry in arms.items()} == {
        "forward_prediction": "scored", "gone": "not run", "joint": "scored", "lost": "not run", "mean": "scored",
        "typed": "scored", "zz_retrosynthesis": "scored",
    }  # fmt: skip
    assert "gone" in arms["lost"]["reason"]
    assert (arms["joint"]["tokens"], arms["mean"]["tokens"], arms["joint"]["n"]) == (2000, 2000, 12)
    assert arms["joint"]["types"] == [TYPES, TYPES]
    gain, mean = arms["joint"]["compared"][0], arms["mean"]["ways"]["plain"]
    for task, file in names.items():
        alone = arms[file.removesuffix(".toml")]["ways"]["plain"]
        assert mean["by_task"][task]["exact_match@1"] == alone["exact_match@1"]
        joint = arms["joint"]["ways"]["plain"]["by_task"][task]["exact_match@1"]["mean"]
        difference = gain["by_task"][task]["exact_match@1"]["difference"]
        assert difference == pytest.approx(joint - alone["exact_match@1"]["mean"], abs=1e-6)
    page = (tmp_path / "bench" / "results.md").read_text()
    assert "of these forward prediction" in page
    again = CliRunner().invoke(app, ["benchmark", str(tmp_path / "files" / "joint.toml"), "--format", "json"])
    assert set(json.loads(again.stdout)["arms"]) == {"joint", "mean", "forward_prediction", "zz_retrosynthesis"}
    assert again.stderr.count("was scored before") == 4
