"""Predict the reagents (catalysts, solvents, additives) that turn given reactants into a given product."""

from retort.chem.reaction import Reaction
from retort.prompting.task import Task


def _given(reaction: Reaction) -> str:
    return reaction.change


def _wanted(reaction: Reaction) -> str:
    return ".".join(reaction.reagents)


TASK = Task(
    name="reagent_prediction",
    summary="reactants and product -> reagents",
    query_kind="reaction",
    query_help="Give reactants>>product, e.g. CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccccc1.",
    given=_given,
    wanted=_wanted,
    recurring=True,
    aliases=("reagent", "reagents"),
)
