"""The plots of a suite's page as SVG texts: one line per entry with its interval, and top-k curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from retort.recipes.suite_table import figure, label

Content = Mapping[str, Any]
_COLOURS = {"model": "#1f5fa8", "baseline": "#8a929c", "predictions": "#2e8b57", "published": "#d1495b"}
_WIDTH, _LINE, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 24, 250, 150, 8, 34
_HEIGHT = 260
_SEEN = 0.02  # a model that was trained on more of the test rows than this cannot be compared


@dataclass(frozen=True)
class _Dot:
    """One line of a plot: whose figure, its interval, and whether it can be compared."""

    who: str
    kind: str
    value: float
    ends: Sequence[float] | None
    same: bool = True


def dots(part: Content) -> str:
    """Draw the main figure of every entry and of what others published; hollow where it cannot be compared."""
    main = part["shown"][0]
    lines = [
        _Dot(
            e["who"],
            e["kind"],
            e["report"]["metrics"][main],
            e["report"]["intervals"].get(main),
            e.get("seen", 0) <= _SEEN * part["n"],
        )
        for e in part["entries"]
        if e["status"] == "scored" and main in e["report"]["metrics"]
    ]
    anchors = [a for a in part["anchors"] if main in a["figures"]]
    lines += [_Dot(a["who"], "published", a["figures"][main], None, a["comparable"]) for a in anchors]
    lines.sort(key=lambda line: -line.value)
    low = max(-1.0, min([0.0, *(line.value for line in lines)]))
    high = max([1.0, *(line.value for line in lines)])

    def x(value: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (min(max(value, low), high) - low) / (high - low)

    height = _TOP + _LINE * len(lines) + _BOTTOM
    ticks = [low + share * (high - low) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    marks = [_grid(x(tick), height, figure(main, tick)) for tick in ticks]
    for place, line in enumerate(lines):
        y, colour = _TOP + _LINE * (place + 0.5), _COLOURS[line.kind]
        marks.append(f'<text x="{_LEFT - 12}" y="{y + 4:.1f}" text-anchor="end">{escape(line.who)}</text>')
        if line.ends:
            ends = f'x1="{x(line.ends[0]):.1f}" x2="{x(line.ends[1]):.1f}" y1="{y:.1f}" y2="{y:.1f}"'
            marks.append(f'<line {ends} stroke="{colour}" stroke-width="3"/>')
        fill = colour if line.same else "var(--paper)"
        place_and_look = f'cx="{x(line.value):.1f}" cy="{y:.1f}" r="5" fill="{fill}" stroke="{colour}" stroke-width="2"'
        marks.append(f"<circle {place_and_look}/>")
        shown = escape(figure(main, line.value, line.ends))
        marks.append(f'<text x="{_WIDTH - _RIGHT + 14}" y="{y + 4:.1f}">{shown}</text>')
    return _svg(height, marks, f"{label(main)} of {part['name']}")


def curves(part: Content) -> str:
    """Draw exact match over the number of candidates; empty where answers are not ranked molecules."""
    names = [name for name in part["shown"] if name.startswith("exact_match@")]
    if len(names) < 2:
        return ""
    ranks = [int(name.partition("@")[2]) for name in names]
    scored = [e for e in part["entries"] if e["status"] == "scored"]
    lines = [(e["who"], e["kind"], [e["report"]["metrics"].get(n) for n in names]) for e in scored]
    lines += [(a["who"], "published", [a["figures"].get(n) for n in names]) for a in part["anchors"] if a["comparable"]]

    def x(rank: int) -> float:
        return 60 + (_WIDTH - _RIGHT - 130) * (rank - ranks[0]) / (ranks[-1] - ranks[0])

    def y(share: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - share)

    marks = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        marks.append(f'<line class="grid" x1="60" x2="{x(ranks[-1]):.0f}" y1="{y(share):.1f}" y2="{y(share):.1f}"/>')
        marks.append(f'<text x="52" y="{y(share) + 4:.1f}" text-anchor="end">{100 * share:.0f}</text>')
    for rank in ranks:
        side = "end" if rank == ranks[-1] else "middle"  # names of lines stand on the right of the last
        marks.append(f'<text x="{x(rank):.1f}" y="{_HEIGHT - 12}" text-anchor="{side}">top-{rank}</text>')
    ends: list[float] = []
    for who, kind, values in sorted(lines, key=lambda line: -(line[2][-1] or 0)):
        points = [(x(r), y(v)) for r, v in zip(ranks, values, strict=True) if v is not None]
        if len(points) < 2:
            continue
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        dash = ' stroke-dasharray="4 4"' if kind == "published" else ""
        marks.append(f'<polyline points="{path}" fill="none" stroke="{_COLOURS[kind]}" stroke-width="2"{dash}/>')
        at = max([points[-1][1], *([ends[-1] + 15] if ends else [])])
        ends.append(at)
        marks.append(f'<text x="{x(ranks[-1]) + 8:.0f}" y="{at + 4:.1f}" fill="{_COLOURS[kind]}">{escape(who)}</text>')
    return _svg(
        max(_HEIGHT, int(max(ends, default=0)) + 20), marks, f"exact match of {part['name']} by number of candidates"
    )


def _grid(x: float, height: int, text: str) -> str:
    line = f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{height - _BOTTOM + 6}"/>'
    return f'{line}<text x="{x:.1f}" y="{height - 12}" text-anchor="middle">{escape(text)}</text>'


def _svg(height: int, marks: Sequence[str], title: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(marks)}</svg>"
    )
