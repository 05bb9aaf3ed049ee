"""Tiny multimodal models and rows that several tests share."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from retort.chem.graphs import molecular_graph
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.models.causal import CausalConfig, MultimodalCausal, build_causal
from retort.models.graph_encoder import GraphEncoderConfig
from retort.models.molecule_reader import MoleculeReaderConfig
from retort.models.multimodal import MultimodalModel, MultimodalSeq2Seq
from retort.models.multimodal_batch import Collator, MultimodalBatch, Side
from retort.models.projector import Granularity, ProjectorConfig
from retort.prompting.dialogue import OWN_TEMPLATE, Dialogue, EncodedRow, Turn, VocabularyTokens, encode_dialogue
from retort.prompting.molecules import InputMode, join_molecules, listed
from retort.prompting.vocabulary import Vocabulary

VOCABULARY = Vocabulary.build([])
TOKENS = VocabularyTokens(VOCABULARY)
CAUSAL = ("llama", "mistral", "phi", "qwen2")
FAMILIES = (*CAUSAL, "t5")
READER = MoleculeReaderConfig(encoder=GraphEncoderConfig(layers=2, width=12))


def reader(granularity: Granularity = "atom") -> MoleculeReaderConfig:
    return replace(READER, projector=ProjectorConfig(granularity=granularity, queries=3))


def model(family: str, granularity: Granularity = "atom") -> MultimodalModel:
    """Build a tiny random model, in evaluation mode, whose weights are far enough from zero to matter."""
    torch.manual_seed(0)
    if family == "t5":
        card = Seq2SeqConfig(d_model=16, d_kv=8, d_ff=24, layers=2, decoder_layers=2, heads=2)
        network = BACKBONES.get("t5").build(replace(card, vocabulary_size=len(VOCABULARY)))
        return MultimodalSeq2Seq(network, reader(granularity)).eval()
    network = build_causal(
        CausalConfig(
            family=family,
            vocabulary_size=len(VOCABULARY),
            width=16,
            inner_width=24,
            layers=2,
            heads=4,
            key_value_heads=2 if family != "phi" else 4,
            positions=256,
        )
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(4.0 if parameter.ndim > 1 else 1.0)
    return MultimodalCausal(network, reader(granularity)).eval()


def row(molecules: Sequence[str], answer: str = "CO", mode: InputMode = "graph") -> EncodedRow:
    """Encode a question about molecules and its answer."""
    question = Turn("user", "<forward_prediction>" + join_molecules(molecules, mode))
    turns = (question, *([Turn("assistant", answer)] if answer else []))
    return encode_dialogue(Dialogue(turns, listed(molecules, mode)), OWN_TEMPLATE, TOKENS)


ROWS = (row(["CCO", "[Na+]", "c1ccccc1"]), row([], "CCCC"), row(["O"], "N"))


def collator(granularity: Granularity = "atom", *, limit: int = 200, side: Side = "right") -> Collator:
    smiles = ("CCO", "[Na+]", "c1ccccc1", "O", "CCN", "C", "CC(=O)O", "CCCCC")
    graphs = {text: molecular_graph(text) for text in smiles}
    return Collator(graphs, reader(granularity).tokens, TOKENS.pad_id, limit, side)


def batch(
    net: MultimodalModel, rows: Sequence[EncodedRow], granularity: Granularity = "atom", *, side: Side = "right"
) -> MultimodalBatch:
    made = collator(granularity, side=side)
    return made.seq2seq(rows) if isinstance(net, MultimodalSeq2Seq) else made.causal(rows)
