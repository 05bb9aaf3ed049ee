"""A chain of stages under torchrun: two processes share every step, one of them writes, and the budget is the same."""

import subprocess
import sys
from pathlib import Path

import torch

from retort.chem.graphs import molecular_graph
from retort.config import as_dict, load
from retort.data.molecule_rows import write_rows
from retort.models.checkpoint import read_card
from retort.models.multimodal_checkpoint import load_multimodal
from retort.prompting.dialogue import (
    OWN_TEMPLATE,
    Dialogue,
    RunningText,
    Turn,
    VocabularyTokens,
    encode_dialogue,
    encode_running_text,
)
from retort.prompting.molecules import MOLECULE
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.train_stages import TrainStagesConfig, train_stages

MOLECULES = ["CCO", "CCN", "c1ccccc1", "CC(=O)O", "O", "CCCC", "C#N", "CCl"]
CONFIG = """
output = "set by an override"
rows_folder = "{rows}"
[causal]
width = 16
inner_width = 16
layers = 1
heads = 2
key_value_heads = 2
[reader.encoder]
layers = 1
width = 8
[training]
places_per_batch = 96
limit = 32
evaluate_rows = 4
device = "cpu"
precision = "{precision}"
[[stages]]
name = "words"
mixture = {{ smiles_text = 1.0 }}
policy = {{ name = "all" }}
places = 1500
[[stages]]
name = "molecules"
mixture = {{ graph_to_smiles = 1.0, smiles_text = 1.0 }}
policy = {{ name = "adapters", lora = {{ rank = 2, alpha = 4.0 }} }}
places = 1500
"""


def rows(folder: Path) -> Path:
    tokens = VocabularyTokens(Vocabulary.build([]))
    asked = [
        encode_dialogue(Dialogue((Turn("user", MOLECULE), Turn("assistant", s)), (s,)), OWN_TEMPLATE, tokens)
        for s in MOLECULES
    ]
    texts = [encode_running_text(RunningText(smiles), tokens) for smiles in MOLECULES]
    kinds = {"graph_to_smiles": asked, "smiles_text": texts}
    graphs = {smiles: molecular_graph(smiles) for smiles in MOLECULES}
    write_rows(folder, {"train": kinds, "valid": kinds}, graphs, tokens.vocabulary, {})
    return folder


def test_two_processes_share_the_steps_of_a_chain(tmp_path: Path) -> None:
    """Batches of text alone are among them, which leave the molecules' weights without a gradient."""
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(rows=rows(tmp_path / "rows"), precision="bf16"), "utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    program = ["-m", "retort.recipes.train_stages", str(config), f"output={tmp_path / 'two'}"]
    done = subprocess.run([*command, *program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    single = load(TrainStagesConfig, config, [f"output={tmp_path / 'one'}"])
    train_stages(single, lambda _: None)
    assert not list((tmp_path / "two").glob("*.state.pt"))
    for stage in single.stages:
        one, two = (read_card(tmp_path / name / stage.name)["report"] for name in ("one", "two"))
        assert two["steps"] < one["steps"] <= 2 * two["steps"]
        assert min(one["places"], two["places"]) >= stage.places
        assert two["trained"] == one["trained"]
    start, end = (load_multimodal(tmp_path / "two" / name).model for name in ("start", "words"))
    moved = [not torch.equal(a, b) for a, b in zip(start.state_dict().values(), end.state_dict().values(), strict=True)]
    assert any(moved)
    assert as_dict(single)["training"]["precision"] == "bf16"
