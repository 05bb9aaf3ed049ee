"""Molecules that a language model knows by their graphs alone: it learns to spell them, and spells what it is shown."""

from dataclasses import replace

import pytest
import torch

from retort.chem.graphs import molecular_graph
from retort.models.adapters import Policy, apply_policy
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.models.causal import CausalConfig, MultimodalCausal, build_causal
from retort.models.graph_encoder import GraphEncoderConfig
from retort.models.molecule_reader import MoleculeReaderConfig
from retort.models.multimodal import MultimodalModel, MultimodalSeq2Seq
from retort.models.multimodal_batch import Collator
from retort.models.projector import Granularity, ProjectorConfig
from retort.prompting.dialogue import (
    OWN_TEMPLATE,
    Dialogue,
    Turn,
    VocabularyTokens,
    encode_dialogue,
    encode_question,
)
from retort.prompting.molecules import MOLECULE
from retort.prompting.vocabulary import Vocabulary

# Pairs of isomers: counting atoms would not do.
MOLECULES = ["CCO", "COC", "CCN", "CNC", "CC(C)=O", "CCC=O"]
VOCABULARY = Vocabulary.build([])
TOKENS = VocabularyTokens(VOCABULARY)


def build(kind: str, granularity: Granularity) -> MultimodalModel:
    torch.manual_seed(0)
    reader = MoleculeReaderConfig(
        encoder=GraphEncoderConfig(layers=3, width=32, dropout=0.0),
        projector=ProjectorConfig(granularity=granularity, queries=3),
    )
    if kind == "causal":
        card = CausalConfig(vocabulary_size=len(VOCABULARY), width=48, inner_width=96, layers=2, heads=4, positions=64)
        return MultimodalCausal(build_causal(card), reader)
    small = Seq2SeqConfig(d_model=48, d_kv=12, d_ff=96, layers=1, decoder_layers=1, heads=4)
    return MultimodalSeq2Seq(BACKBONES.get("t5").build(replace(small, vocabulary_size=len(VOCABULARY))), reader)


def asked(smiles: str) -> Dialogue:
    return Dialogue((Turn("user", MOLECULE),), (smiles,))


def collator(model: MultimodalModel, graphs: dict[str, str]) -> Collator:
    """Collate with the graph of ``graphs[smiles]`` in place of that of ``smiles``."""
    shown = {smiles: molecular_graph(other) for smiles, other in graphs.items()}
    return Collator(shown, model.reader.config.tokens, TOKENS.pad_id, limit=64, side="left")


def spell(model: MultimodalModel, graphs: dict[str, str]) -> list[str]:
    questions = [encode_question(asked(smiles), OWN_TEMPLATE, TOKENS) for smiles in MOLECULES]
    answers = model.eval().generate(collator(model, graphs).question(questions), max_length=12)
    return [VOCABULARY.decode(answer) for answer in answers]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "granularity"), [("causal", "atom"), ("causal", "queries"), ("seq2seq", "graph")])
def test_a_model_spells_the_graph_that_it_is_shown(kind: str, granularity: Granularity) -> None:
    model = build(kind, granularity)
    rows = [
        encode_dialogue(Dialogue((Turn("user", MOLECULE), Turn("assistant", smiles)), (smiles,)), OWN_TEMPLATE, TOKENS)
        for smiles in MOLECULES
    ]
    own = {smiles: smiles for smiles in MOLECULES}
    made = collator(model, own)
    batch = made.seq2seq(rows) if kind == "seq2seq" else made.causal(rows)
    apply_policy(model, Policy("all", encoders=True))
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    for _ in range(150):
        loss = model.train()(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert spell(model, own) == MOLECULES
    shuffled = dict(zip(MOLECULES, [*MOLECULES[1:], MOLECULES[0]], strict=True))
    assert spell(model, shuffled) == list(shuffled.values())  # the text of all questions is the same
