"""Ratios of speed, all measured in this one run on this one machine; absolute times are shown to be judged, not quoted.

One random network answers one prompt behind every engine, with the same beam width and the same limit of steps. The
transformers engine scores its answers once more, as it does in use. Each figure is the fastest of several repetitions,
engines taking turns.
"""

import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from retort.chem.graphs import molecular_graph
from retort.inference.conversion import write_ctranslate2
from retort.inference.engines.ctranslate2 import CTranslate2Engine
from retort.inference.engines.transformers import TransformersEngine
from retort.inference.planning.search import SearchConfig, find_routes
from retort.inference.predictor import Predictor
from retort.inference.stock import Stock
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.models.graph_batch import GraphBatch
from retort.models.graph_encoder import GraphEncoderConfig, build_graph_encoder
from retort.models.protocol import Seq2Seq
from retort.models.ranker import Ranker, RankerMeta, top_k
from retort.prompting.vocabulary import Vocabulary

TARGET = "CCN(CC)CC(=O)Nc1c(C)cccc1C"
PROMPT = "<retrosynthesis>CC(=O)Nc1ccc(O)cc1"
BEAM, STEPS, BATCH, REPEATS = 10, 40, 8, 5
BITS, HIDDEN, CLASSES = 2048, 512, 10_000
EXPANSIONS = 30
MOLECULES = ("CC(=O)Nc1ccc(O)cc1", "CC(=O)Oc1ccccc1C(=O)O", "Cn1c(=O)c2c(ncn2C)n(C)c1=O", "[Na+]", "CCO")


def main() -> None:
    """Measure everything and print one table."""
    torch.set_num_threads(1)
    table = Table("work", "variant", "ms", "relative to the first", title="one thread; smaller is faster")
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = Vocabulary.build([])
        engines = make_engines(Path(folder), vocabulary)
        for count in (1, BATCH):
            calls = {name: beam_search(engine, vocabulary, count) for name, engine in engines.items()}
            add_rows(table, f"beam {BEAM}, {STEPS} steps, {count} queries", fastest(calls))
    add_rows(table, f"ranker, {CLASSES:,} classes, top 50 of {BATCH}", fastest(ranker_calls()))
    for count in (1, BATCH):
        add_rows(table, f"graph encoder, {count * len(MOLECULES)} molecules", fastest(graph_calls(count)))
    add_rows(table, f"{BATCH} molecules, retrosynthesis", fastest(batch_calls()))
    add_rows(table, f"plan of {EXPANSIONS} molecules", fastest(plan_calls()))
    Console().print(table)


def batch_calls() -> dict[str, Callable[[], object]]:
    """Return calls that ask the embedded model for the reactants of eight molecules: one by one, and in one batch."""
    predictor = Predictor.load()
    molecules = [f"CC(=O)Nc1ccc(OC{'C' * length})cc1" for length in range(BATCH)]
    return {
        "one by one": lambda: [predictor.predict("retrosynthesis", [smiles]) for smiles in molecules],
        "batched": lambda: predictor.predict("retrosynthesis", molecules),
    }


def plan_calls() -> dict[str, Callable[[], object]]:
    """Return two runs of one search by the embedded model, from an almost empty stock: the cache off and on."""
    predictor, stock = Predictor.load(), Stock(frozenset(["O"]), frozenset(), 0, "")
    few = SearchConfig(expansions=EXPANSIONS)
    asked = find_routes(predictor, TARGET, stock, few).asked
    many = SearchConfig(expansions=asked)  # without a cache every asking is an expansion

    def uncached() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # syntheseus advises against it
            return find_routes(predictor, TARGET, stock, many, use_cache=False)

    return {
        f"{asked} askings, not cached": uncached,
        f"{asked} askings, cached": lambda: find_routes(predictor, TARGET, stock, few),
    }


def make_engines(folder: Path, vocabulary: Vocabulary) -> dict[str, Seq2Seq]:
    """Return one random network (4 + 4 layers of width 256) behind every engine."""
    torch.manual_seed(0)
    network = BACKBONES.get("t5").build(Seq2SeqConfig(vocabulary_size=len(vocabulary)))
    network.save_pretrained(folder / "hf")
    engines: dict[str, Seq2Seq] = {"transformers fp32": TransformersEngine(folder / "hf", vocabulary)}
    for precision in ("float32", "int8"):
        (folder / precision).mkdir()
        write_ctranslate2(network, vocabulary, folder / precision, precision)
        engine = CTranslate2Engine(folder / precision, vocabulary, compute_type=precision, threads=1)
        engines[f"CTranslate2 {precision}"] = engine
    return engines


def graph_calls(count: int) -> dict[str, Callable[[], object]]:
    """Return calls that encode ``count`` times the same molecules: one by one, and as one large graph."""
    graphs = [molecular_graph(smiles) for smiles in MOLECULES] * count
    encoder = build_graph_encoder(GraphEncoderConfig()).eval().requires_grad_(False)
    return {
        "one by one": lambda: [encoder(GraphBatch.collate([graph])) for graph in graphs],
        "batched": lambda: encoder(GraphBatch.collate(graphs)),
    }


def beam_search(engine: Seq2Seq, vocabulary: Vocabulary, count: int) -> Callable[[], object]:
    """Return a call that answers ``count`` equal queries."""
    sources = [vocabulary.encode(PROMPT)] * count
    return lambda: engine.generate(sources, beam_size=BEAM, num_hypotheses=BEAM, max_length=STEPS)


def ranker_calls() -> dict[str, Callable[[], object]]:
    """Return calls that rank the classes of one random network in numpy and in torch."""
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

    return {"numpy": lambda: top_k(ranker.log_probabilities(x), 50), "torch": in_torch}


def fastest(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the shortest time of each call in milliseconds, after one call to warm up."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(REPEATS):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - start) * 1000)
    return {name: min(found) for name, found in times.items()}


def add_rows(table: Table, work: str, milliseconds: dict[str, float]) -> None:
    """Add one row per variant; the first is the one that the others are compared with."""
    first = next(iter(milliseconds.values()))
    for name, found in milliseconds.items():
        table.add_row(work, name, f"{found:.1f}", f"{found / first:.2f}")


if __name__ == "__main__":
    main()
