"""Arrays larger than memory, written as ``.npy`` files piece by piece."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from retort.data.encode import Encoded
from retort.errors import DataError


class GrowingArray:
    """A one-dimensional ``.npy`` file that grows; the same bytes as ``numpy.save`` of the whole."""

    def __init__(self, path: Path, dtype: npt.DTypeLike) -> None:
        self._file = path.open("w+b")
        self._dtype = np.dtype(dtype)
        self.length = 0
        self._header()

    def append(self, values: npt.NDArray[Any]) -> None:
        """Write more values, cast to the type of the array."""
        self._file.write(np.ascontiguousarray(values, dtype=self._dtype).tobytes())
        self.length += len(values)

    def close(self) -> None:
        """Write the final length into the header, which numpy pads so that it keeps its size."""
        self._file.seek(0)
        self._header()
        self._file.close()

    def _header(self) -> None:
        description = {"descr": self._dtype.str, "fortran_order": False, "shape": (self.length,)}
        np.lib.format.write_array_header_1_0(self._file, description)


@dataclass
class SplitArrays:
    """The four arrays of one split, open for writing.

    Attributes:
        tokens: uint16 [t].
        offsets: int64 [2*r*k + 1].
        tasks: uint8 [r].
        sources: uint8 [r].
        copies: k.
    """

    tokens: GrowingArray
    offsets: GrowingArray
    tasks: GrowingArray
    sources: GrowingArray
    copies: int

    def append(
        self,
        tokens: npt.NDArray[np.uint16],
        lengths: npt.NDArray[np.int64],
        tasks: npt.NDArray[np.uint8],
        sources: npt.NDArray[np.uint8],
    ) -> None:
        """Add rows: all their tokens end to end, the lengths of their sequences, their tasks and sources.

        Raises:
            DataError: A row does not have ``copies`` source-target pairs.
        """
        if len(lengths) != 2 * self.copies * len(tasks):
            raise DataError(f"{len(tasks)} rows have {len(lengths)} sequences, not {2 * self.copies} each.")
        self.offsets.append(self.tokens.length + np.cumsum(lengths))
        self.tokens.append(tokens)
        self.tasks.append(tasks)
        self.sources.append(sources)


@contextmanager
def split_arrays(folder: Path, split: str, copies: int) -> Iterator[SplitArrays]:
    """Open the arrays of one split; their headers are complete when the context ends."""
    with ExitStack() as stack:

        def grow(name: str, dtype: npt.DTypeLike) -> GrowingArray:
            array = GrowingArray(folder / f"{split}.{name}.npy", dtype)
            stack.callback(array.close)
            return array

        offsets = grow("offsets", np.int64)
        offsets.append(np.zeros(1, np.int64))
        yield SplitArrays(
            grow("tokens", np.uint16), offsets, grow("tasks", np.uint8), grow("sources", np.uint8), copies
        )


def append_chunks(arrays: SplitArrays, chunks: Iterable[Path]) -> None:
    """Add the rows of chunks that :class:`retort.data.stages.SpellJob` wrote."""
    for chunk in chunks:
        with np.load(chunk, allow_pickle=False) as saved:
            arrays.append(saved["tokens"], saved["lengths"], saved["tasks"], saved["sources"])


def append_row(arrays: SplitArrays, row: Encoded, source: int) -> None:
    """Add one row."""
    task, sequences = row
    lengths = np.fromiter(map(len, sequences), dtype=np.int64, count=len(sequences))
    tokens = np.concatenate(sequences) if sequences else np.zeros(0, np.uint16)
    arrays.append(tokens, lengths, np.full(1, task, np.uint8), np.full(1, source, np.uint8))
