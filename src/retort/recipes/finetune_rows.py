"""What a fine-tuning begins with: the user's file as a source, the years that cut it, the weights to start from."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from retort.data.records import RawRow
from retort.data.shards import whole
from retort.data.source import Source, source_of_file
from retort.data.splits import HoldOut
from retort.data.tables import read_table
from retort.errors import DataError, InputFileError, UsageError, did_you_mean
from retort.models.checkpoint import VOCABULARY

COLUMN = "reaction"
CHECKPOINTS = Path("checkpoints")
_TABLE = "table"


def rows_file(file: Path, column: str, folder: Path) -> tuple[Source, Path]:
    """Return what reads a user's reactions, and the file to read.

    Args:
        file: A table, a text of reaction SMILES, RXN or RDF, ORD, or a folder of such files.
        column: Column of the reaction SMILES of a table; another one than ``reaction`` is renamed in a copy.
        folder: Receives the copy.

    Raises:
        InputFileError: The file is missing or of an unknown kind, or lacks the column.
    """
    source = source_of_file(file)
    if source.name != _TABLE:
        return source, file
    table = read_table(file)
    if column != COLUMN and column not in table.columns:
        raise InputFileError(f"{str(file)!r} has no column {column!r}.", did_you_mean(column, table.columns))
    if column == COLUMN:
        _refuse_without_reactions(file, table.columns)
        return source, file
    copy = folder / f"{file.name.partition('.')[0]}.parquet"
    renamed = table.drop(COLUMN, strict=False).rename({column: COLUMN}).with_columns(pl.col(COLUMN).cast(pl.String))
    whole(copy, renamed.write_parquet)
    return source, copy


def _refuse_without_reactions(file: Path, columns: Sequence[str]) -> None:
    sides = {"reactants"} <= set(columns) and bool({"product", "products"} & set(columns))
    if COLUMN not in columns and not sides:
        raise InputFileError(
            f"{str(file)!r} has neither a column {COLUMN!r} nor 'reactants' and 'products'.",
            f"Name the column of reaction SMILES with --column; there are: {', '.join(columns)}.",
        )


def time_edges(source: Source, file: Path, hold_out: HoldOut) -> tuple[int, int]:
    """Return the first year of valid and of test: the latest years that hold the wanted shares of the rows.

    Raises:
        DataError: There are not three years that give each part some rows.
    """
    years = Counter(row.year for row in source.read(file) if isinstance(row, RawRow) and row.year is not None)
    wanted, edges, have = [hold_out.test, hold_out.valid], list[int](), 0
    for year in sorted(years, reverse=True)[:-1]:  # the first year is left to learn from
        have += years[year]
        if have >= wanted[len(edges)] * years.total():
            edges.append(year)
            have = 0
        if len(edges) == len(wanted):
            return edges[1], edges[0]
    raise DataError(
        f"{str(file)!r} has rows of {len(years)} years, which cannot be cut into train, valid and test.",
        "Give a column year with three years at least, or choose another --split.",
    )


def start_weights(given: Path | None, model: str) -> Path:
    """Return the checkpoint folder to start from: the one named, or that of an embedded model where it is here.

    Raises:
        UsageError: There is none. The package itself has weights in int8, which answer and cannot be trained.
    """
    folder = CHECKPOINTS / model if given is None else given
    if (folder / VOCABULARY).is_file():
        return folder
    if given is not None:
        raise UsageError(f"{str(given)!r} is not a checkpoint folder: it has no {VOCABULARY}.", _WHERE)
    raise UsageError(f"the weights to start from are not here: {str(folder)!r} does not exist.", _WHERE)


_WHERE = (
    "A model folder holds int8 weights, which cannot be trained; name a checkpoint with --from. "
    "That of retort-base is the folder checkpoints/retort-base of the source repository (47 MB), that of an earlier "
    "fine-tuning is OUTPUT.work/tuned/best."
)
