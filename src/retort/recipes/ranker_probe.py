"""Does a ranker that was told no types know them? A linear probe of its hidden layer, against who reads them.

``python -m retort.recipes.ranker_probe CONFIG.toml [KEY=VALUE]...`` takes the configuration of
:mod:`retort.recipes.ranker_knowledge`. A probe is fitted to train rows and judged on the rows that are answered. It is
held against the most frequent type, against the same network before training, and against the annotator, which is
itself a linear probe: of the pooled vectors of the language model's encoder.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from retort.config import load
from retort.elicitation.checks import Doubles, Labels
from retort.elicitation.probe import fit_probe
from retort.evaluation.seeds import Values, differences, figures
from retort.models.ranker import Ranker, SparseRows
from retort.recipes.benchmark_results import commit
from retort.recipes.entry import run_with_config
from retort.recipes.ranker_arms import Arm, Known
from retort.recipes.ranker_knowledge import RankerKnowledgeConfig, Study
from retort.recipes.train_ranker import Say, fit_ranker

_BATCH = 512


def probe_types(config: RankerKnowledgeConfig, say: Say = print) -> Path:
    """Probe the networks of the arm ``off``, training those that are not there; write the figures and return the file.

    Raises:
        DataError: A row has no types.
        ModelError: A file of row types, or of a ranker, is damaged.
    """
    study = Study.of(config, say)
    rankers = {
        "ranker": [study.ranker(Arm("off"), seed, None, "") for seed in config.seeds],
        "untrained": [_untrained(study, seed) for seed in config.seeds],
    }
    vectors = {name: [_standard(study, ranker) for ranker in some] for name, some in rankers.items()}
    found = {}
    for (number, inputs), known in study.known.items():
        if number and not inputs:
            found[str(number)] = _entries(_hits(study, known, vectors))
            say(f"{number} types: " + ", ".join(f"{k} {v['mean']:.3f}" for k, v in found[str(number)].items()))
    config.probes.parent.mkdir(parents=True, exist_ok=True)
    content = {"n": len(study.answered), "train_rows": len(study.data.y), "types": found, "commit": commit()}
    config.probes.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return config.probes


def _untrained(study: Study, seed: int) -> Ranker:
    training = replace(study.config.ranker.training, seed=seed, epochs=0)
    return fit_ranker(replace(study.config.ranker, training=training), study.data, lambda *_: None)


def _standard(study: Study, ranker: Ranker) -> tuple[Doubles, Doubles]:
    """Return the hidden layers of train rows and of the rows that are answered, each unit at the train rows' scale."""
    answered = np.arange(study.choices, len(study.data.held_x))
    train, held_out = (_hidden(ranker, x) for x in (study.data.x, study.data.held_x.take(answered)))
    mean, spread = train.mean(axis=0), train.std(axis=0) + 1e-6
    return (train - mean) / spread, (held_out - mean) / spread


def _hidden(ranker: Ranker, x: SparseRows) -> Doubles:
    places = np.arange(len(x))
    parts = [ranker.hidden(x.take(places[i : i + _BATCH]).dense()) for i in range(0, len(x), _BATCH)]
    return np.concatenate(parts).astype(np.float64)


def _hits(study: Study, known: Known, vectors: dict[str, list[tuple[Doubles, Doubles]]]) -> dict[str, Values]:
    train, held_out = known.train.labels, known.held_out.labels[study.choices :]
    number = known.train.types
    read = known.held_out.read[study.choices :].argmax(axis=1)
    guesses: dict[str, list[Labels]] = {
        "majority": [np.full(len(held_out), np.bincount(train).argmax())],
        "annotator": [read],
    }
    for name, runs in vectors.items():
        probes = [(fit_probe(fitted, train, number), judged) for fitted, judged in runs]
        guesses[name] = [probe.probabilities(judged).argmax(axis=1) for probe, judged in probes]
    return {
        name: np.stack([guess == held_out for guess in some]).astype(np.float64)[:, :, None]
        for name, some in guesses.items()
    }


def _entries(hits: dict[str, Values]) -> dict[str, dict[str, Any]]:
    found = {name: figures(["accuracy"], right)["accuracy"].as_dict() for name, right in hits.items()}
    for name in hits.keys() - {"annotator"}:
        change = differences(["accuracy"], hits["annotator"], hits[name])["accuracy"]
        found[name]["difference_to_annotator"] = change.as_dict()
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run_with_config(lambda path, given: probe_types(load(RankerKnowledgeConfig, path, given)), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
