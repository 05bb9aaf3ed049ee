"""Decode questions apart from reading and scoring their answers: on a machine with torch alone, or once for many uses.

``python -m retort.recipes.decode CONFIG.toml [KEY=VALUE]...`` decodes the questions that
``python -m retort.recipes.questions`` wrote, in pieces, shortest first. The same command goes on after an interruption.
A folder of answers with ``vocabulary.json`` is a language model whose engine is ``recorded``.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from retort.config import load, option
from retort.models.protocol import Seq2Seq
from retort.models.recorded import Tokens, read_questions, write_answers
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.entry import UnfinishedError, run_with_config


@dataclass(frozen=True)
class DecodeConfig:
    """Questions to decode, and with what."""

    checkpoint: Path = option(help="folder that training wrote; for the engine ctranslate2, one that export wrote")
    questions: tuple[Path, ...] = option(help="questions files")
    output: Path = option(help="folder that receives <questions>.<piece>.npz and vocabulary.json")
    beam_size: int = option(10, help="width of the beam search, and answers per question")
    max_length: int = option(256, help="longest answer in tokens")
    batch_size: int = option(32, help="questions decoded together")
    piece: int = option(2048, help="questions per file of answers")
    engine: Literal["torch", "ctranslate2"] = option("torch", help="what decodes; ctranslate2 in int8, one thread")
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", help="where to compute")
    precision: Literal["auto", "fp32", "bf16"] = option("auto", help="arithmetic; auto takes bf16 on CUDA")
    budget_minutes: float | None = option(None, help="end after this much time; the same command goes on")


def decode(config: DecodeConfig) -> Path:
    """Decode all questions; return the folder of answers.

    Raises:
        UnfinishedError: The time was over before the last piece.
        ModelError: The checkpoint or a questions file is damaged.
    """
    started = time.monotonic()
    inner = config.checkpoint / "language_model"
    folder = inner if inner.is_dir() else config.checkpoint
    vocabulary = Vocabulary.load(folder / "vocabulary.json")
    model = _engine(config, folder, vocabulary)
    config.output.mkdir(parents=True, exist_ok=True)
    vocabulary.save(config.output / "vocabulary.json")
    for path, sources in _pieces(config):
        if path.exists():
            continue
        if config.budget_minutes is not None and time.monotonic() - started > 60 * config.budget_minutes:
            raise UnfinishedError(f"the time is over before {path.name}; the same command goes on.")
        begun = time.monotonic()
        answers = model.generate(
            sources, beam_size=config.beam_size, num_hypotheses=config.beam_size, max_length=config.max_length
        )
        part = path.with_name(f".{path.name}")
        write_answers(part, sources, answers, config.max_length)
        part.replace(path)
        print(f"{path.name}: {len(sources) / (time.monotonic() - begun):.1f} questions per second", file=sys.stderr)
    return config.output


def _engine(config: DecodeConfig, folder: Path, vocabulary: Vocabulary) -> Seq2Seq:
    if config.engine == "ctranslate2":
        from retort.inference.engines.ctranslate2 import CTranslate2Engine

        return CTranslate2Engine(folder, vocabulary, threads=1)
    from retort.models.checkpoint import load_network
    from retort.models.decoding import TorchSeq2Seq
    from retort.models.device import pick_device
    from retort.models.seq2seq import Seq2SeqModel

    network = load_network(folder).to(pick_device(config.device))
    return TorchSeq2Seq(Seq2SeqModel(network), batch_size=config.batch_size, precision=config.precision)


def _pieces(config: DecodeConfig) -> list[tuple[Path, list[Tokens]]]:
    """Return each file of answers with its questions, like lengths together."""
    pieces: list[tuple[Path, list[Tokens]]] = []
    for file in config.questions:
        sources = sorted(read_questions(file), key=lambda source: (len(source), source))
        pieces += [
            (config.output / f"{file.stem}.{start // config.piece:03}.npz", sources[start : start + config.piece])
            for start in range(0, len(sources), config.piece)
        ]
    return pieces


def _decode_file(path: Path, overrides: Sequence[str]) -> Path:
    return decode(load(DecodeConfig, path, overrides))


if __name__ == "__main__":
    raise SystemExit(run_with_config(_decode_file))
