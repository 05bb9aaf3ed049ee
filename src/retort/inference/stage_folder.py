"""The folder of a training stage as a model folder: it answers the tasks that it and the stages before it learned.

``retort.json`` of such a folder has the whole chain. Reading it needs no torch.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from retort.errors import ModelError
from retort.inference.model_folder import FORMAT, VERSION, ModelCard, ProposerEntry, TaskEntry
from retort.models.checkpoint import CARD, VOCABULARY, file_sha256, read_card
from retort.prompting.molecules import InputMode
from retort.prompting.task import TASKS

KIND, CHAIN = "multimodal", "stages.json"
NAME = "language_model"
_NOTE = "The model is a training stage: nobody has compared it with the nearest neighbour on this task."


def stage_card(folder: Path) -> ModelCard:
    """Return what a model card would say of a stage's folder.

    Raises:
        ModelError: The folder is damaged, not one of a stage, or has a foreign tokenizer.
    """
    card = read_card(folder)
    if VOCABULARY not in card["files"]:
        raise ModelError(
            f"{str(folder)!r} has a foreign tokenizer.", "Only models with this package's vocabulary answer."
        )
    learned = learned_tasks(card, str(folder))
    tasks = {name: TaskEntry(trained=True, proposers=(NAME,), notes=(_NOTE,)) for name in learned}
    missing = f"no stage of {folder.name!r} learned it; it learned {', '.join(learned) or 'none'}"
    tasks |= {name: TaskEntry(trained=False, reason=missing) for name in TASKS.names() if name not in tasks}
    place = folder.resolve()
    return ModelCard(
        format=FORMAT,
        version=VERSION,
        name=f"{place.parent.name}/{place.name}",
        release="",
        proposers={NAME: ProposerEntry("language_model", folder=".", engine="multimodal")},
        tasks=tasks,
        files={**card["files"], CARD: file_sha256(folder / CARD)},
        provenance={key: card[key] for key in ("stage", "parents", "report") if key in card},
    )


def stage_in(folder: Path) -> Path | None:
    """Return the folder of a stage: the given one, or that of the last stage of a chain; None where it is neither.

    :func:`stage_card` says what is wrong with a stage.
    """
    try:
        last = folder / list(json.loads((folder / CHAIN).read_text("utf-8")))[-1]
    except (OSError, ValueError, IndexError):
        last = folder
    return last if (last / CARD).is_file() and read_card(last).get("kind") == KIND else None


def learned_tasks(card: Mapping[str, Any], where: str) -> list[str]:
    """Return the tasks among the rows that a stage and those before it were trained on.

    Raises:
        ModelError: The card is not one of a stage.
    """
    try:
        stages = {stage["name"]: stage for stage in card["config"]["stages"]}
        order, name = list(stages), card["stage"]["name"] if card["stage"] else ""
        kinds: set[str] = set()
        while name in stages:
            kinds |= stages[name]["mixture"].keys()
            place = order.index(name)
            name = stages[name]["start"] or (order[place - 1] if place else "")
    except (KeyError, TypeError) as error:
        raise ModelError(f"{where!r} does not say what it was trained on: {error}.", _TRAIN) from error
    return [task for task in TASKS.names() if task in kinds]


def mode_of(card: Mapping[str, Any], where: str) -> InputMode:
    """Return what a stage was shown of a molecule; raises ModelError where its card does not say."""
    told = card.get("mode") or ((card.get("config") or {}).get("rows") or {}).get("mode")
    for mode in get_args(InputMode):
        if told == mode:
            return mode  # type: ignore[no-any-return]
    raise ModelError(f"{where!r} does not say what it was shown of a molecule.", _TRAIN)


def limit_of(card: Mapping[str, Any], where: str) -> int:
    """Return the longest row in places that a stage was trained on; raises ModelError where its card does not say."""
    try:
        return int(card["config"]["training"]["limit"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{where!r} does not say how long its rows were.", _TRAIN) from error


_TRAIN = "Use a folder that `retort train` wrote for a stage."
