"""Predict the solvents of a reaction, from its reactants and product."""

from retort.chem.reaction import Reaction
from retort.prompting.task import Task


def _given(reaction: Reaction) -> str:
    return reaction.change


TASK = Task(
    name="solvent_prediction",
    summary="reactants and product -> solvents",
    query_kind="reaction",
    query_help="Give reactants>>product, e.g. Brc1ccccc1.OB(O)c1ccncc1>>c1ccc(-c2ccncc2)cc1.",
    given=_given,
    label="solvent",
    recurring=True,
    aliases=("solvent", "solvents"),
)
