"""Mix rows of an earlier training into a prepared folder, so that what was learned from them is not forgotten.

Rows of the earlier folder that share a product or a set of reactants with a held-out row of the new one are left out,
and counted: no replayed row may answer a question that judges the model.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from retort.config import option
from retort.data.audit_keys import Asked, keys_of_row
from retort.data.clean import keys_of
from retort.data.collate import PreparedFolder, PreparedSplit
from retort.data.prepare import read_records
from retort.data.splits import TRAIN
from retort.errors import ConfigError, DataError
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.carry import write_manifest, write_rows
from retort.recipes.joined import join


@dataclass(frozen=True)
class ReplayConfig:
    """What is mixed."""

    prepared: Path = option(help="prepared folder of the new rows")
    earlier: Path = option(help="prepared folder of the earlier training, with the same vocabulary")
    output: Path = option(help="prepared folder to write")
    share: float = option(0.5, help="earlier rows, as a multiple of the new train rows")
    seed: int = option(20, help="seed of the sample")


def replay(config: ReplayConfig, say: Callable[[str], None] = print) -> Path:
    """Write the mixed folder; its valid rows are those of the new one.

    Raises:
        ConfigError: The share is not above zero, or both folders call rows of one task the same source.
        DataError: A folder is damaged, has another vocabulary, or no earlier row may be replayed.
        OutputError: The folder cannot be written.
    """
    if config.share <= 0:
        raise ConfigError(f"replay.share is {config.share}.", "Give a number above zero, or do not replay.")
    new, earlier = PreparedFolder.open(config.prepared), PreparedFolder.open(config.earlier)
    _refuse_same_source(new, earlier)
    split = earlier.split(TRAIN)
    wanted = round(config.share * len(new.split(TRAIN)))
    rows, left_out = _chosen(config, split, max(1, wanted))
    if not len(rows):
        raise DataError(f"no row of {str(config.earlier)!r} may be replayed.", f"{left_out} overlap held-out rows.")
    say(f"{len(rows):,} earlier rows are replayed, {left_out:,} left out that overlap held-out rows")
    shutil.rmtree(config.output, ignore_errors=True)
    part = config.output.with_name(f"{config.output.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    _write_part(part, earlier, rows)
    folder = join([config.prepared, part], config.output)
    shutil.rmtree(part)
    _note(folder, len(rows), left_out)
    return folder


def _refuse_same_source(new: PreparedFolder, earlier: PreparedFolder) -> None:
    tasks, sources = (set(new.manifest[key]) & set(earlier.manifest[key]) for key in ("tasks", "sources"))
    if tasks and sources:
        raise ConfigError(
            f"both folders have rows of {min(tasks)} from the source {min(sources)!r}.",
            "Prepare the earlier ones from a file of another kind.",
        )


def _chosen(config: ReplayConfig, split: PreparedSplit, wanted: int) -> tuple[np.ndarray, int]:
    """Return earlier rows drawn by chance, in rising order, and how many were drawn and left out.

    Rows of span denoising ask nothing and are not drawn.
    """
    held = {key for keys in _held_out(config.prepared) for key in keys}
    order = np.random.default_rng(config.seed).permutation(np.flatnonzero(split.tasks != split.denoised))
    vocabulary, left_out = Vocabulary.load(config.earlier / "vocabulary.json"), 0

    def kept() -> Iterator[int]:
        nonlocal left_out
        for row in order.tolist():
            if held.isdisjoint(_keys(split, row, vocabulary)):
                yield row
            else:
                left_out += 1

    return np.sort(np.fromiter(islice(kept(), wanted), np.int64)), left_out


def _held_out(prepared: Path) -> Iterator[set[str]]:
    for record in read_records(prepared / "records.parquet"):
        if record.split != TRAIN:
            keys = keys_of(record.reaction)
            yield {*keys.products, keys.reactants}


def _keys(split: PreparedSplit, row: int, vocabulary: Vocabulary) -> set[str]:
    """Return what is compared of an earlier row; nothing of one that is no reaction or cannot be read."""
    given, wanted = (vocabulary.decode(ids.tolist()) for ids in split.pair(row))
    found = keys_of_row(Asked(str(row), split.task_names[split.tasks[row]], given, wanted))
    return set() if isinstance(found, str) else {*found.products, ".".join(found.reactants), *found.molecules}


def _write_part(part: Path, earlier: PreparedFolder, rows: np.ndarray) -> None:
    train, valid = earlier.split(TRAIN), earlier.split("valid")
    write_rows(part, TRAIN, train, rows, range(train.copies))
    write_rows(part, "valid", valid, np.arange(len(valid)), range(valid.copies))
    shutil.copyfile(earlier.path / "vocabulary.json", part / "vocabulary.json")
    write_manifest(part, earlier, train.copies, len(rows))


def _note(folder: Path, rows: int, left_out: int) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    text = json.dumps({**manifest, "replayed": {"rows": rows, "left_out": left_out}}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", "utf-8")
