"""Templates of many mapped reactions, extracted once and kept in a file beside the models that use them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import polars as pl

from retort.chem.templates import NoTemplate, extract_template
from retort.errors import DataError

CACHE, LOCAL_CACHE = "templates.parquet", "local_templates.parquet"
_SAVE_EVERY = 4000
_SCHEMA = {"mapped": pl.String, "template": pl.String, "reason": pl.String}

Found = dict[str, str | NoTemplate]


def extract_templates(
    mapped: Iterable[str], folder: Path, workers: int, say: Callable[[str], None], *, local: bool = False
) -> Found:
    """Return mapped reaction -> template, or why it has none; what the folder's cache holds is not done again.

    Args:
        mapped: ``reactants>>product`` with atom maps.
        folder: Where the cache is read and written, every few thousand reactions.
        workers: Processes; 1 works in this one.
        say: Receives a line of progress at every save.
        local: Whether templates end at the reaction centre.

    Raises:
        DataError: The cache is damaged.
    """
    cache = folder / (LOCAL_CACHE if local else CACHE)
    found = _read(cache)
    todo = [text for text in dict.fromkeys(mapped) if text not in found]
    for start in range(0, len(todo), _SAVE_EVERY):
        chunk = todo[start : start + _SAVE_EVERY]
        found |= dict(zip(chunk, _extract(chunk, workers, local), strict=True))
        _write(cache, found)
        say(f"templates: {start + len(chunk):,} of {len(todo):,} reactions")
    return found


def reasons(found: Iterable[str | NoTemplate]) -> dict[str, int]:
    """Count the reactions without a template by reason, most frequent first."""
    return dict(Counter(result.reason for result in found if isinstance(result, NoTemplate)).most_common())


def frequent_classes(labels: Iterable[str], minimum: int) -> dict[str, int]:
    """Return class -> count for classes seen at least ``minimum`` times, most frequent first, ties by text."""
    kept = [(label, n) for label, n in Counter(labels).items() if n >= minimum]
    return dict(sorted(kept, key=lambda item: (-item[1], item[0])))


def _extract(chunk: Sequence[str], workers: int, local: bool) -> Iterator[str | NoTemplate]:
    extract = partial(extract_template, local=local)
    if workers <= 1:
        yield from map(extract, chunk)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(extract, chunk, chunksize=100)


def _read(path: Path) -> Found:
    if not path.exists():
        return {}
    try:
        rows = pl.read_parquet(path).select(*_SCHEMA).iter_rows()
        return {mapped: template if template is not None else NoTemplate(reason) for mapped, template, reason in rows}
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"cannot read the template cache {str(path)!r}: {error}.", "Delete it.") from error


def _write(path: Path, found: Found) -> None:
    rows = [(m, None, t.reason) if isinstance(t, NoTemplate) else (m, t, None) for m, t in found.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    pl.DataFrame(rows, schema=_SCHEMA, orient="row").write_parquet(partial)
    partial.replace(path)
