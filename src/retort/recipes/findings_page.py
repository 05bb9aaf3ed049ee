"""Tables of what a study found beside its arms: whether rules choose well, what is known untold, how tasks pull."""

from collections.abc import Mapping
from typing import Any

from retort.recipes.reproduction_page import change_text, figure_text, markdown_table

Content = Mapping[str, Any]


def choice_table(content: Content) -> list[str]:
    """Return cells by their final model, and what each rule takes (:mod:`retort.recipes.choice_judged`)."""
    takes: dict[tuple[str, int], list[str]] = {}
    for name, rule in content["rules"].items():
        takes.setdefault((rule["encoding"], rule["types"]), []).append(name.replace("_", " "))
    rows = [
        (
            cell["encoding"].replace("_", " "),
            str(cell["types"]),
            figure_text(cell["final"]),
            f"{cell['criterion']:.4f} ± {cell['standard_error']:.4f}",
            f"{cell['accuracy']:.3f}",
            ", ".join(takes.get((cell["encoding"], cell["types"]), ())),
        )
        for cell in content["cells"]
    ]
    head = "vectors | types | final model, own template first [95 %] | criterion, nats | accuracy | taken by the rule"
    agreed = [
        f"- {name}: Kendall {found['kendall']:+.2f} (p = {found['kendall_p']:.3f}), Spearman {found['spearman']:+.2f} "
        f"(p = {found['spearman_p']:.3f})"
        for name, found in content["agreement"].items()
    ]
    cost = f"- rows that the search reads, as a share of the whole grid's: {content['search_share']:.2f}"
    return [*markdown_table(head, rows), "", "Agreement of ranks with the final models:", "", *agreed, cost]


def probes_table(content: Content) -> list[str]:
    """Return who knows the types of the answered rows (:mod:`retort.recipes.ranker_probe`)."""
    head = "types | guess | accuracy [95 %] | over the annotator [95 %], p"
    rows = [
        (number, name, figure_text(entry), change_text(entry.get("difference_to_annotator")))
        for number, found in content["types"].items()
        for name, entry in found.items()
    ]
    return markdown_table(head, rows)


def gradients_table(content: Content) -> list[str]:
    """Return cosines between the gradients of tasks (:mod:`retort.recipes.gradient_cosines`)."""
    parts = list(content["cosines"])
    head = "tasks | " + " | ".join(f"{part} [95 %]" for part in parts) + " | single batches"
    pairs = list(content["cosines"]["all"])
    rows = [
        (
            pair.replace("_", " "),
            *(_cosine(content["cosines"][part][pair]) for part in parts),
            f"{content['cosines']['all'][pair]['plain']:+.3f}",
        )
        for pair in pairs
    ]
    return markdown_table(head, rows)


def _cosine(found: Content) -> str:
    if found["value"] is None:
        return "noise alone"
    if found["interval"] is None:
        return f"{found['value']:+.2f}"
    return "{:+.2f} [{:+.2f}, {:+.2f}]".format(found["value"], *found["interval"])
