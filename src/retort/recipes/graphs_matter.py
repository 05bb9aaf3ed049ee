"""Does a model look at its graphs? Held-out answers with the right molecules, with other molecules, and the difference.

``python -m retort.recipes.graphs_matter CONFIG.toml [KEY=VALUE]...`` takes a stage's folder and the rows it was trained
on. Every row is asked twice: with its own molecules, and with those of another row that has as many. The text is the
same, so a model that ignores graphs answers both alike.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retort.config import as_dict, load, option
from retort.data.molecule_rows import RowFolder
from retort.errors import DataError
from retort.evaluation.scoring import interval
from retort.prompting.dialogue import EncodedRow
from retort.recipes.benchmark_results import commit, rounded
from retort.recipes.entry import run_with_config

if TYPE_CHECKING:
    from retort.models.multimodal import MultimodalModel

_STREAM = 0x6EA9
_BATCH = 16
Values = NDArray[np.float64]


@dataclass(frozen=True)
class GraphsMatterConfig:
    """A model to question."""

    stage: Path = option(help="folder of a stage")
    rows_folder: Path = option(help="folder of rows with molecules")
    table: Path = option(help="JSON file to write")
    kinds: tuple[str, ...] = option(("graph_to_smiles", "forward_prediction"), help="kinds of rows")
    rows: int = option(1000, help="held-out rows of each kind, at most")
    limit: int = option(384, help="longest row in places; longer ones are left out, and counted")
    seed: int = option(0, help="seed of the rows and of the exchange")


def graphs_matter(config: GraphsMatterConfig) -> Path:
    """Ask, compare and write the table; return it.

    Raises:
        UnknownNameError: The folder has no such rows.
        DataError: There are fewer than two rows of a kind with as many molecules.
        ModelError: The stage is damaged.
    """
    import torch

    from retort.models.device import pick_device
    from retort.models.multimodal_checkpoint import load_multimodal

    torch.set_num_threads(1)
    folder, stored = RowFolder.open(config.rows_folder), load_multimodal(config.stage)
    model = stored.model.to(pick_device()).eval()
    found = {kind: _kind(config, folder, model, kind) for kind in config.kinds}
    content = {"config": as_dict(config), "kinds": found, "commit": commit()}
    config.table.parent.mkdir(parents=True, exist_ok=True)
    config.table.write_text(json.dumps(rounded(content), indent=1, allow_nan=False) + "\n", "utf-8")
    return config.table


def exchanged(rows: Sequence[EncodedRow], seed: int) -> list[tuple[EncodedRow, EncodedRow]]:
    """Return pairs of a row and the same row with the molecules of another one that has as many.

    Rows whose number of molecules no other row has are left out, and so are those without molecules. Rows with the
    same molecules may meet by chance; then nothing is exchanged, which is not told apart.
    """
    random = np.random.default_rng([seed, _STREAM])
    pairs = []
    for count in sorted({len(row.molecules) for row in rows} - {0}):
        own = [row for row in rows if len(row.molecules) == count]
        order = random.permutation(len(own)).tolist()
        partner = {order[i]: order[(i + 1) % len(order)] for i in range(len(order))}  # nobody is its own partner
        if len(own) > 1:
            pairs += [(row, EncodedRow(row.ids, row.learned, own[partner[i]].molecules)) for i, row in enumerate(own)]
    return pairs


def _kind(config: GraphsMatterConfig, folder: RowFolder, model: "MultimodalModel", kind: str) -> dict[str, Any]:
    from retort.models.multimodal_batch import Collator, spread

    table, collator = (
        folder.table("valid", kind),
        Collator(folder.graphs, model.reader.config.tokens, folder.vocabulary.pad_id, config.limit),
    )
    order = np.random.default_rng(config.seed).permutation(len(table))[: config.rows]
    pairs = exchanged([folder.row(table, int(i)) for i in order], config.seed)
    fits = [all(len(spread(row, collator.lengths(row))) <= config.limit for row in pair) for pair in pairs]
    kept = [pair for pair, fit in zip(pairs, fits, strict=True) if fit]
    if not kept:
        raise DataError(f"no two held-out rows of {kind} have as many molecules.", "Raise rows or limit.")
    right, other = (_per_token(model, collator, [pair[place] for pair in kept]) for place in (0, 1))
    return {"n": len(kept), "left_out": len(order) - len(kept), **_compared(right, other, config.seed)}


def _per_token(model: "MultimodalModel", collator: Any, rows: Sequence[EncodedRow]) -> Values:
    """Return the mean log-probability per learned token of each row, in nats, float64 [n]."""
    from retort.training.stages import collated

    found = []
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
        sums = model.log_likelihoods(collated(model, collator, part)).cpu().numpy()
        found.append(sums / np.array([sum(row.learned) for row in part]))
    return np.concatenate(found)


def _compared(right: Values, other: Values, seed: int) -> Mapping[str, Any]:
    """Return both means, what the right molecules gain, and how often they are better, with 95 % intervals."""
    columns = np.stack([right, other, right - other, (right > other).astype(np.float64)], axis=1)
    low, high = interval(columns, seed)
    names = ("own_molecules", "other_molecules", "gain", "better")
    return {name: {"mean": float(columns[:, i].mean()), "interval": [low[i], high[i]]} for i, name in enumerate(names)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run_with_config(lambda path, given: graphs_matter(load(GraphsMatterConfig, path, given)), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
