"""Small kernels: the ranker's matrix products in numpy and torch, and graphs encoded one by one or together."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from contest import Contest, Way
from molecules import DRUGS
from retort.chem.graphs import molecular_graph
from retort.models.graph_batch import GraphBatch
from retort.models.graph_encoder import GraphEncoderConfig, build_graph_encoder
from retort.models.ranker import Ranker, RankerMeta, top_k

BITS, HIDDEN, CLASSES, BATCH = 2048, 512, 10_000, 8


def contests(_: Path) -> Iterator[Contest]:
    """Yield the contests."""
    torch.set_num_threads(1)
    yield Contest(f"ranker, {CLASSES:,} classes, top 50", "question", BATCH, ranker_calls())
    yield Contest(f"graph encoder, {len(DRUGS)} molecules", "molecule", len(DRUGS), graph_calls())


def ranker_calls() -> dict[str, Way]:
    """Return calls that rank the classes of one random network in torch and in numpy."""
    rng = np.random.default_rng(0)
    w1 = rng.normal(size=(BITS, HIDDEN)).astype(np.float32)
    w2 = rng.normal(size=(HIDDEN, CLASSES)).astype(np.float32)
    b1, b2 = np.zeros(HIDDEN, np.float32), np.zeros(CLASSES, np.float32)
    x = (rng.random((BATCH, BITS)) < 0.03).astype(np.float32)
    meta = RankerMeta("retrosynthesis", "template", {"bits": BITS}, "", 0)
    ranker = Ranker(meta, w1, b1, w2, b2, tuple(map(str, range(CLASSES))), np.ones(CLASSES, np.int32))
    tensors = [torch.from_numpy(array) for array in (x, w1, b1, w2, b2)]

    @torch.no_grad()
    def in_torch() -> object:
        x, w1, b1, w2, b2 = tensors
        return torch.log_softmax(torch.nn.functional.elu(x @ w1 + b1) @ w2 + b2, dim=-1).topk(50)

    return {"torch": in_torch, "numpy": lambda: top_k(ranker.log_probabilities(x), 50)}


def graph_calls() -> dict[str, Way]:
    """Return calls that encode the same molecules: one by one, and as one large graph."""
    graphs = [molecular_graph(smiles) for smiles in DRUGS]
    encoder = build_graph_encoder(GraphEncoderConfig()).eval().requires_grad_(False)
    return {
        "one by one": lambda: [encoder(GraphBatch.collate([graph])) for graph in graphs],
        "batched": lambda: encoder(GraphBatch.collate(graphs)),
    }
