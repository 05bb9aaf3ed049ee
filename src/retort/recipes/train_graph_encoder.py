"""Pretrain a graph encoder on molecules: sources -> graphs -> hidden atoms and bonds guessed -> folder of weights.

The graphs are kept below the output; where they are there already, no RDKit is needed.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from retort.chem.molecular_graph import GraphTable, MolecularGraph
from retort.config import as_dict, load, option
from retort.errors import ChemistryError, ConfigError, DataError
from retort.models.graph_encoder import GraphEncoderConfig, build_graph_encoder
from retort.recipes.entry import run_with_config
from retort.training.graph_settings import GraphPretraining

Say = Callable[[str], None]
_PARTS = ("train", "valid")


@dataclass(frozen=True)
class TrainGraphEncoderConfig:
    """A graph encoder to pretrain."""

    output: Path = option(help="folder that receives graphs/, encoder/ and metrics.json")
    sources: tuple[str, ...] = option(("pcdes",), help="sources of molecules; `retort list sources` names them")
    limit: int | None = option(None, help="molecules that are read, at most; all by default")
    valid_share: float = option(0.1, help="share of molecules held out, by a hash of the molecule, 0..1")
    encoder: GraphEncoderConfig = field(default_factory=GraphEncoderConfig, metadata={"help": "the network"})
    training: GraphPretraining = field(default_factory=GraphPretraining, metadata={"help": "how it is trained"})

    def __post_init__(self) -> None:
        if not 0 < self.valid_share < 1:
            raise ConfigError(f"valid_share is {self.valid_share}.", "Give a share between 0 and 1.")


def train_graph_encoder(config: TrainGraphEncoderConfig, say: Say = print) -> Path:
    """Pretrain, save and report one encoder; return its folder.

    Raises:
        DataError: A source is not there, holds no molecules, or too few to hold any out.
    """
    import torch

    from retort.models.graph_checkpoint import save_graph_encoder
    from retort.training.graph_pretraining import GraphReport, pretrain

    counts = _prepare(config, say)
    train, valid = (GraphTable.load(config.output / "graphs" / part) for part in _PARTS)
    torch.manual_seed(config.training.seed)
    encoder = build_graph_encoder(config.encoder)
    history: list[dict[str, Any]] = []

    def watch(epoch: int, loss: float, report: GraphReport, seconds: float) -> None:
        history.append({"epoch": epoch, "train_loss": loss, "seconds": round(seconds, 1), **asdict(report)})
        atoms, bonds = report.atoms, report.bonds
        say(
            f"epoch {epoch}: loss {loss:.4f}, valid {report.loss:.4f}; hidden atoms {atoms.accuracy:.1%} right "
            f"(most frequent element {atoms.majority:.1%}, n = {atoms.n:,}), hidden bonds {bonds.accuracy:.1%} "
            f"({bonds.majority:.1%}, n = {bonds.n:,}); {seconds:.0f} s"
        )

    report = pretrain(encoder, train, valid, config.training, watch)
    facts = {"config": as_dict(config), "molecules": counts, "metrics": asdict(report)}
    save_graph_encoder(config.output / "encoder", encoder, facts)
    text = json.dumps({**facts, "history": history}, indent=1, allow_nan=False)
    (config.output / "metrics.json").write_text(text + "\n", "utf-8")
    return config.output / "encoder"


def _prepare(config: TrainGraphEncoderConfig, say: Say) -> dict[str, int]:
    """Make the graphs unless the same ones are there; return how many molecules there are, and what was left out."""
    folder = config.output / "graphs"
    wanted = {"sources": list(config.sources), "limit": config.limit, "valid_share": config.valid_share}
    card = folder / "graphs.json"
    if card.is_file() and (stored := json.loads(card.read_text("utf-8")))["made_from"] == wanted:
        return dict(stored["counts"])
    counts: Counter[str] = Counter()
    parts = _graphs(config, counts)
    if not all(parts.values()):
        raise DataError(f"{sum(map(len, parts.values()))} molecules are too few to hold some out.", "Raise `limit`.")
    for part, graphs in parts.items():
        (folder / part).mkdir(parents=True, exist_ok=True)
        GraphTable.build(graphs).save(folder / part)
    card.write_text(json.dumps({"made_from": wanted, "counts": dict(counts)}, indent=1) + "\n", "utf-8")
    say(", ".join(f"{name} {count:,}" for name, count in counts.items()))
    return dict(counts)


def _graphs(config: TrainGraphEncoderConfig, counts: Counter[str]) -> dict[str, list[MolecularGraph]]:
    """Return the graphs of each part; repeated and unreadable molecules are counted and left out."""
    from retort.chem.graphs import molecular_graph
    from retort.chem.smiles import canonicalize

    parts: dict[str, list[MolecularGraph]] = {part: [] for part in _PARTS}
    seen: set[str] = set()
    for smiles in _molecules(config.sources, config.limit):
        counts["read"] += 1
        try:
            canonical = canonicalize(smiles)
        except ChemistryError:
            counts["unreadable"] += 1
            continue
        if canonical in seen:
            counts["repeated"] += 1
            continue
        seen.add(canonical)
        part = "valid" if _unit(canonical) < config.valid_share else "train"
        parts[part].append(molecular_graph(canonical))
        counts[part] += 1
    return parts


def _molecules(sources: Iterable[str], limit: int | None) -> Iterator[str]:
    """Yield the molecules of sources, one source after another.

    Raises:
        DataError: A source holds no molecules.
    """
    from itertools import islice

    from retort.data.records import MoleculeRow
    from retort.data.source import SOURCES

    cards = [SOURCES.get(name) for name in sources]
    for card in cards:
        if card.kind != "molecules":
            raise DataError(f"source {card.name!r} holds {card.kind}.", "Name sources of molecules.")
    rows = (row for card in cards for row in card.read(card.root()) if isinstance(row, MoleculeRow))
    yield from islice((row.smiles for row in rows if row.smiles), limit)


def _unit(text: str) -> float:
    """Return a number from 0 up to 1 that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``python -m retort.recipes.train_graph_encoder CONFIG.toml [key=value ...]``; return the exit code."""
    return run_with_config(
        lambda path, overrides: train_graph_encoder(load(TrainGraphEncoderConfig, path, overrides)), arguments
    )


if __name__ == "__main__":
    raise SystemExit(main())
