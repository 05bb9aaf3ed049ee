"""What is read of one source: which rows, in chunks, cut into parts by which rule."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from retort.data.crew import Crew
from retort.data.records import SourceRow
from retort.data.sampling import sampled, threshold
from retort.data.shards import WorkFolder
from retort.data.source import Source, checksums
from retort.data.splits import Split
from retort.data.stages import NO_YEAR, CleanJob
from retort.errors import ConfigError, DataError

STAGE = "clean"


@dataclass(frozen=True)
class Intake:
    """One source of a preparation.

    Attributes:
        place: Position among the sources.
        source: Its card.
        split: How its rows are cut.
        seed: Of the sample.
        path: The user's file, for sources that read one.
        fraction: Share of its rows that is read.
        limit: Most rows that are read.
    """

    place: int
    source: Source
    split: Split
    seed: int
    path: Path | None = None
    fraction: float = 1.0
    limit: int | None = None

    @property
    def whole(self) -> bool:
        """Whether published valid and test rows stay out of the sample, because the split is kept."""
        return self.split.name == "published"

    def rows(self) -> Iterator[SourceRow]:
        """Read all rows from the beginning.

        Raises:
            DataError: A published file is missing.
            ConfigError: A user's file is not named.
        """
        if self.source.files:
            return self.source.read(self.source.root())
        if self.path is None:
            raise ConfigError(f"source {self.source.name!r} needs a path.", "Add path = '...' to it.")
        return self.source.read(self.path)

    def checksums(self) -> dict[str, str]:
        """Return file -> SHA-256; of a user's file or folder as it is now, of published files as they must be.

        Raises:
            DataError: The user's file cannot be read.
        """
        if self.source.files or self.path is None:
            return dict(self.source.files)
        return checksums(self.path)

    def sample(self) -> Iterator[SourceRow]:
        """Read the rows that were drawn, in their order."""
        name = self.source.name
        below = threshold(self.rows, name, self.seed, self.fraction, self.limit, whole=self.whole)
        return sampled(self.rows(), name, self.seed, below, whole=self.whole)

    def clean(
        self, work: WorkFolder, crew: Crew, chunk_rows: int, max_tokens: int, done: Callable[[int], None]
    ) -> dict[str, int]:
        """Clean the sample into chunks; return ``rows``, ``clean`` and ``chunks``. Finished chunks are kept.

        Args:
            work: Where the chunks go.
            crew: Does the work.
            chunk_rows: Rows of a chunk.
            max_tokens: Longer rows are marked as unfit for training.
            done: Called with the number of rows of each finished chunk.

        Raises:
            DataError: A published file is altered, or no row has the year that the split needs.
        """
        name = f"{self.place:02}-{self.source.name}"
        noted = work.noted(STAGE, name)
        if noted is not None:
            return noted
        if self.source.files:
            self.source.verify()
        reasons: Counter[str | None] = Counter()
        jobs = self._jobs(work, name, chunk_rows, max_tokens)
        chunks = 0
        for chunks, found in enumerate(crew.map(CleanJob.run, jobs), 1):  # noqa: B007
            reasons += found
            done(found.total())
        if reasons[NO_YEAR] and not reasons[None]:
            raise DataError(f"no row of source {self.source.name!r} has a year.", "Choose another split for it.")
        counts = {"rows": reasons.total(), "clean": reasons[None], "chunks": chunks}
        work.note(STAGE, name, counts)
        return counts

    def chunks(self, work: WorkFolder) -> list[Path]:
        """Return the cleaned chunks of this source, in order."""
        name = f"{self.place:02}-{self.source.name}"
        count = (work.noted(STAGE, name) or {"chunks": 0})["chunks"]
        return [_chunk(work, name, index) for index in range(count)]

    def _jobs(self, work: WorkFolder, name: str, chunk_rows: int, max_tokens: int) -> Iterator[CleanJob]:
        for index, rows in enumerate(_batches(self.sample(), chunk_rows)):
            yield CleanJob(self.source.name, self.split, max_tokens, rows, _chunk(work, name, index))


def _chunk(work: WorkFolder, name: str, index: int) -> Path:
    return work.file(STAGE, f"{name}-{index:05}.parquet")


def _batches(rows: Iterable[SourceRow], size: int) -> Iterator[list[SourceRow]]:
    iterator = iter(rows)
    yield from iter(lambda: list(islice(iterator, size)), [])
