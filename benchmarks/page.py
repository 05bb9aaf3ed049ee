"""The page of speed, written from the figures of a bench."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

TITLES = {
    "startup": "Cold starts",
    "decoding": "Beam search",
    "growth": "Growth with molecules, candidates and atoms",
    "kernels": "Kernels",
    "preparation": "Preparation",
    "training": "Training",
    "search": "Precedents",
    "planning": "Planning",
}
INTRODUCTION = """# Speed

`make bench` measures all of it in one run. Every figure that counts is a ratio to a named peer that did the same work
by turns with it, on the same machine: the median over the rounds, with the quartiles in brackets. Milliseconds are
there to be judged, not quoted: they belong to the machine. Peers in environments of their own are installed by `make
bench-peers`.

![Times faster than the peer](../images/performance.png)"""


def page(figures: Path) -> Iterator[str]:
    """Yield the lines of the page in Markdown."""
    areas = json.loads(figures.read_text("utf-8"))
    yield INTRODUCTION
    for name, area in areas.items():
        yield f"\n## {TITLES.get(name, name.capitalize())}\n"
        machine = area["machine"]
        yield f"{machine['processor']}, {machine['cores']} cores; {area['date']}, commit `{area['commit']}`."
        if area["not_run"]:
            yield f"\n*Not run*: {area['not_run']}."
        for contest in area["contests"]:
            yield from _contest(contest)
        if name == "decoding" and "facts" in area:
            yield from _floor(area)
        elif "facts" in area:
            yield from ("", *(f"- {key.replace('_', ' ')}: {value:,}" for key, value in area["facts"].items()))


def _contest(contest: Mapping[str, Any]) -> Iterator[str]:
    yield f"\n**{contest['work'][0].upper()}{contest['work'][1:]}**, {contest['rounds']} rounds.\n"
    yield f"| way | ms per {contest['unit']} | times faster |"
    yield "|---|---|---|"
    for name, way in contest["ways"].items():
        faster = "peer" if name == contest["peer"] else _words(way["times_faster"], 2)
        yield f"| {name} | {_words(way['ms'], 1)} | {faster} |"
    if contest["agreement"]:
        yield f"\n{contest['agreement'][0].upper()}{contest['agreement'][1:]}."


def _floor(area: Mapping[str, Any]) -> Iterator[str]:
    """Tell how far one-thread int8 decoding of many molecules is from what memory and arithmetic allow."""
    facts, beam = area["facts"], 10
    many = next(c for c in area["contests"] if "at once" in c["work"])
    way = next(way for name, way in many["ways"].items() if "int8, 1 thread" in name)
    molecules = int(many["work"].split(", ")[1].split()[0])
    weights, speed, rate = (
        facts[key] for key in ("decoder_megaweights", "gigabytes_per_second", "gigamultiplications_per_second")
    )
    reading = facts["longest"] * weights / speed / molecules
    multiplying = facts["steps"] * beam * weights / rate / molecules
    measured = way["ms"]["median"]
    yield "\n**Where the floor lies.** Each step of a beam search reads the decoder's weights once, one byte each in"
    yield "int8, and multiplies every one of them with every beam. With one thread this machine reads"
    yield f"{speed:.1f} GB/s and does {rate:.0f} billion fp32 multiplications a second;"
    yield f"the decoder has {weights:.1f}M weights, and the answers are {facts['steps']:,} tokens long together."
    yield f"So reading takes {reading:.1f} ms per molecule and multiplying, at the fp32 rate, {multiplying:.0f} ms;"
    yield f"{measured:.0f} ms were measured."


def _words(spread: Mapping[str, float], digits: int) -> str:
    return f"{spread['median']:,.{digits}f} [{spread['low']:,.{digits}f}, {spread['high']:,.{digits}f}]"
