"""A model's own molecules against those of other rows: exchanged properly, and compared row by row."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from retort.chem.graphs import molecular_graph
from retort.data.molecule_rows import write_rows
from retort.errors import DataError, UnknownNameError
from retort.models.causal import CausalConfig, MultimodalCausal, build_causal
from retort.models.graph_encoder import GraphEncoderConfig
from retort.models.molecule_reader import MoleculeReaderConfig
from retort.models.multimodal_checkpoint import save_multimodal
from retort.prompting.dialogue import OWN_TEMPLATE, Dialogue, EncodedRow, Turn, VocabularyTokens, encode_dialogue
from retort.prompting.molecules import MOLECULE
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.graphs_matter import GraphsMatterConfig, exchanged, graphs_matter

VOCABULARY = Vocabulary.build([])
TOKENS = VocabularyTokens(VOCABULARY)
MOLECULES = ["CCO", "COC", "CCN", "CNC", "CC(C)=O", "c1ccccc1"]


def row(*molecules: str) -> EncodedRow:
    asked = Turn("user", ".".join([MOLECULE] * len(molecules)))
    return encode_dialogue(Dialogue((asked, Turn("assistant", molecules[0])), molecules), OWN_TEMPLATE, TOKENS)


def test_every_row_gets_the_molecules_of_another_with_as_many() -> None:
    rows = [*(row(m) for m in MOLECULES), row("C", "O"), row("N", "F"), row("C", "N", "O"), EncodedRow((3,), (True,))]
    pairs = exchanged(rows, 0)
    assert [own for own, _ in pairs] == rows[:8]  # three molecules has one row alone; the last has none
    for own, other in pairs:
        assert (other.ids, other.learned) == (own.ids, own.learned)
        assert other.molecules != own.molecules
        assert len(other.molecules) == len(own.molecules)
    assert Counter(p.molecules for _, p in pairs) == Counter(p.molecules for p, _ in pairs)
    assert exchanged(rows, 0) == pairs
    assert exchanged(rows, 1) != pairs


@pytest.fixture
def config(tmp_path: Path) -> GraphsMatterConfig:
    rows = {
        "train": {"spelled": [row("C")], "lonely": [row("C")]},
        "valid": {"spelled": [row(m) for m in MOLECULES], "lonely": [row("C", "O")]},
    }
    graphs = {smiles: molecular_graph(smiles) for smiles in [*MOLECULES, "C", "O"]}
    write_rows(tmp_path / "rows", rows, graphs, VOCABULARY, {})
    torch.manual_seed(0)
    card = CausalConfig(
        vocabulary_size=len(VOCABULARY), width=16, inner_width=24, layers=1, heads=2, key_value_heads=2, positions=64
    )
    model = MultimodalCausal(build_causal(card), MoleculeReaderConfig(encoder=GraphEncoderConfig(layers=2, width=12)))
    save_multimodal(tmp_path / "stage", model, TOKENS, OWN_TEMPLATE, {})
    return GraphsMatterConfig(tmp_path / "stage", tmp_path / "rows", tmp_path / "table.json", ("spelled",))


def test_a_table_tells_both_and_the_difference(config: GraphsMatterConfig) -> None:
    found = json.loads(graphs_matter(config).read_text())["kinds"]["spelled"]
    assert (found["n"], found["left_out"]) == (6, 0)
    own, other, gain = (found[name]["mean"] for name in ("own_molecules", "other_molecules", "gain"))
    assert own < 0
    assert gain == pytest.approx(own - other, abs=2e-6)
    assert gain != 0  # an untrained model sees graphs too
    assert 0 <= found["better"]["mean"] <= 1
    assert found["gain"]["interval"][0] <= gain <= found["gain"]["interval"][1]
    short = json.loads(graphs_matter(replace(config, limit=12)).read_text())["kinds"]["spelled"]
    assert short["left_out"] == 6 - short["n"] > 0


def test_rows_that_cannot_be_exchanged_are_refused(config: GraphsMatterConfig) -> None:
    with pytest.raises(DataError, match="as many molecules"):
        graphs_matter(replace(config, kinds=("lonely",)))
    with pytest.raises(UnknownNameError):
        graphs_matter(replace(config, kinds=("spelt",)))
