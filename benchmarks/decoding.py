"""Beam search with the embedded model's own weights behind every engine, and the two ways of asking for reactants."""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch

from contest import Contest, Way
from molecules import DRUGS
from retort.inference.conversion import write_ctranslate2
from retort.inference.engines.ctranslate2 import CTranslate2Engine
from retort.inference.engines.transformers import TransformersEngine
from retort.inference.model_folder import ModelFolder
from retort.inference.predictor import Predictor
from retort.models import checkpoint
from retort.models.protocol import Seq2Seq
from retort.prompting.vocabulary import Vocabulary
from weights import CHECKPOINT, hugging_face

BEAM, STEPS = 10, 160


def contests(folder: Path) -> Iterator[Contest]:
    """Yield the contests; ``folder`` receives converted weights."""
    torch.set_num_threads(1)
    engines, vocabulary = _engines(folder)
    one = {name: _search(engine, vocabulary, DRUGS[:1]) for name, engine in engines.items()}
    yield Contest(f"beam {BEAM}, one molecule", "molecule", 1, one, 3, check=_agreement)
    many = {name: _search(engine, vocabulary, DRUGS) for name, engine in engines.items()}
    yield Contest(f"beam {BEAM}, {len(DRUGS)} molecules at once", "molecule", len(DRUGS), many, 3, check=_agreement)
    yield Contest("sixteen molecules: what batching brings", "molecule", len(DRUGS), _batched(engines, vocabulary), 3)
    yield Contest("reactants, ten candidates: fast and full", "molecule", len(DRUGS), _modes(), 3)


def facts() -> dict[str, float]:
    """Measure what bounds a beam search with one thread, and what one costs.

    Every step reads the decoder's weights once, and multiplies each with every beam of every molecule.

    Returns:
        Gigabytes a second read from memory; billions of multiplications a second in fp32; the decoder's size in
        millions of weights; steps that the drugs take together, and the longest.
    """
    torch.set_num_threads(1)
    engine, vocabulary = _int8()
    network = checkpoint.load(CHECKPOINT).network
    found = engine.generate(_sources(vocabulary, DRUGS), beam_size=BEAM, num_hypotheses=1, max_length=STEPS)
    steps = [len(answers[0].tokens) + 1 for answers in found]
    big, square = torch.ones(64_000_000), torch.ones(1024, 1024)
    return {
        "gigabytes_per_second": round(0.256 / _seconds(big.sum), 2),
        "gigamultiplications_per_second": round(1024**3 / 1e9 / _seconds(lambda: square @ square), 1),
        "decoder_megaweights": round(sum(p.numel() for p in network.get_decoder().parameters()) / 1e6, 2),
        "steps": sum(steps),
        "longest": max(steps),
    }


def _seconds(call: Way, rounds: int = 7) -> float:
    def once() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return min(once() for _ in range(rounds))


def _int8() -> tuple[CTranslate2Engine, Vocabulary]:
    model = ModelFolder.open("retort-base")
    home = model.path / "language_model"
    vocabulary = Vocabulary.load(home / "vocabulary.json")
    return CTranslate2Engine(home, vocabulary, threads=1), vocabulary


def _sources(vocabulary: Vocabulary, molecules: Sequence[str]) -> list[list[int]]:
    return [vocabulary.encode(f"<retrosynthesis>{smiles}") for smiles in molecules]


def _engines(folder: Path) -> tuple[dict[str, Seq2Seq], Vocabulary]:
    network, vocabulary = hugging_face(folder / "hf")
    peer = TransformersEngine(folder / "hf", vocabulary)
    peer.model.generation_config.early_stopping = True  # ends a search where CTranslate2 does with patience 1
    engines: dict[str, Seq2Seq] = {"transformers fp32": peer}
    for precision in ("float32", "int8"):
        (folder / precision).mkdir()
        write_ctranslate2(network, vocabulary, folder / precision, precision)
        for threads in (1, 2):
            engine = CTranslate2Engine(folder / precision, vocabulary, compute_type=precision, threads=threads)
            engines[f"CTranslate2 {precision}, {threads} thread{'s' * (threads > 1)}"] = engine
    return engines, vocabulary


def _search(engine: Seq2Seq, vocabulary: Vocabulary, molecules: Sequence[str]) -> Way:
    sources = _sources(vocabulary, molecules)
    return lambda: engine.generate(sources, beam_size=BEAM, num_hypotheses=BEAM, max_length=STEPS)


def _batched(engines: Mapping[str, Seq2Seq], vocabulary: Vocabulary) -> dict[str, Way]:
    engine = engines["CTranslate2 int8, 1 thread"]
    singles = [_search(engine, vocabulary, [smiles]) for smiles in DRUGS]
    return {"one after another": lambda: [ask() for ask in singles], "at once": _search(engine, vocabulary, DRUGS)}


def _modes() -> dict[str, Way]:
    full = Predictor.load("retort-base")
    fast = Predictor.load("retort-base", proposer="language_model", augmentations=1)
    return {
        "full: templates and language model, re-ranked": lambda: full.predict("retrosynthesis", DRUGS, top_k=10),
        "fast: one spelling of the language model": lambda: fast.predict("retrosynthesis", DRUGS, top_k=10),
    }


def _agreement(returned: Mapping[str, object]) -> str:
    """Say how many lists of each engine are those of the peer, token by token."""
    first, *others = returned.items()
    told = [f"{name} {_same(first[1], found)}" for name, found in others]
    return f"lists of ten equal to those of {first[0]}: {'; '.join(told)}"


def _same(theirs: object, ours: object) -> str:
    assert isinstance(theirs, list)
    assert isinstance(ours, list)
    lists = [[[h.tokens for h in answer] for answer in answers] for answers in (theirs, ours)]
    equal = sum(a == b for a, b in zip(*lists, strict=True))
    first = sum(a[:1] == b[:1] for a, b in zip(*lists, strict=True))
    return f"{equal} of {len(theirs)} (first candidate {first})"
