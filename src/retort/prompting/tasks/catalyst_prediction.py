"""Predict the catalysts of a reaction, from its reactants and product."""

from retort.chem.reaction import Reaction
from retort.prompting.task import Task


def _given(reaction: Reaction) -> str:
    return reaction.change


TASK = Task(
    name="catalyst_prediction",
    summary="reactants and product -> catalysts",
    query_kind="reaction",
    query_help="Give reactants>>product, e.g. Brc1ccccc1.OB(O)c1ccncc1>>c1ccc(-c2ccncc2)cc1.",
    given=_given,
    label="catalyst",
    recurring=True,
    aliases=("catalyst", "catalysts"),
)
