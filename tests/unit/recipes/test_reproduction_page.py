"""Tables beside the published rows: what every cell says, and when a gain counts as seen."""

from pathlib import Path
from typing import Any

import pytest

from retort.recipes.experiments import Experiment, ExperimentConfig, Published
from retort.recipes.reproduction_page import arms_table, published_table, second_table, summary, tables, verdict

BASELINE = Published(1, "baseline", 0.5, bleu=0.8)
TYPED = Published(1, "typed", 0.6)


def experiment(name: str, against: str = "", published: Published | None = None, **values: Any) -> Experiment:
    config = ExperimentConfig(title=f"the {name}", task="retrosynthesis", published=published, arm={}, **values)
    return Experiment(name, config, None, against)


def change(low: float, high: float) -> dict[str, Any]:
    return {"difference": (low + high) / 2, "interval": [low, high], "p_value": 0.04}


def scored(*compared: dict[str, Any]) -> dict[str, Any]:
    figure = {"mean": 0.25, "interval": [0.2, 0.3], "by_seed": [0.2, 0.3]}
    upstream = {"bleu": 0.7, "meteor_exact_stem": 0.71, "exact_match": 0.2, "similarity": None, "validity": 0.9}
    beam = {"name": "plain", "telling": "likeliest", "top_types": 3, "beam_size": 10}
    way = {"beam": beam, "exact_match@1": figure, "exact_match@3": figure, "distinct@10": 9.5}
    way["upstream"] = {f"upstream_{name}": value for name, value in upstream.items()}
    told = {"knowledge": "oracle", "wording": "compact", "encoding": "difference", "types": 10}
    budget = {"rows": 20_000, "tokens": 2_200_000, "seeds": [0, 1], "n": 5007, "commit": "abc"}
    ways = {"plain": way}
    return {"status": "scored", "reason": "", "title": "it", **told, **budget, "ways": ways, "compared": list(compared)}


def gain(low: float, high: float, arm: str = "off") -> dict[str, Any]:
    return {"way": "plain", "than": {"arm": arm, "way": "plain"}, "exact_match@1": change(low, high)}


@pytest.mark.parametrize(
    ("published", "interval", "words"),
    [
        (0.1, (0.01, 0.2), "same direction"),
        (-0.1, (-0.2, -0.01), "same direction"),
        (0.1, (-0.2, -0.01), "opposite direction"),
        (0.1, (-0.01, 0.2), "no difference can be told from 0"),
        (0.1, (0.0, 0.2), "no difference can be told from 0"),
    ],
)
def test_verdicts(published: float, interval: tuple[float, float], words: str) -> None:
    assert verdict(published, change(*interval), scored(), experiment("x")) == words


def test_what_has_no_figures_says_why() -> None:
    assert verdict(0.1, None, {}, experiment("x")) == "*not run* yet"
    assert verdict(0.1, None, {}, experiment("x", not_run="no weights")) == "*not run*: no weights"
    failed = {"status": "failed", "reason": "the disk is full"}
    assert verdict(0.1, None, failed, experiment("x")) == "*failed*: the disk is full"


def test_a_published_row_stands_beside_ours() -> None:
    both = [experiment("off", published=BASELINE), experiment("typed", "off", TYPED)]
    lines = published_table(both, {"off": scored(), "typed": scored(gain(0.01, 0.03))})
    assert lines[2].endswith("| 0.250 [0.200, 0.300] |  | 5,007, 2 | `abc` | reference |")
    # 1.96 * sqrt(0.5 * 0.5 / 1000 + 0.6 * 0.4 / 1000) = 0.0434
    assert "| 0.600 | +0.100 ± 0.043 | `typed` |" in lines[3]
    assert "| +0.020 [+0.010, +0.030], p = 0.0400 | 5,007, 2 | `abc` | same direction |" in lines[3]


def test_every_difference_of_an_arm_has_a_row() -> None:
    lines = arms_table({"typed": scored(gain(0.01, 0.03), gain(-0.1, 0.1, "other"))})
    assert len(lines) == 4
    assert lines[2].startswith("| `typed`: it | oracle (bound) | difference, 10 | compact | plain: beam 10 | 0.250 ")
    assert lines[2].endswith("| `off`, plain | 20,000, 2.2M | 5,007, 2 | `abc` |")
    assert "`other`, plain" in lines[3]
    assert len({line.count(" | ") for line in lines}) == 1


def test_published_metrics_stand_in_brackets() -> None:
    line = second_table([experiment("off", published=BASELINE)], {"off": scored()})[-1]
    assert line == "| `off` | plain | 0.200 (0.500) | 0.700 (0.800) | 0.710 | none | 0.900 | 9.50 |"


def test_nothing_is_dropped() -> None:
    found = [experiment("off"), experiment("lost"), experiment("typed", "off", TYPED)]
    entries = {"off": scored(), "lost": {"status": "not run", "reason": "not here"}, "typed": scored()}
    text = "\n".join(tables(found, entries))
    assert all(f"`{name}`" in text for name in entries)
    assert "*not run*: not here: `lost`" in text
    assert [row["status"] for row in summary(found, entries)] == ["scored", "not run: not here", "scored"]


def test_a_scored_file_needs_no_place() -> None:
    assert experiment("x").results == Path("runs/benchmark/results.json")
