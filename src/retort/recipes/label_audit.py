"""Were the published labels of held-out rows computed from the answer? An audit by what predicts them.

``python -m retort.recipes.label_audit CONFIG.toml [KEY=VALUE]...`` writes a file of figures. The labels of train rows
are clusters and have seen the answer; those of held-out rows are said to be read from the input alone. If they are,
with the annotator's published accuracy, a classifier that sees only the *answer* must fall from cross-validation on
train rows to held-out rows; where it does not fall, held-out labels look like clusters too. Logistic regression on
character n-grams is all that is used, so a drop that is not seen is a hint and no proof.

Legend: ``n`` rows.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.config import load, option
from retort.data.records import TextRow
from retort.data.source import SOURCES
from retort.errors import DataError, MissingExtraError
from retort.evaluation.scoring import interval
from retort.recipes.benchmark_results import commit, rounded
from retort.recipes.entry import run_with_config

Labels = NDArray[np.int64]
Hits = NDArray[np.bool_]
VIEWS = ("output", "input")
TRAIN = "train"
_STREAM = 0xA0D1


@dataclass(frozen=True)
class LabelAuditConfig:
    """Published labels to audit."""

    figures: Path = option(help="JSON file that receives the figures")
    labelled: str = option("mol_instructions", help="source of rows in words that carry labels")
    types: int = option(10, help="types per task; labels of a joint file are offset by multiples of it")
    published_accuracy: Mapping[str, float] = option(
        help="task -> accuracy of the annotator as published: held-out labels would be wrong as often", factory=dict
    )
    longest: int = option(4, help="longest n-gram, in characters")
    folds: int = option(5, help="parts of the cross-validation on train rows")
    draws: int = option(2_000, help="permutations of the null")
    seed: int = option(0, help="of folds, permutations and the bootstrap")


def audit_labels(config: LabelAuditConfig) -> Path:
    """Audit every task of a source; write the file of figures and return it.

    Raises:
        DataError: The source is not there, or a task lacks train or held-out rows.
        MissingExtraError: scikit-learn is not installed.
    """
    source = SOURCES.get(config.labelled)
    source.verify()
    tasks: dict[str, dict[str, TextRow]] = defaultdict(dict)
    for row in source.read(source.root()):
        if isinstance(row, TextRow) and row.label is not None:
            tasks[row.kind].setdefault(row.id.rpartition(":")[2], row)  # a joint file repeats rows of the others
    if not tasks:
        raise DataError(f"the source {config.labelled!r} has no labelled rows.")
    found = {name: audit_task(list(rows.values()), name, config) for name, rows in tasks.items()}
    content = {"source": source.name, "files": dict(source.files), "commit": commit(), "tasks": found}
    config.figures.parent.mkdir(parents=True, exist_ok=True)
    config.figures.write_text(json.dumps(rounded(content), indent=1, allow_nan=False) + "\n", "utf-8")
    return config.figures


def audit_task(rows: Sequence[TextRow], task: str, config: LabelAuditConfig) -> dict[str, Any]:
    """Return what predicts the labels of one task's train and held-out rows.

    Raises:
        DataError: There are no train or no held-out rows.
    """
    train, held = ([row for row in rows if (row.split == TRAIN) == known] for known in (True, False))
    if len(train) < config.folds or not held:
        raise DataError(f"{task!r} has {len(train)} labelled train rows and {len(held)} held out: too few.")
    known, wanted = (_labels(part, config.types) for part in (train, held))
    common = Counter(known.tolist()).most_common(1)[0][0]
    found: dict[str, Any] = {
        "train": len(train),
        "held_out": len(held),
        "types": len(set(known.tolist())),
        "majority": {"train": float((known == common).mean()), "held_out": float((wanted == common).mean())},
    }
    for view in VIEWS:
        texts = [[getattr(row, view) for row in part] for part in (train, held)]
        found[view] = _predicted(texts[0], known, texts[1], wanted, config)
    found["same_answer"] = _same_answer(train, known, held, wanted)
    accuracy = config.published_accuracy.get(task)
    if accuracy is not None:
        seen, chance = found["output"]["cross_validated"]["mean"], found["output"]["null"]["mean"]
        found["published_accuracy"] = accuracy
        found["expected"] = accuracy * seen + (1 - accuracy) * chance
    return found


def _labels(rows: Sequence[TextRow], types: int) -> Labels:
    return np.array([int(row.label or 0) % types for row in rows], np.int64)


def _predicted(
    texts: Sequence[str], labels: Labels, held: Sequence[str], wanted: Labels, config: LabelAuditConfig
) -> dict[str, Any]:
    """Return how well texts predict labels: in cross-validation, on held-out rows, and by chance there."""
    random = np.random.default_rng([config.seed, _STREAM])
    folds = random.permutation(len(texts)) % config.folds
    right = np.zeros(len(texts), bool)
    for fold in range(config.folds):
        fit, judged = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        said = _said([texts[i] for i in fit.tolist()], labels[fit], [texts[i] for i in judged.tolist()], config.longest)
        right[judged] = said == labels[judged]
    said = _said(texts, labels, held, config.longest)
    null = np.array([(said == random.permutation(wanted)).mean() for _ in range(config.draws)])
    hits = said == wanted
    p_value = (1 + int((null >= hits.mean()).sum())) / (1 + config.draws)
    return {
        "cross_validated": _share(right, config.seed),
        "held_out": _share(hits, config.seed),
        "null": {"mean": float(null.mean()), "p_value": p_value},
    }


def _said(texts: Sequence[str], labels: Labels, asked: Sequence[str], longest: int) -> Labels:
    """Return the labels that logistic regression on the n-grams of some texts gives to others."""
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise MissingExtraError("auditing labels", "train") from error
    grams = TfidfVectorizer(analyzer="char", ngram_range=(1, longest), lowercase=False, sublinear_tf=True, min_df=2)
    model = LogisticRegression(C=10.0, max_iter=2_000)
    model.fit(grams.fit_transform(texts), labels)
    return np.asarray(model.predict(grams.transform(asked)), np.int64)


def _same_answer(train: Sequence[TextRow], known: Labels, held: Sequence[TextRow], wanted: Labels) -> dict[str, Any]:
    """Count rows whose answer stands in (other) train rows, and how often the majority label there is theirs."""
    by_answer: dict[str, Counter[int]] = defaultdict(Counter)
    for row, label in zip(train, known.tolist(), strict=True):
        by_answer[row.output][label] += 1
    left = [(by_answer[row.output] - Counter([label]), label) for row, label in zip(train, known.tolist(), strict=True)]
    new = [(by_answer[row.output], label) for row, label in zip(held, wanted.tolist(), strict=True)]
    return {"train": _agreement(left), "held_out": _agreement(new)}


def _agreement(pairs: Sequence[tuple[Counter[int], int]]) -> dict[str, int]:
    shared = [(labels, label) for labels, label in pairs if labels]
    agree = sum(min(labels, key=lambda known: (-labels[known], known)) == label for labels, label in shared)
    return {"rows": len(shared), "agree": agree}


def _share(hits: Hits, seed: int) -> dict[str, Any]:
    low, high = interval(hits[:, None].astype(np.float64), seed)
    return {"mean": float(hits.mean()), "interval": [low[0], high[0]]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run_with_config(lambda path, given: audit_labels(load(LabelAuditConfig, path, given)), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
