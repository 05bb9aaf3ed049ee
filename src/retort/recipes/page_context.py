"""What the template of an elicitation's page is filled with: plain values and drawings."""

from collections.abc import Mapping, Sequence
from typing import Any

from retort.chem.depict import Panel, draw, draw_marked
from retort.elicitation.interpret import Profile
from retort.errors import ChemistryError
from retort.recipes.elicitation_config import ElicitConfig
from retort.recipes.elicitation_plots import COLOURS
from retort.recipes.interpretation import Meaning
from retort.recipes.page_cases import Case, Cases
from retort.recipes.page_traces import Traced

Context = dict[str, Any]
_WIDTH, _HEIGHT = 560, 150  # of a drawing, in pixels
_KINDS = {
    "groups": "Functional groups made and broken",
    "classes": "Curated classes",
    "templates": "Reaction templates",
}


def way(config: ElicitConfig) -> list[Context]:
    """Return the steps from rows to answers (figure 2 of SLM4CRP)."""
    start = "fresh weights" if config.start_from is None else config.start_from.name
    steps = {
        "train rows": f"{config.rows:,} at most of {config.prepared.name}",
        "vectors": f"{len(config.encodings)} encodings by the encoder of {start}",
        "clusters": f"k-means, {', '.join(map(str, config.types))} types",
        "annotator": "reads the type from the input alone",
        "choice": f"by the rule “{config.search.rule}”",
        "answers": "the type stands in the prompt",
    }
    return [{"title": title, "text": text} for title, text in steps.items()]


def rounds(config: ElicitConfig) -> str:
    """Return how often the way is gone."""
    count = config.feedback.rounds
    return (
        f"Up to {count} rounds: between two the encoder learns to say the type, and embeds anew."
        if count > 1
        else "One round: the encoder stays as it is."
    )


def cells(task: str, table: Mapping[str, Any], picture: str) -> Context:
    """Return what every cell is worth, and what each rule would choose (figure 3a)."""
    chosen = table["chosen"]
    rows = [
        {**cell, "encoding": words(cell["encoding"]), "chosen": _is(cell, chosen)}
        for cell in sorted(table["cells"], key=lambda cell: (cell["encoding"], cell["types"]))
    ]
    return {
        "name": words(task),
        "rows": table["rows"],
        "held": rows[0]["rows"],
        "cells": rows,
        "cells_picture": picture,
        "chosen": _rule(chosen),
        "rule": chosen["rule"],
        "searched": int(table["search"]["rows"]),
        "grid": int(table["search"]["grid_rows"]),
        "share": table["search"]["share"],
        "rules": [f"{words(name)}: {_rule(rule)}" for name, rule in table["rules"].items() if rule],
    }


def types(found: Meaning) -> Context:
    """Return one card per type (figure 4)."""
    sizes = [int((found.types.train.labels == profile.type_id).sum()) for profile in found.profiles]
    return {
        "agreement": found.agreement,
        "sampled": found.sampled,
        "cards": [
            {
                "id": profile.type_id,
                "name": profile.name,
                "rows": size,
                "described": profile.rows,
                "colour": COLOURS[profile.type_id % len(COLOURS)],
                "kinds": _told(profile),
                "typical": [
                    drawing(f"{'.'.join(row.reaction.reactants)}>>{'.'.join(row.reaction.products)}") for row in typical
                ],
            }
            for profile, size, typical in zip(found.profiles, sizes, found.typical, strict=True)
        ],
    }


def answers(found: Cases | None) -> Context | None:
    """Return answers that types turned right, and wrong (figures 1b and 1c)."""
    if found is None:
        return None
    kinds = {"Right with types alone": found.better, "Right without types alone": found.worse}
    counts = {name: getattr(found, name) for name in ("rows", "both", "gained", "lost")}
    return {**counts, "kinds": [(title, [_case(case) for case in own]) for title, own in kinds.items()]}


def swaps(found: Sequence[Traced] | str) -> list[Context] | str:
    """Return what a swap of the type does to true answers, or why it is not shown."""
    if isinstance(found, str):
        return found
    return [
        {
            "query": drawing(trace.query),
            "answer": _marked(trace),
            "told": trace.told,
            "other": trace.other,
            "cost": trace.totals[trace.told] - trace.totals[trace.other],
            "attention": trace.attention,
            "totals": [f"{label}: {trace.totals[label]:.2f}" for label in (-trace.totals).argsort().tolist()],
        }
        for trace in found
    ]


def drawing(smiles: str) -> Context:
    """Return a picture of molecules or a reaction, or the text and why there is none."""
    if not smiles:
        return {"text": "", "why": ""}
    try:
        return {"svg": _svg(draw([Panel(smiles)], width=_WIDTH, height=_HEIGHT))}
    except ChemistryError as error:
        return {"text": smiles, "why": str(error)}


def words(name: str) -> str:
    """Return a name as words."""
    return name.replace("_", " ")


def _marked(trace: Traced) -> Context:
    try:
        return {"svg": _svg(draw_marked(trace.answer, trace.atoms.tolist(), width=_WIDTH))}
    except ChemistryError as error:
        return {"text": trace.answer, "why": str(error)}


def _svg(picture: bytes) -> str:
    """Return an SVG without its XML head."""
    text = picture.decode()
    return text[text.index("<svg") :]


def _told(profile: Profile) -> list[tuple[str, list[Context]]]:
    return [(_KINDS[kind], [e.as_dict() for e in found]) for kind, found in profile.enriched.items() if found]


def _case(case: Case) -> list[tuple[str, Context]]:
    parts = {"asked": case.query, "true": case.target, "without types": case.without, "with types": case.told}
    return [(what, drawing(smiles)) for what, smiles in parts.items()]


def _is(cell: Mapping[str, Any], chosen: Mapping[str, Any]) -> bool:
    return bool((cell["encoding"], cell["types"]) == (chosen["encoding"], chosen["types"]))


def _rule(rule: Mapping[str, Any]) -> str:
    if "types" in rule:
        return f"{words(rule['encoding'])}, {rule['types']} types"
    return ", ".join(_rule(one) for one in rule.values())
