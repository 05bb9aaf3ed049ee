"""The plots of an elicitation's page, as inline pictures: what cells are worth, and maps of reaction vectors."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retort.elicitation.projection import pca
from retort.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (
    *("#1f5fa8", "#d1495b", "#2e8b57", "#e39b25", "#7b519d", "#3aa6b9", "#8c564b", "#c2588f", "#6b7280", "#a3b331"),
    *("#102a54", "#f2a3ad"),
)
_QUIET, _DOTS = "#4a4f57", 144
Cells = Sequence[Mapping[str, Any]]


def cells_picture(cells: Cells) -> str:
    """Draw accuracy (with the majority class as a thin line) and criterion of every cell over the number of types."""
    encodings = list(dict.fromkeys(cell["encoding"] for cell in cells))
    with _figure(2, 1, 6.2, 3.4) as (figure, axes):
        for colour, encoding in zip(COLOURS, encodings, strict=False):
            own = sorted((c for c in cells if c["encoding"] == encoding), key=lambda c: c["types"])
            types = [c["types"] for c in own]
            axes[0].plot(types, [c["accuracy"] for c in own], "o-", color=colour, label=encoding.replace("_", " "))
            axes[0].plot(types, [c["majority"] for c in own], ":", color=colour, linewidth=0.9)
            values, errors = [c["criterion"] for c in own], [c["standard_error"] for c in own]
            axes[1].errorbar(types, values, yerr=errors, fmt="o-", color=colour, label=encoding.replace("_", " "))
        axes[0].set_title("types read from the input: accuracy on held-out train rows (dotted: majority)", fontsize=9)
        axes[1].set_title("usable information about the output, nats per row (bars: standard error)", fontsize=9)
        axes[0].set_ylim(0, 1.02)
        for place in axes:
            place.set_xlabel("number of types", fontsize=9)
            place.set_xticks(sorted({c["types"] for c in cells}))
        axes[1].legend(fontsize=8, frameon=False)
        return _inline(figure)


def maps_picture(
    vectors: NDArray[np.float32], colourings: Mapping[str, NDArray[np.int64]], *, most: int, seed: int
) -> tuple[str, float, int]:
    """Draw rows in the plane of their first two principal components, once per colouring.

    Args:
        vectors: [n, d].
        colourings: Title -> number of each row's colour [n]; 0 and up, -1 is grey.
        most: Rows that are drawn at most, by chance.
        seed: Of that chance.

    Returns:
        The picture, the share of the variance that it shows (0..1), and how many rows are drawn.
    """
    plane = pca(vectors, 2).apply(vectors).astype(np.float64)
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    share = float(plane.var(axis=0).sum() / centred.var(axis=0).sum())
    rows = np.random.default_rng(seed).permutation(len(vectors))[:most]
    low, high = np.percentile(plane[rows], [0.5, 99.5], axis=0)
    with _figure(len(colourings), 1, 4.3, 4.1) as (figure, axes):
        for place, (title, colours) in zip(axes, colourings.items(), strict=True):
            shades = [COLOURS[c % len(COLOURS)] if c >= 0 else "#d3d6db" for c in colours[rows].tolist()]
            place.scatter(plane[rows, 0], plane[rows, 1], s=3, c=shades, linewidths=0, alpha=0.6)
            place.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xticks=[], yticks=[])
            place.set_title(title, fontsize=9)
        return _inline(figure), share, len(rows)


@contextmanager
def _figure(columns: int, rows: int, width: float, height: float) -> "Iterator[tuple[Figure, Sequence[Axes]]]":
    """Make a figure of plots side by side; width and height of each in inches."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("drawing the page of an elicitation", "train") from error
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for place in axes:
        place.spines[["top", "right"]].set_visible(False)
        place.tick_params(labelsize=8, colors=_QUIET)
    yield figure, axes.tolist()


def _inline(figure: "Figure") -> str:
    """Return a figure as the source of an ``img``."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DOTS)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
