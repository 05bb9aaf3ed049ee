"""The report of a suite in Markdown, and the words and numbers that its page shares."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from retort.prompting.task import TASKS
from retort.recipes.reproduction_page import markdown_table

Content = Mapping[str, Any]
_PLAIN = ("r2", "mae", "rmse", "width", "regret", "chance_regret")  # figures that are no shares
_NAMES = {
    "exact_match": "top",
    "r2": "R2",
    "mae": "MAE",
    "rmse": "RMSE",
    "macro_f1": "macro-F1",
    "micro_f1": "micro-F1",
    "ndcg": "NDCG",
}


def markdown(found: Content) -> list[str]:
    """Return the lines of ``report.md``."""
    lines = [f"# {found['suite']}: {found['summary']}", "", *told(found), ""]
    for part in found["parts"]:
        lines += [f"## {part['name']}", "", *_part(part), ""]
    lines += ["## Leaks", "", *leak_table(found["parts"]), ""]
    missing = list(not_run(found["parts"]))
    return [*lines, "## Not run", "", *([f"- {line}" for line in missing] or ["Everything was run."])]


def told(found: Content) -> list[str]:
    """Return what must be known of a whole report, as sentences."""
    sample = "every test row" if found["limit"] is None else f"a sample of at most {found['limit']:,} test rows a part"
    who = ", ".join(f"{name} (`{model['sha256'][:12]}`)" for name, model in found["models"].items())
    files = f" Files: {', '.join(found['predictions'])}." if found["predictions"] else ""
    code = f"retort {found['retort']}, commit `{found['commit'] or 'unknown'}`, {found['date']}"
    rule = "every row counts, one without an answer as wrong. Brackets: 95 % bootstrap intervals over rows."
    return [
        f"{code}; {sample}, seed {found['seed']}.",
        f"Models: {who or 'none'}.{files}",
        f"Shares in per cent; {rule}",
    ]


def _part(part: Content) -> Iterator[str]:
    if part["status"] != "scored":
        yield f"Not run: {part['reason']}"
        return
    yield about(part)
    yield ""
    names = part["shown"]
    yield from markdown_table(f"who | {' | '.join(map(label, names))} | no answer", list(_rows(part)))
    gains = list(gain_rows(part))
    if gains:
        yield from ("", f"Paired differences on the same rows, minus {part['first']}:", "")
        yield from markdown_table(f"who | {' | '.join(map(label, names))}", gains)
    if part["anchors"]:
        yield from ("", "Published:", "")
        yield from markdown_table(
            f"who | {' | '.join(map(label, names))} | comparable | source", list(anchor_rows(part))
        )


def about(part: Content) -> str:
    """Return how many rows of what a part has."""
    rows = f"{part['n']:,} test rows" if part["n"] == part["all"] else f"{part['n']:,} of {part['all']:,} test rows"
    text = f"{TASKS.get(part['task']).summary}; {part['source']}, {rows}, {part['train']:,} train rows."
    lost = sum(part["dropped"].values())
    source = "sources" if "," in part["source"] else "source"
    left_out = f"{lost:,} rows of the {source} are in no part, for reasons in report.json." if lost else ""
    remarks = [f"{e['who']}: {e['remark']}." for e in part["entries"] if "remark" in e]
    return " ".join(filter(None, (text, part["note"], left_out, *remarks)))


def _rows(part: Content) -> Iterator[Sequence[str]]:
    for entry in part["entries"]:
        if entry["status"] == "scored":
            yield (named(entry), *cells(part, entry["report"]), unanswered(entry["report"]))
            if "unseen" in entry:
                unseen = entry["unseen"]
                yield (f"— {unseen['n']:,} rows it had not seen", *cells(part, unseen), unanswered(unseen))


def named(entry: Content) -> str:
    """Return who an entry is of, and how many of its rows were in its training data."""
    seen = entry.get("seen", 0)
    return f"{entry['who']} (trained on {seen:,} of these rows)" if seen else str(entry["who"])


def cells(part: Content, report: Content) -> list[str]:
    """Return the shown figures of a report with their intervals; a dash where one is not defined."""
    return [figure(name, report["metrics"].get(name), report["intervals"].get(name)) for name in part["shown"]]


def unanswered(report: Content) -> str:
    """Return how many rows have no answer."""
    return f"{report['n'] - report['status_counts']['ok']:,}"


def gain_rows(part: Content) -> Iterator[Sequence[str]]:
    """Yield the differences of every entry to the first model."""
    for entry in part["entries"]:
        gains = entry.get("gains")
        if gains:
            found = [(name, gains.get(name)) for name in part["shown"]]
            yield (entry["who"], *(figure(n, g["difference"], g["interval"], "+") if g else "–" for n, g in found))


def anchor_rows(part: Content) -> Iterator[Sequence[str]]:
    """Yield what others published."""
    for anchor in part["anchors"]:
        figures = [figure(name, anchor["figures"].get(name)) for name in part["shown"]]
        same = "yes" if anchor["comparable"] else "no"
        same += f": {anchor['rows']}" if anchor["rows"] else ""
        yield (anchor["who"], *figures, same, anchor["source"] + (" (recalled)" if anchor["recalled"] else ""))


def leak_table(parts: Sequence[Content]) -> list[str]:
    """Return, for every part, how many test questions were trained on."""
    rows = []
    for part in parts:
        if part["status"] == "scored":
            models = [e for e in part["entries"] if e["kind"] == "model" and e["status"] == "scored"]
            seen = [f"{e['who']} {e['seen']:,}" if "seen" in e else f"{e['who']} does not tell" for e in models]
            rows.append((part["name"], f"{part['n']:,}", f"{part['asked_before']:,}", ", ".join(seen) or "–"))
    return markdown_table("part | test rows | asked in its own train rows | in the training data of", rows)


def not_run(parts: Sequence[Content]) -> Iterator[str]:
    """Yield what was not run, and why."""
    for part in parts:
        if part["status"] != "scored":
            yield f"{part['name']}: {part['reason']}"
        for entry in part["entries"]:
            if entry["status"] != "scored":
                yield f"{part['name']}, {entry['who']}: {entry['reason']}"


def summary(found: Content) -> list[dict[str, str]]:
    """Return a row per part and entry for a terminal: the main figure."""
    rows = []
    for part in found["parts"]:
        for entry in part["entries"] or [{"who": "", "status": part["status"], "reason": part["reason"]}]:
            main, report = part["shown"][0], entry.get("report")
            shown = figure(main, report["metrics"].get(main), report["intervals"].get(main)) if report else ""
            status = ": ".join(filter(None, (entry["status"], entry["reason"])))
            n = f"{report['n']:,}" if report else ""
            rows.append(
                {
                    "part": part["name"],
                    "who": named(entry),
                    "n": n,
                    "metric": label(main),
                    "value": shown,
                    "status": status,
                }
            )
    return rows


def label(metric: str) -> str:
    """Return what a table calls a metric."""
    name, _, cutoff = metric.partition("@")
    word = _NAMES.get(name, name.replace("_", " "))
    cut = name in ("exact_match", "hit", "regret") or (name == "accuracy" and cutoff)
    return f"{word}-{cutoff}" if cut else word


def figure(metric: str, value: float | None, ends: Sequence[float] | None = None, sign: str = "") -> str:
    """Return a figure with its interval: per cent where it is a share; a dash where there is none."""
    if value is None:
        return "–"
    plain = metric.partition("@")[0] in _PLAIN
    digits, scale = (3 if metric == "r2" else 2, 1.0) if plain else (1, 100.0)
    shown = f"{value * scale:{sign}.{digits}f}"
    if ends is None:
        return shown
    return f"{shown} [{ends[0] * scale:{sign}.{digits}f}, {ends[1] * scale:{sign}.{digits}f}]"
