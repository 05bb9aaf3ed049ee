"""Tables of a benchmark in Markdown: beside the published rows, and arm by arm.

Other data, other weights and another size than the published ones: what is compared are patterns, the direction of a
gain and whether it can be told from 0. Every cell comes from a file of figures or from a configuration.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from retort.elicitation.knowledge import BOUNDS
from retort.recipes.benchmark_results import Entry
from retort.recipes.experiments import Experiment, Published

PUBLISHED_ROWS = 1000  # test rows of every published figure
MAIN, SECOND = "exact_match@1", ("bleu", "meteor", "similarity", "validity")
CUTOFFS = (1, 3, 5, 10)
_OURS = {"bleu": "bleu", "meteor": "meteor_exact_stem", "similarity": "similarity", "validity": "validity"}
Cells = Sequence[str]


def tables(experiments: Sequence[Experiment], entries: Mapping[str, Entry]) -> list[str]:
    """Return the lines of all tables: published rows task by task, arms task by task, what was not run."""
    lines: list[str] = []
    for task in dict.fromkeys(experiment.config.task for experiment in experiments):
        of_task = [experiment for experiment in experiments if experiment.config.task == task]
        lines += [f"### {task.replace('_', ' ').capitalize() or 'Arms'}", ""]
        if any(experiment.config.published for experiment in of_task):
            lines += [*published_table(of_task, entries), ""]
        scored = [e for e in of_task if _status(entries, e) == "scored"]
        if scored:
            lines += [
                *arms_table({e.name: entries[e.name] for e in scored}),
                "",
                *second_table(scored, entries),
                "",
            ]
        lines += [*_not_run(of_task, entries)]
    return lines


def summary(experiments: Sequence[Experiment], entries: Mapping[str, Entry]) -> list[dict[str, str]]:
    """Return a row per arm and way of decoding for a terminal; an arm without figures says why."""
    rows = []
    for experiment in experiments:
        entry = entries[experiment.name]
        for way, found in entry.get("ways", {"": {}}).items():
            gain = _gain(entry, way, experiment.against)
            rows.append(
                {
                    "arm": experiment.name,
                    "decoding": way,
                    "exact_match@1": figure_text(found[MAIN]) if found else "",
                    "gain": change_text(gain),
                    "over": experiment.against if gain else "",
                    "status": ": ".join(filter(None, (entry["status"], entry["reason"]))),
                }
            )
    return rows


def published_table(experiments: Sequence[Experiment], entries: Mapping[str, Entry]) -> list[str]:
    """Return the table of published rows: published, ours, interval, n and seeds, commit, verdict."""
    head = (
        "published row | published exact match | published gain | our arm | ours, exact_match@1 [95 %] | "
        "our gain [95 %], p | n, seeds | commit | verdict"
    )
    by_name = {experiment.name: experiment for experiment in experiments}
    rows = [_published_row(e, by_name.get(e.against), entries) for e in experiments if e.config.published]
    return markdown_table(head, rows)


def _published_row(experiment: Experiment, baseline: Experiment | None, entries: Mapping[str, Entry]) -> Cells:
    row, entry = experiment.config.published, entries.get(experiment.name, {})
    assert row is not None
    before = baseline.config.published if baseline is not None else None
    gain = row.exact_match - before.exact_match if before is not None else None
    shown = "" if gain is None or before is None else f"{gain:+.3f} ± {_noise(row, before):.3f}"
    names = (f"Table {row.table}: {row.model}", f"{row.exact_match:.3f}", shown, f"`{experiment.name}`")
    if entry.get("status") != "scored":
        return (*names, "", "", "", "", verdict(gain, None, entry, experiment))
    way, change = _first_way(entry), _gain(entry, _first_way(entry), experiment.against)
    figure = entry["ways"][way][MAIN]
    where = (f"{entry['n']:,}, {len(entry['seeds'])}", f"`{entry['commit']}`")
    return (*names, figure_text(figure), change_text(change), *where, verdict(gain, change, entry, experiment))


def verdict(gain: float | None, change: Mapping[str, Any] | None, entry: Mapping[str, Any], of: Experiment) -> str:
    """Return in words how a published gain and ours agree.

    Args:
        gain: The published gain; None where the published row has no baseline here.
        change: Ours, with its interval; None where there is none.
        entry: What the file of figures says of the arm; empty where it says nothing.
        of: The experiment.
    """
    if entry.get("status") != "scored":
        return _reason(entry, of)
    if change is None or gain is None:
        return "reference"
    low, high = change["interval"]
    if low <= 0 <= high:
        return "no difference can be told from 0"
    return "same direction" if (low > 0) == (gain > 0) else "opposite direction"


def _noise(first: Published, second: Published) -> float:
    """Return the half width of the 95 % interval of the difference of two published shares, taken as independent."""
    spread = sum(row.exact_match * (1 - row.exact_match) / PUBLISHED_ROWS for row in (first, second))
    return 1.96 * math.sqrt(spread)


def arms_table(entries: Mapping[str, Entry]) -> list[str]:
    """Return the table of scored arms, one row per way of decoding and paired difference."""
    cutoffs = " | ".join(f"@{k}" for k in CUTOFFS[1:])
    head = (
        f"arm | told | types | prompts | decoding | exact_match@1 [95 %] | {cutoffs} | gain at 1 [95 %], p | over | "
        "rows, tokens | n, seeds | commit"
    )
    return markdown_table(head, [row for name, entry in entries.items() for row in _arm_rows(name, entry)])


def _arm_rows(name: str, entry: Entry) -> Iterator[Cells]:
    told, named = entry["knowledge"], f"`{name}`: {entry['title']}" if entry.get("title") else f"`{name}`"
    types = f"{entry['encoding']}, {_counts(entry['types'])}" if told not in ("off", "curated") else ""
    told += " (bound)" if told in BOUNDS else ""
    budget = f"{entry['rows']:,}, {_millions(entry['tokens'])}" if entry.get("tokens") else f"{entry['rows']:,}"
    where = (budget, f"{entry['n']:,}, {len(entry['seeds'])}", f"`{entry['commit']}`")
    for way, found in entry["ways"].items():
        about = (named, told, types, entry.get("wording", ""), _way(way, found), *_shares(found))
        gains = [gain for gain in entry.get("compared", ()) if gain["way"] == way]
        for place, gain in enumerate(gains or [None]):
            change, over = change_text(gain[MAIN] if gain else None), _over(gain)
            yield (*about, change, over, *where) if not place else (*_blank(about), change, over, *_blank(where))
        yield from _task_rows(found, gains)


def _task_rows(found: Mapping[str, Any], gains: Sequence[Mapping[str, Any]]) -> Iterator[Cells]:
    """Yield a row per task of a way of decoding several tasks, and of what it gains over the first arm."""
    over = next((gain for gain in gains if "by_task" in gain), None)
    for task, own in found.get("by_task", {}).items():
        change = change_text(over["by_task"][task][MAIN] if over else None)
        told = (f"of these {task.replace('_', ' ')}", *_shares(own), change, _over(over), "", f"{own['n']:,}", "")
        yield ("", "", "", "", *told)


def _shares(found: Mapping[str, Any]) -> Cells:
    """Return exact match at every cut-off."""
    later = [f"{found[f'exact_match@{k}']['mean']:.3f}" if f"exact_match@{k}" in found else "" for k in CUTOFFS[1:]]
    return (figure_text(found[MAIN]), *later)


def _over(gain: Mapping[str, Any] | None) -> str:
    return f"`{gain['than']['arm']}`, {gain['than']['way']}" if gain else ""


def _counts(types: int | Sequence[int]) -> str:
    """Return a number of types, or those of several tasks."""
    return str(types) if isinstance(types, int) else " + ".join(map(str, types))


def _blank(cells: Cells) -> Cells:
    return ("",) * len(cells)


def labels_table(content: Mapping[str, Any]) -> list[str]:
    """Return the table of an audit of published labels (:mod:`retort.recipes.label_audit`)."""
    head = (
        "task | train rows, held out | seen | in cross-validation [95 %] | on held-out rows [95 %] | by chance | p | "
        "expected, were they read from the input | same answer as a train row: its label, of rows"
    )
    return markdown_table(head, [row for task, found in content["tasks"].items() for row in _label_rows(task, found)])


def _label_rows(task: str, found: Mapping[str, Any]) -> Iterator[Cells]:
    rows = f"{found['train']:,}, {found['held_out']:,}"
    for view in ("output", "input"):
        seen = found[view]
        figures = (figure_text(seen["cross_validated"]), figure_text(seen["held_out"]))
        chance = (f"{seen['null']['mean']:.3f}", f"{seen['null']['p_value']:.4f}")
        if view == "output":
            same = "; ".join(
                f"{part.replace('_', ' ')} {counts['agree']} of {counts['rows']}"
                for part, counts in found["same_answer"].items()
            )
            expected = f"{found['expected']:.3f}" if "expected" in found else ""
            yield (task, rows, "the answer alone", *figures, *chance, expected, same)
        else:
            yield ("", "", "the input alone", *figures, *chance, "", "")


def second_table(experiments: Sequence[Experiment], entries: Mapping[str, Entry]) -> list[str]:
    """Return the published metrics of scored arms as published, beside the published figures where there are any."""
    head = "arm | decoding | exact match of sets | " + " | ".join(SECOND) + " | distinct answers of 10"
    rows = []
    for experiment in experiments:
        for way, found in entries[experiment.name]["ways"].items():
            row, upstream = experiment.config.published, found["upstream"]
            exact = _both(upstream["upstream_exact_match"], row.exact_match if row else None)
            others = [_both(upstream[f"upstream_{_OURS[k]}"], getattr(row, k) if row else None) for k in SECOND]
            rows.append((f"`{experiment.name}`", way, exact, *others, f"{found['distinct@10']:.2f}"))
    return ["As published, in brackets the published figure:", "", *markdown_table(head, rows)]


def _not_run(experiments: Sequence[Experiment], entries: Mapping[str, Entry]) -> Iterator[str]:
    """Yield what was not run, arms without a published row; those with one say so in their table."""
    left = [e for e in experiments if _status(entries, e) != "scored" and not e.config.published]
    reasons: dict[str, list[str]] = {}
    for experiment in left:
        reasons.setdefault(_reason(entries.get(experiment.name, {}), experiment), []).append(f"`{experiment.name}`")
    for reason, names in reasons.items():
        yield f"- {reason}: {', '.join(names)}"
    if reasons:
        yield ""


def _reason(entry: Mapping[str, Any], experiment: Experiment) -> str:
    reason = entry.get("reason") or experiment.config.not_run
    status = entry.get("status", "not run")
    return f"*{status}*: {reason}" if reason else "*not run* yet"


def _status(entries: Mapping[str, Entry], experiment: Experiment) -> str:
    return str(entries.get(experiment.name, {}).get("status", "not run"))


def _first_way(entry: Entry) -> str:
    return str(next(iter(entry["ways"])))


def _gain(entry: Entry, way: str, over: str) -> Mapping[str, Any] | None:
    """Return what a way of decoding gains at 1 over another arm; None where that is not known."""
    found = (gain[MAIN] for gain in entry.get("compared", ()) if gain["way"] == way and gain["than"]["arm"] == over)
    return next(found, None)


def figure_text(figure: Mapping[str, Any]) -> str:
    """Return a mean with its interval."""
    return "{:.3f} [{:.3f}, {:.3f}]".format(figure["mean"], *figure["interval"])


def change_text(change: Mapping[str, Any] | None) -> str:
    """Return a paired difference with its interval and p-value; nothing where there is none."""
    if change is None:
        return ""
    return "{:+.3f} [{:+.3f}, {:+.3f}], p = {:.4f}".format(change["difference"], *change["interval"], change["p_value"])


def _both(ours: float | None, published: float | None) -> str:
    shown = "none" if ours is None else f"{ours:.3f}"
    return shown if published is None else f"{shown} ({published:.3f})"


def _way(name: str, found: Mapping[str, Any]) -> str:
    """Return a way of decoding in words; its name alone where it has no beams."""
    beam = found.get("beam")
    if beam is None:
        return name
    mixed = f"{beam['top_types']} types x " if beam["telling"] == "mixture" else ""
    return f"{name}: {mixed}beam {beam['beam_size']}"


def _millions(tokens: int) -> str:
    return f"{tokens / 1e6:g}M"


def markdown_table(head: str, rows: Iterable[Cells]) -> list[str]:
    """Return the lines of a table whose columns are named in ``head``, apart by `` | ``."""
    columns = head.split(" | ")
    return [_line(columns), _line(["---"] * len(columns)), *map(_line, rows)]


def _line(cells: Cells) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
