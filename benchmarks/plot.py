"""Draw the figures of a bench as bars of how many times faster than its peer each way is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

AREAS = ("startup", "decoding", "kernels", "planning", "preparation", "training")  # growth has no rival


def draw(figures: Path, picture: Path) -> None:
    """Draw one bar per way, median with quartiles, on a logarithmic scale; the peer stands at one."""
    rows = list(_rows(json.loads(figures.read_text("utf-8"))))
    figure, axes = plt.subplots(figsize=(11, 1 + 0.42 * len(rows)), layout="constrained")
    for place, (_, spread) in enumerate(reversed(rows)):
        middle = spread["median"]
        error = [[middle - spread["low"]], [spread["high"] - middle]]
        colour = "#2a6f97" if middle >= 1 else "#bc4b51"
        axes.barh(place, middle - 1, left=1, xerr=error, color=colour, height=0.7, error_kw={"lw": 1})
        end = (max(spread["high"], 1), place)
        axes.annotate(f"{middle:.3g}×", end, (6, -3), textcoords="offset points", fontsize=8)
    axes.set_yticks(range(len(rows)), [label for label, _ in reversed(rows)], fontsize=8)
    axes.margins(y=0.01)
    axes.axvline(1, color="black", lw=0.8)
    axes.set_xscale("log")
    axes.set_xlabel("times faster than the peer (median, quartiles)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(picture, dpi=110)


def _rows(areas: dict[str, Any]) -> Iterator[tuple[str, dict[str, float]]]:
    for area in AREAS:
        for contest in areas.get(area, {}).get("contests", ()):
            for name, way in contest["ways"].items():
                if name != contest["peer"]:
                    yield f"{contest['work']}: {name}\n(peer: {contest['peer']})", way["times_faster"]
