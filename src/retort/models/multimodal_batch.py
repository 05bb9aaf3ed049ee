"""Rows with molecules as tensors: each placeholder becomes as many places as its molecule has tokens.

Legend: ``b`` rows, ``s`` places, ``t`` target tokens, ``g`` molecules of all rows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from retort.chem.molecular_graph import MolecularGraph
from retort.errors import DataError
from retort.models.graph_batch import GraphBatch
from retort.models.protocol import IGNORED
from retort.prompting.dialogue import MOLECULE_ID, EncodedRow, split_answer

Side = Literal["left", "right"]
Count = Callable[[int], int]


@dataclass(frozen=True, slots=True)
class MultimodalBatch:
    """Tensors of one batch; for an encoder-decoder ``ids`` is the source.

    Attributes:
        ids: Token ids; ``MOLECULE_ID`` where a molecule's token stands, the padding id where nothing does; [b, s].
        mask: 1 at tokens and molecules, 0 at padding; [b, s].
        labels: Ids of what is learned, -100 elsewhere; [b, s], or [b, t] for an encoder-decoder.
        graphs: Molecules of all rows in reading order; g of them, perhaps none.
    """

    ids: Tensor
    mask: Tensor
    labels: Tensor
    graphs: GraphBatch

    def to(self, device: torch.device) -> "MultimodalBatch":
        """Return the batch on a device."""
        ids, mask, labels = (tensor.to(device) for tensor in (self.ids, self.mask, self.labels))
        return MultimodalBatch(ids, mask, labels, self.graphs.to(device))


@dataclass(frozen=True)
class Collator:
    """Makes batches of encoded rows.

    Attributes:
        graphs: SMILES -> graph; each molecule of each row is looked up here.
        count: Atoms of a molecule -> its tokens; that of the model's ``MoleculeReaderConfig``.
        pad_id: Fills rows up.
        limit: Longest row in places; a longer one is cut at its end, a molecule as a whole or not at all.
        side: Where padding stands.
    """

    graphs: Mapping[str, MolecularGraph]
    count: Count
    pad_id: int
    limit: int
    side: Side = "right"

    def causal(self, rows: Sequence[EncodedRow]) -> MultimodalBatch:
        """Return rows for a language model that reads and writes one sequence; the learned ids are its labels."""
        kept, places = self._fitted(rows)
        labels = [
            [i if learned else IGNORED for i, learned in spread(row, n)] for row, n in zip(kept, places, strict=True)
        ]
        return self._batch(kept, places, self._padded(labels, IGNORED))

    def seq2seq(self, rows: Sequence[EncodedRow]) -> MultimodalBatch:
        """Return rows for an encoder-decoder: all before the last answer is its source, the answer its target.

        Raises:
            DataError: A row does not end in an answer.
        """
        sources, targets = zip(*(split_answer(row) for row in rows), strict=True)
        kept, places = self._fitted(sources)
        labels = [list(target.ids[: self.limit]) for target in targets]
        return self._batch(kept, places, padded(labels, IGNORED, "right"))

    def question(self, rows: Sequence[EncodedRow]) -> MultimodalBatch:
        """Return rows that are to be answered; they have no labels."""
        kept, places = self._fitted(rows)
        return self._batch(kept, places, torch.full((len(rows), 1), IGNORED))

    def lengths(self, row: EncodedRow) -> list[int]:
        """Return how many places each molecule of a row takes.

        Raises:
            DataError: A molecule has no graph.
        """
        return [self.count(len(self._graph(smiles))) for smiles in row.molecules]

    def _graph(self, smiles: str) -> MolecularGraph:
        if smiles not in self.graphs:
            raise DataError(f"molecule {smiles!r} has no graph.", "Prepare the graphs of all molecules of the rows.")
        return self.graphs[smiles]

    def _fitted(self, rows: Iterable[EncodedRow]) -> tuple[list[EncodedRow], list[list[int]]]:
        kept = [truncate(row, self.lengths(row), self.limit) for row in rows]
        return kept, [self.lengths(row) for row in kept]

    def _padded(self, rows: Sequence[Sequence[int]], fill: int) -> Tensor:
        return padded(rows, fill, self.side)

    def _batch(self, rows: Sequence[EncodedRow], places: Sequence[Sequence[int]], labels: Tensor) -> MultimodalBatch:
        ids = [[i for i, _ in spread(row, n)] for row, n in zip(rows, places, strict=True)]
        graphs = [self._graph(smiles) for row in rows for smiles in row.molecules]
        mask = self._padded([[1] * len(row) for row in ids], 0)
        return MultimodalBatch(self._padded(ids, self.pad_id), mask, labels, GraphBatch.collate(graphs))


def truncate(row: EncodedRow, places: Sequence[int], limit: int) -> EncodedRow:
    """Return the longest beginning of a row that fits; a molecule stays as a whole, with its entry, or goes.

    Args:
        row: The row.
        places: How many places each of its molecules takes.
        limit: How many places there are.
    """
    widths = iter(places)
    length = kept = molecules = 0
    for token in row.ids:
        length += next(widths) if token == MOLECULE_ID else 1
        if length > limit:
            break
        kept += 1
        molecules += token == MOLECULE_ID
    return replace(row, ids=row.ids[:kept], learned=row.learned[:kept], molecules=row.molecules[:molecules])


def spread(row: EncodedRow, places: Sequence[int]) -> list[tuple[int, bool]]:
    """Return the ids of all places of a row, and whether each is learned."""
    widths = iter(places)
    spread_out: list[tuple[int, bool]] = []
    for token, learned in zip(row.ids, row.learned, strict=True):
        spread_out += [(token, learned)] * (next(widths) if token == MOLECULE_ID else 1)
    return spread_out


def padded(rows: Sequence[Sequence[int]], fill: int, side: Side) -> Tensor:
    """Return rows filled up to the longest, on one side; int64 [b, s]."""
    width = max(map(len, rows))
    filled = [
        [*row, *[fill] * (width - len(row))] if side == "right" else [*[fill] * (width - len(row)), *row]
        for row in rows
    ]
    return torch.tensor(filled, dtype=torch.long).reshape(len(rows), width)
