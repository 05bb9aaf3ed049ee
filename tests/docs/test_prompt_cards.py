"""The prompt cards that the page on foreign models shows are cards."""

import re
import tomllib
from pathlib import Path

from retort.config import build
from retort.prompting.prompt_card import PromptCard
from retort.prompting.task import Question


def test_every_card_of_the_page_is_one(repository: Path) -> None:
    page = (repository / "docs" / "how-to" / "hub.md").read_text("utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        card = build(PromptCard, tomllib.loads(block), "the page")
        for task in card.tasks:
            assert "CCO" in card.prompt(Question(task, "CCO>>CC=O" if task == "reagent_prediction" else "CCO"))
