"""Predict the reactants that give a product; reagents are not asked for (the USPTO-50k convention)."""

from retort.chem.reaction import Reaction
from retort.prompting.task import Task


def _given(reaction: Reaction) -> str:
    return ".".join(reaction.products)


def _wanted(reaction: Reaction) -> str:
    return ".".join(reaction.reactants)


TASK = Task(
    name="retrosynthesis",
    summary="product -> reactants, with or without a known reaction class",
    query_kind="molecules",
    query_help="Give one product as SMILES, e.g. CC(=O)NCc1ccccc1.",
    given=_given,
    wanted=_wanted,
    aliases=("retro", "reactants"),
    uses_class=True,
)
