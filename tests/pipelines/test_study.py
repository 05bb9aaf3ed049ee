"""A study of types end to end: prepare -> elicit -> the types of every row -> arms that differ only in what is told."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retort.data.collate import PreparedFolder
from retort.elicitation.knowledge import Knowledge
from retort.errors import ConfigError, DataError
from retort.evaluation.predictions import read
from retort.prompting.template import Library, own_library
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.row_types import TypesOfRows
from retort.recipes.study import Arm, run_arm
from retort.recipes.study_config import ArmConfig, Beam
from retort.recipes.study_scores import score_arm
from retort.training.config import TrainingConfig


def arm(study: Path, name: str, knowledge: Knowledge, file: str = "output-3", **changes: object) -> ArmConfig:
    """Return an arm that learns next to nothing, in next to no time."""
    training = TrainingConfig(
        total_tokens=2000, tokens_per_batch=1000, evaluate_tokens=1000, evaluate_rows=5, precision="fp32", device="cpu"
    )
    config = ArmConfig(
        study / "prepared",
        study / "row_types" / f"{file}.npz",
        study / "elicited" / "encoder",
        study / "arms" / name,
        training,
        knowledge,
        max_length=24,
        watched=5,
        held_out=6,
        beams=(Beam(beam_size=2),),
    )
    return replace(config, **changes)  # type: ignore[arg-type]


def prompts(config: ArmConfig, split: str) -> list[str]:
    """Return the prompts that an arm has written, canonical copies only."""
    data = config.output / "data"
    words, rows = Vocabulary.load(data / "vocabulary.json"), PreparedFolder.open(data, verify=True).split(split)
    return [words.decode(rows.pair(row, -row)[0].tolist()) for row in range(len(rows))]


def test_types_of_rows_are_of_the_right_records(study: Path) -> None:
    types = TypesOfRows.load(study / "row_types" / "output-3.npz")
    words = Vocabulary.load(study / "prepared" / "vocabulary.json")
    split = PreparedFolder.open(study / "prepared").split("train")
    assert len(types.train) == len(split) == len(set(types.rows.tolist()))
    for row, label in zip(types.rows, types.train.classes, strict=True):  # an ester has a single bond to oxygen
        assert label == (1 if "N" in words.decode(split.pair(row, -row)[0].tolist()) else 2)
    test = types.held_out("test")
    assert [words.decode(list(source)) for source, _ in test.pairs] == [
        "<retrosynthesis>" + line.split(",")[0]
        for line in (study / "prepared/examples/test/table.retrosynthesis.csv").read_text().splitlines()[1:]
    ]
    with pytest.raises(DataError, match="no types of the part 'valid_b'"):
        types.held_out("valid_b")


@pytest.mark.parametrize(
    ("knowledge", "file"),
    [
        ("off", "output-3"),
        ("oracle", "output-3"),
        ("out_of_fold", "output-3"),
        ("soft", "output-3"),
        ("curated", "output-3"),
        ("input_only", "input-2"),
    ],
)
def test_prompts_tell_what_is_known(study: Path, knowledge: Knowledge, file: str) -> None:
    config = arm(study, f"{knowledge}-prompts", knowledge, file)
    run_arm(config)
    types = TypesOfRows.load(config.row_types)
    texts = prompts(config, "train")
    assert len(texts) == len(types.train)
    for place, text in enumerate(texts):
        told = text.removeprefix("<retrosynthesis>")
        if knowledge == "off":
            assert not told.startswith("<")
        elif knowledge == "curated":
            assert told.startswith(f"<class_{types.train.classes[place]}>")
        elif knowledge == "soft":
            assert told.count("<type_") == 8
        else:
            read = types.train.read.argmax(axis=1) if knowledge == "out_of_fold" else types.train.labels
            assert told.startswith(f"<type_{read[place]}>")
            assert told.count("<type_") == 1
    assert [text.count("<") for text in prompts(config, "valid")] == [texts[0].count("<")] * 5


def test_an_arm_is_trained_decoded_and_scored_with_every_row(study: Path) -> None:
    beams = (Beam(beam_size=2), Beam("mixture", "mixture", 2, 2))
    config = arm(study, "scored", "out_of_fold", beams=beams, seeds=(0, 1))
    run_arm(config)
    judged = score_arm(config)
    counts = {
        name: {t: [len(p.rows) for p in seeds] for t, seeds in of.items()} for name, of in judged.predictions.items()
    }
    assert counts == {"plain": {"retrosynthesis": [6, 6]}, "mixture": {"retrosynthesis": [6, 6]}}
    figures = json.loads((config.output / "figures.json").read_text())["figures"]
    assert figures["plain"]["n"] == 6
    assert len(figures["mixture"]["exact_match@1"]["by_seed"]) == 2
    types = TypesOfRows.load(config.row_types)
    targets = [row.target for row in read(config.output / "seed-0" / "plain.jsonl").rows]
    words = Vocabulary.load(config.start_from / "vocabulary.json")
    assert targets == [words.decode(list(target)) for _, target in types.held_out("test").pairs[:6]]


def test_an_arm_goes_on_where_it_was_cut_off_and_refuses_another(study: Path) -> None:
    config = arm(study, "again", "predicted")
    run_arm(config)
    weights = (config.output / "seed-0" / "final" / "model.safetensors").stat().st_mtime_ns
    (config.output / "seed-0" / "plain.npz").unlink()
    run_arm(replace(config, seeds=(0, 1)))
    assert (config.output / "seed-0" / "final" / "model.safetensors").stat().st_mtime_ns == weights
    assert (config.output / "seed-0" / "plain.npz").is_file()
    with pytest.raises(ConfigError, match="belongs to another arm"):
        run_arm(replace(config, knowledge="oracle"))
    path = config.output / "arm.json"
    known = json.loads(path.read_text())
    path.write_text(json.dumps({key: value for key, value in known.items() if key != "wording"}))
    run_arm(config)  # a file that an older release wrote knew no wordings: its arm had compact prompts
    with pytest.raises(ConfigError, match="belongs to another arm"):
        run_arm(replace(config, wording="static"))


@pytest.mark.parametrize("knowledge", ["off", "predicted"])
@pytest.mark.parametrize("wording", ["static", "random", "nearest", "dynamic"])
def test_instructions_are_told_with_and_without_the_type(study: Path, wording: str, knowledge: Knowledge) -> None:
    config = arm(study, f"worded-{wording}-{knowledge}", knowledge, wording=wording)
    run_arm(config)
    texts = prompts(config, "train")
    assert all((text.partition("</text>")[0][-1] in "012") == (knowledge != "off") for text in texts)
    assert all(text.startswith("<text>") and "</text>" in text for text in texts)
    distinct = {text.partition("</text>")[0].rstrip("0123456789") for text in texts}
    assert (len(distinct) == 1) == (wording == "static") or wording == "nearest"
    facts = json.loads((config.output / "data" / "manifest.json").read_text())["wordings"]["retrosynthesis"]
    assert bool(facts) == (wording in ("nearest", "dynamic"))
    assert score_arm(config).predictions["plain"]["retrosynthesis"][0].rows[0].query.startswith(tuple("CFNOc"))


def test_instructions_may_come_from_a_wider_store(study: Path, tmp_path: Path) -> None:
    texts = [f"Take the molecule apart, say how, number {number}." for number in range(50)]
    own = Library.joined("wide", [own_library(), Library.from_texts("wide", "retrosynthesis", texts)])
    own.save(tmp_path / "wide.json")
    config = arm(study, "wider", "predicted", wording="dynamic", instructions=tmp_path / "wide.json")
    run_arm(config)
    assert any("Take the molecule apart" in text for text in prompts(config, "train"))
    assert score_arm(config).figures["plain"]["n"] == 6
    Library.from_texts("other", "forward_prediction", ["What is made?"]).save(tmp_path / "other.json")
    with pytest.raises(DataError, match="'retrosynthesis' has no instructions"):
        Arm.open(replace(config, instructions=tmp_path / "other.json"))
    with pytest.raises(ConfigError, match="compact prompts have no instructions"):
        replace(config, wording="compact")


def test_only_types_that_are_read_can_be_mixed(study: Path) -> None:
    with pytest.raises(ConfigError, match="mixes types"):
        arm(study, "x", "oracle", beams=(Beam("wide", "mixture"),))


def test_no_test_row_is_told_its_cluster(study: Path) -> None:
    (opened,) = Arm.open(arm(study, "honest", "out_of_fold")).tasks
    part = opened.types.held_out("test")
    other = replace(part, types=replace(part.types, labels=(part.types.labels + 1) % 3))
    for first, second in zip(*(opened.wordings(p, Beam()) for p in (part, other)), strict=True):
        assert first == second
    assert np.array_equal(
        [ways[0][0].reaction_types[0] for ways in opened.wordings(part, Beam())], part.types.read.argmax(axis=1)
    )


def test_training_and_decoding_need_no_chemistry(study: Path) -> None:
    script = f"""
import sys
for name in ("rdkit", "polars", "pydantic", "ctranslate2"):
    sys.modules[name] = None
from pathlib import Path
from retort.recipes.study import main
raise SystemExit(main([{str(study / "arm.toml")!r}]))
"""
    (study / "arm.toml").write_text(
        f"""
prepared = "{study / "prepared"}"
row_types = "{study / "row_types" / "output-3.npz"}"
start_from = "{study / "elicited" / "encoder"}"
output = "{study / "arms" / "bare"}"
knowledge = "soft"
max_length = 24
held_out = 4
watched = 4
[training]
total_tokens = 1000
tokens_per_batch = 1000
evaluate_tokens = 1000
evaluate_rows = 4
precision = "fp32"
device = "cpu"
[[beams]]
beam_size = 2
"""
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (study / "arms" / "bare" / "seed-0" / "plain.npz").is_file()
