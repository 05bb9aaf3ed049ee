"""The last few weights of a run, kept for averaging: ``snapshots/step-0000120`` and so on."""

import shutil
from pathlib import Path

_PREFIX = "step-"


def place(output: Path, step: int) -> Path:
    """Return the folder of a step's snapshot."""
    return output / "snapshots" / f"{_PREFIX}{step:07d}"


def kept(output: Path) -> list[Path]:
    """Return all snapshots of a run, oldest first."""
    return sorted((output / "snapshots").glob(f"{_PREFIX}*"), key=_step)


def drop_oldest(output: Path, keep: int) -> None:
    """Remove all but the newest ``keep`` snapshots."""
    found = kept(output)
    for folder in found[: max(0, len(found) - keep)]:
        shutil.rmtree(folder)


def drop_after(output: Path, step: int) -> None:
    """Remove snapshots of steps that a resumed run takes again."""
    for folder in kept(output):
        if _step(folder) > step:
            shutil.rmtree(folder)


def _step(folder: Path) -> int:
    return int(folder.name.removeprefix(_PREFIX))
