"""Reliability diagrams as PNG: stated confidence against the share that is right, in bins of equal mass."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from retort.errors import MissingExtraError
from retort.evaluation.reliability import Bin, Reliability

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BEFORE, AFTER, QUIET = "#b0b7c3", "#1f5fa8", "#4a4f57"
_INCHES = 4.4  # width and height of one diagram
_DOTS = 160  # per inch


def draw(path: Path, title: str, shown: Mapping[str, tuple[dict[str, Reliability], dict[str, Reliability]]]) -> None:
    """Draw one diagram of the first candidates for every set of rows, side by side.

    Args:
        path: The file to write.
        title: Stands above all.
        shown: What the rows are -> reliability of ``exp(score)`` and of the confidence.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OSError: The file cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("drawing reliability diagrams", "train") from error
    figure = Figure(figsize=(_INCHES * len(shown), 1.35 * _INCHES), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{title}: is the first candidate right?", fontsize=12, color=QUIET)
    grid = figure.subplots(2, len(shown), height_ratios=(4, 1), squeeze=False, sharex="col")
    for column, (name, (before, after)) in enumerate(shown.items()):
        _curves(grid[0, column], name, before["first"], after["first"])
        _masses(grid[1, column], after["first"].bins)
        for axes in grid[:, column]:
            axes.spines[["top", "right"]].set_visible(False)
            axes.tick_params(labelsize=8, colors=QUIET)
    grid[0, 0].set_ylabel("share that is the exact match", fontsize=9)
    grid[1, 0].set_ylabel("candidates", fontsize=9)
    figure.savefig(path, dpi=_DOTS)


def _curves(axes: "Axes", name: str, before: Reliability, after: Reliability) -> None:
    axes.plot((0, 1), (0, 1), color=QUIET, linewidth=0.8, linestyle=":")
    axes.plot(
        [b.confidence for b in before.bins],
        [b.accuracy for b in before.bins],
        color=BEFORE,
        marker="s",
        markersize=3.5,
        linewidth=1,
        label=f"exp(score), ECE {100 * before.error:.1f} %",
    )
    spread = [[b.accuracy - b.low for b in after.bins], [b.high - b.accuracy for b in after.bins]]
    axes.errorbar(
        [b.confidence for b in after.bins],
        [b.accuracy for b in after.bins],
        yerr=spread,
        color=AFTER,
        marker="o",
        markersize=4,
        linewidth=1.4,
        elinewidth=0.8,
        label=f"confidence, ECE {100 * after.error:.1f} % (by chance {100 * after.chance:.1f} %)",
    )
    axes.set(xlim=(0, 1.01), ylim=(0, 1.03))
    axes.set_title(name, fontsize=9, color=QUIET)
    axes.legend(fontsize=7.5, frameon=False, loc="upper left")


def _masses(axes: "Axes", bins: tuple[Bin, ...]) -> None:
    """Show how many candidates each bin holds, at its mean confidence."""
    axes.vlines([b.confidence for b in bins], 0, [b.n for b in bins], color=AFTER, linewidth=3)
    axes.set_ylim(0, 1.35 * max(b.n for b in bins))
    axes.set_xlabel("confidence", fontsize=9)
    total = sum(b.n for b in bins)
    axes.text(0.01, 0.98, f"{total:,} in {len(bins)} bins", transform=axes.transAxes, va="top", fontsize=7.5)
