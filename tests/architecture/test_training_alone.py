"""Training runs on a bare machine: without RDKit, polars and pydantic, a model takes three steps and is stored."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from retort.prompting.vocabulary import Vocabulary

PROGRAM = """
import sys
from pathlib import Path


class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"rdkit", "polars", "pydantic"}:
            raise ModuleNotFoundError(f"No module named {name!r} (blocked by the test)", name=name)


sys.meta_path.insert(0, Block())
from retort.recipes.average import main as average
from retort.recipes.train import main

code = main(sys.argv[1:])
final = sys.argv[3].removeprefix("output=") + "/final"
if code == 0:
    code = average([final, final, f"output={final}/../mean"])
assert not {"rdkit", "polars", "pydantic"} & set(sys.modules)
sys.exit(code)
"""

CONFIG = """
[model]
d_model = 16
d_kv = 8
d_ff = 32
layers = 1
decoder_layers = 1
heads = 2
[training]
total_tokens = 45
tokens_per_batch = 20
max_source_length = 8
max_target_length = 12
warmup_tokens = 10
precision = "fp32"
device = "cpu"
"""


def write_prepared(folder: Path) -> None:
    folder.mkdir()
    vocabulary = Vocabulary.build([])
    vocabulary.save(folder / "vocabulary.json")
    sequences = [vocabulary.encode(text) for text in ("<retrosynthesis>CCO", "CC.OCCNCC")] * 3
    for split in ("train", "valid"):
        np.save(folder / f"{split}.tokens.npy", np.concatenate(sequences).astype(np.uint16))
        np.save(folder / f"{split}.offsets.npy", np.cumsum([0, *map(len, sequences)]).astype(np.int64))
        np.save(folder / f"{split}.tasks.npy", np.zeros(3, np.uint8))
    manifest = {
        "format": "retort-prepared",
        "version": 1,
        "copies": {"train": 1, "valid": 1},
        "tasks": ["retrosynthesis"],
        "vocabulary_sha256": vocabulary.sha256,
        "splits": {"train": {"rows": 3}, "valid": {"rows": 3}},
        "files": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def run(tmp_path: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG, "utf-8")
    places = [f"prepared={tmp_path / 'prepared'}", f"output={tmp_path / 'run'}"]
    command = [sys.executable, "-c", PROGRAM, str(config), *places, *overrides]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_training_runs_without_chemistry_and_pydantic(tmp_path: Path) -> None:
    write_prepared(tmp_path / "prepared")
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == str(tmp_path / "run" / "final")
    card = json.loads((tmp_path / "run" / "final" / "retort.json").read_text("utf-8"))
    assert card["position"]["step"] == 3
    assert card["config"]["training"]["total_tokens"] == 45
    weights = [(tmp_path / "run" / name / "model.safetensors").read_bytes() for name in ("final", "mean")]
    assert len(weights[0]) == len(weights[1]) > 0


def test_a_wrong_configuration_is_refused_there_too(tmp_path: Path) -> None:
    write_prepared(tmp_path / "prepared")
    done = run(tmp_path, "training.total_token=5")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "unknown key 'training.total_token'. Did you mean 'total_tokens'?" in done.stderr
    done = run(tmp_path, "training.seed=hello")
    assert done.returncode == 2
    assert "training.seed: 'hello' is not int" in done.stderr
