"""Training in stages runs on a bare machine too: rows that were carried there, no RDKit, polars or pydantic."""

import subprocess
import sys
from pathlib import Path

from retort.chem.graphs import molecular_graph
from retort.data.molecule_rows import write_rows
from retort.prompting.dialogue import OWN_TEMPLATE, Dialogue, Turn, VocabularyTokens, encode_dialogue
from retort.prompting.molecules import MOLECULE
from retort.prompting.vocabulary import Vocabulary

PROGRAM = """
import sys


class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"rdkit", "polars", "pydantic"}:
            raise ModuleNotFoundError(f"No module named {name!r} (blocked by the test)", name=name)


sys.meta_path.insert(0, Block())
from retort.models.multimodal_checkpoint import load_multimodal
from retort.recipes.train_stages import main

code = main(sys.argv[1:])
assert load_multimodal(__import__("pathlib").Path(sys.argv[2].removeprefix("output=")) / "tuning").card["lora"]
assert not {"rdkit", "polars", "pydantic"} & set(sys.modules)
sys.exit(code)
"""

CONFIG = """
output = "set by an override"
rows_folder = "set by an override"

[causal]
width = 16
inner_width = 16
layers = 1
heads = 2
key_value_heads = 2

[reader.encoder]
layers = 1
width = 8

[reader.shape.encoder]
layers = 1
width = 8
basis = 4

[training]
places_per_batch = 64
limit = 32

[[stages]]
name = "alignment"
mixture = { graph_to_smiles = 1.0 }
places = 100

[[stages]]
name = "tuning"
mixture = { graph_to_smiles = 1.0 }
policy = { name = "adapters", lora = { rank = 2 } }
places = 100
"""


def test_stages_run_without_chemistry(tmp_path: Path) -> None:
    vocabulary = Vocabulary.build([])
    tokens = VocabularyTokens(vocabulary)
    rows = [
        encode_dialogue(Dialogue((Turn("user", MOLECULE), Turn("assistant", smiles)), (smiles,)), OWN_TEMPLATE, tokens)
        for smiles in ("CCO", "CCN", "O")
    ]
    graphs = {smiles: molecular_graph(smiles) for smiles in ("CCO", "CCN", "O")}
    prepared = {"train": {"graph_to_smiles": rows}, "valid": {"graph_to_smiles": rows[:1]}}
    write_rows(tmp_path / "rows", prepared, graphs, vocabulary, {})
    (tmp_path / "config.toml").write_text(CONFIG, "utf-8")
    overrides = [f"output={tmp_path / 'run'}", f"rows_folder={tmp_path / 'rows'}"]
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "config.toml"), *overrides]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(tmp_path / "run" / "tuning")
