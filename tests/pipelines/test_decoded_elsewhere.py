"""Questions travel, are decoded without chemistry, and the answers come back as a model that can be evaluated."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from retort.errors import ModelError
from retort.inference.model_folder import seal
from retort.inference.predictor import Predictor
from retort.models.protocol import Hypothesis
from retort.models.recorded import RecordedSeq2Seq, read_questions, write_answers, write_questions
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.questions import QuestionsConfig, write_asked

torch = pytest.importorskip("torch", reason="needs the extra [train]")

from retort.models import checkpoint  # noqa: E402
from retort.models.backbone import BACKBONES, Seq2SeqConfig  # noqa: E402

VOCABULARY = Vocabulary.build(())
QUERIES = ["CC(=O)Nc1ccc(O)cc1", "CCO", "CC(=O)NC", "not a molecule"]
BARE = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"rdkit", "polars", "pydantic", "typer"}:
            raise ModuleNotFoundError(f"No module named {name!r} (blocked by the test)", name=name)
sys.meta_path.insert(0, Block())
import runpy
sys.argv = ["programme", *sys.argv[1:]]
runpy.run_module("retort.recipes.programme", run_name="__main__")
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a folder with a checkpoint of random weights and a table of queries."""
    torch.manual_seed(3)
    card = Seq2SeqConfig(
        vocabulary_size=len(VOCABULARY), d_model=32, d_kv=16, d_ff=64, layers=1, decoder_layers=1, heads=2
    )
    network: Any = BACKBONES.get("t5").build(card)
    checkpoint.save(tmp_path / "checkpoint", network, VOCABULARY, {})
    (tmp_path / "rows.csv").write_text("input\n" + "\n".join(QUERIES) + "\n")
    return tmp_path


def model(folder: Path, engine: str, **extra: Any) -> Predictor:
    """Return a predictor for a folder that holds a language model."""
    settings = {"kind": "language_model", "folder": ".", "engine": engine, "augmentations": 3, "beam_size": 10}
    task = {"trained": True, "proposers": ["language_model"]}
    seal(
        folder,
        {"name": "m", "release": "1", "proposers": {"language_model": settings}, "tasks": {"retrosynthesis": task}},
    )
    return Predictor.load(str(folder))


def test_answers_decoded_elsewhere_are_those_of_the_model(home: Path) -> None:
    asked = write_asked(
        QuestionsConfig("retro", home / "rows.csv", home / "checkpoint" / "vocabulary.json", home / "asked.npz", 3)
    )
    assert len(read_questions(asked)) > len(QUERIES)
    (home / "away.toml").write_text(
        f'output = "{home / "out"}"\n[[steps]]\nname = "decode"\nrecipe = "decode"\n[steps.set]\n'
        f'checkpoint = "{home / "checkpoint"}"\nquestions = ["{asked}"]\npiece = 2\n'
    )
    done = subprocess.run(
        [sys.executable, "-c", BARE, str(home / "away.toml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answers = Path(done.stdout.strip())
    assert len(list(answers.glob("asked.*.npz"))) > 1
    recorded = model(answers, "recorded").predict("retro", QUERIES)
    direct = model(home / "checkpoint", "transformers").predict("retro", QUERIES)
    assert [p.to_dict() for p in recorded] == [p.to_dict() for p in direct]


def test_recorded_answers_are_kept_exactly_and_nothing_is_made_up(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    answers = [[Hypothesis((5, 6), -0.5), Hypothesis((), -1.0)], [Hypothesis((7,), -2.0)]]
    write_answers(path, [(3, 1), (4, 4, 1)], answers, 20)
    recorded = RecordedSeq2Seq([path])
    assert recorded.generate([(4, 4, 1), (3, 1)], beam_size=1, num_hypotheses=1, max_length=20) == [
        [Hypothesis((7,), -2.0)],
        [Hypothesis((5, 6), -0.5)],
    ]
    assert recorded.score([(3, 1)], [(5, 6)]) == [-1.5]
    with pytest.raises(ModelError, match="no answer was recorded"):
        recorded.generate([(9, 1)], beam_size=1, num_hypotheses=1, max_length=20)
    with pytest.raises(ModelError, match="2 answers are asked for and 1 were recorded"):
        recorded.generate([(4, 4, 1)], beam_size=2, num_hypotheses=2, max_length=20)
    with pytest.raises(ModelError, match="up to 20 tokens"):
        recorded.generate([(3, 1)], beam_size=1, num_hypotheses=1, max_length=30)
    with pytest.raises(ModelError, match="nothing but themselves"):
        recorded.score([(3, 1)], [(9,)])


def test_a_file_that_is_no_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_text("nonsense")
    with pytest.raises(ModelError, match=r"a\.npz"):
        RecordedSeq2Seq([tmp_path / "a.npz"])
    write_questions(tmp_path / "b.npz", [(1,)])
    with pytest.raises(ModelError, match=r"b\.npz"):
        RecordedSeq2Seq([tmp_path / "b.npz"])
    with pytest.raises(ModelError, match="no recorded answers"):
        RecordedSeq2Seq([])


def test_the_card_of_a_recorded_model_is_sealed_like_any_other(home: Path) -> None:
    write_answers(home / "checkpoint" / "x.npz", [(3, 1)], [[Hypothesis((5,), -1.0)]], 256)
    card = model(home / "checkpoint", "recorded")
    assert json.loads((home / "checkpoint" / "model.json").read_text())["files"]["x.npz"]
    with pytest.raises(ModelError, match="no answer was recorded"):
        card.predict("retro", ["CCO"])
