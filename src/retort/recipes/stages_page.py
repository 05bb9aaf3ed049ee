"""Tables of stages: what a strategy trains, checked against a model, and what was measured of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from retort.config import build, read_values
from retort.models.causal import CausalConfig, build_causal, multimodal_class
from retort.models.graph_encoder import GraphEncoderConfig
from retort.recipes.reproduction_page import figure_text, markdown_table
from retort.recipes.train_stages import TrainStagesConfig
from retort.training.stages import Stage

Content = Mapping[str, Any]
_CARD = CausalConfig(vocabulary_size=8, width=8, inner_width=8, layers=1, heads=2, key_value_heads=2, positions=8)


def strategies_table(folder: Path) -> list[str]:
    """Return a row per stage of every strategy of a folder: from where, on what, and which weights really move."""
    rows = []
    for path in sorted(path for path in folder.glob("*.toml") if path.stem != "base"):
        values = read_values(path)
        values.pop("recipe", None)
        config = build(TrainStagesConfig, values, str(path))
        tokens, mode = config.reader.projector.granularity, config.rows.mode if config.rows else ""
        before = "fresh weights" if config.start_from is None else str(config.start_from)
        trained = dict(moving(config))
        for place, stage in enumerate(config.stages):
            data = ", ".join(f"{kind} {share:g}" for kind, share in stage.mixture.items())
            about = (f"`{path.stem}`", f"{mode}, {tokens}") if not place else ("", "")
            rows.append((*about, stage.name, stage.start or before, data, ", ".join(trained[stage.name])))
            before = stage.name
    return markdown_table("strategy | molecules as, tokens per | stage | starts from | rows (shares) | trained", rows)


def moving(config: TrainStagesConfig) -> Iterator[tuple[str, list[str]]]:
    """Yield each stage with the parts of a model that its policy really lets move.

    The model is a small one of the same family with the same reader; a stage finds it as the one before has left it.
    """
    from retort.models.adapters import apply_policy

    encoder = replace(config.reader.encoder, layers=1, width=8) if config.reader else GraphEncoderConfig()
    projector = replace(config.reader.projector, heads=2)
    reader = replace(config.reader, encoder=encoder, projector=projector)
    model = multimodal_class("causal")(build_causal(replace(_CARD, family=config.causal.family)), reader)
    for stage in config.stages:
        yield stage.name, _parts(apply_policy(model, stage.policy), stage)


def _parts(names: Sequence[str], stage: Stage) -> list[str]:
    found = {
        "adapters": [n for n in names if ".lora_" in n],
        "language model": [n for n in names if n.startswith("network.") and ".lora_" not in n],
        "projector": [n for n in names if n.startswith("reader.") and "projector" in n],
        "graph encoder": [n for n in names if n.startswith("reader.graph_encoder.")],
        "conformer encoder": [n for n in names if n.startswith("reader.conformer_encoder.")],
    }
    told = sum(map(len, found.values()))
    assert told == len(names), f"{stage.name} trains {len(names) - told} parameters that no part names"
    return [part for part, own in found.items() if own]


def graphs_table(content: Content) -> list[str]:
    """Return what the right molecules are worth (:mod:`retort.recipes.graphs_matter`)."""
    head = "rows | n | own molecules, nats per token [95 %] | other molecules | gain | own better, share of rows"
    rows = [
        (
            kind.replace("_", " "),
            f"{found['n']:,}",
            *(figure_text(found[name]) for name in ("own_molecules", "other_molecules", "gain", "better")),
        )
        for kind, found in content["kinds"].items()
    ]
    return markdown_table(head, rows)


def encoder_table(content: Content) -> list[str]:
    """Return what a graph encoder guesses of hidden atoms and bonds (:mod:`retort.recipes.train_graph_encoder`)."""
    head = "hidden | n | right | most frequent everywhere | n of the others | right among them"
    rows = [
        (
            part,
            f"{found['n']:,}",
            *(f"{found[name]:.3f}" for name in ("accuracy", "majority")),
            f"{found['n_minority']:,}",
            f"{found['minority_accuracy']:.3f}",
        )
        for part, found in content["metrics"].items()
        if isinstance(found, Mapping)
    ]
    return markdown_table(head, rows)


def scaffolds_table(content: Content) -> list[str]:
    """Return how many test rows are far from training (:mod:`retort.recipes.scaffold_benchmark`)."""
    head = "task | test rows | without a ring | nearest train scaffold below " + f"{content['config']['threshold']:g}"
    rows = [
        (task.replace("_", " "), f"{found['rows']:,}", f"{found['without_ring']:,}", f"{found['far']:,}")
        for task, found in content["tasks"].items()
    ]
    return markdown_table(head, rows)


def scaffold_scores_table(content: Content) -> list[str]:
    """Return both evaluations of every model (:mod:`retort.recipes.scaffold_scores`)."""
    head = "task | model | n by chance, new | rows by chance, exact_match@1 [95 %] | new scaffolds | lost"
    rows = [
        (task.replace("_", " "), f"`{model}`", *_asked_twice(found))
        for task, by_model in content["tasks"].items()
        for model, found in by_model.items()
    ]
    return markdown_table(head, rows)


def _asked_twice(found: Content) -> tuple[str, str, str, str]:
    if "declined" in found:
        return ("", f"declined: {found['declined']}", "", "")
    random, scaffolds, fall = (figure_text(found[name]["exact_match@1"]) for name in ("random", "scaffolds", "fall"))
    return (f"{found['n']['random']:,}, {found['n']['scaffolds']:,}", random, scaffolds, fall)


def chain_table(content: Content) -> list[str]:
    """Return what the stages of a chain did (``stages.json`` of :mod:`retort.recipes.train_stages`)."""
    head = "stage | policy | tensors trained | steps | places | held-out loss before -> after, nats per token"
    rows = [
        (
            name,
            stage["policy"],
            f"{len(stage['trained'])}",
            f"{stage['steps']:,}",
            f"{stage['places']:,}",
            "; ".join(f"{kind} {stage['before'][kind]:.2f} -> {after:.2f}" for kind, after in stage["after"].items()),
        )
        for name, stage in content.items()
    ]
    return markdown_table(head, rows)
