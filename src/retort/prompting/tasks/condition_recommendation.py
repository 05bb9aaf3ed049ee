"""Recommend whole conditions for a reaction: catalysts, solvents and other reagents, each in its slot.

An answer is ``catalysts>solvents>reagents``; an empty slot means none.
"""

from retort.chem.reaction import Reaction
from retort.prompting.task import Task


def _given(reaction: Reaction) -> str:
    return reaction.change


TASK = Task(
    name="condition_recommendation",
    summary="reactants and product -> catalysts>solvents>reagents",
    query_kind="reaction",
    query_help="Give reactants>>product, e.g. Brc1ccccc1.OB(O)c1ccncc1>>c1ccc(-c2ccncc2)cc1.",
    given=_given,
    answer_kind="text",
    label="conditions",
    slots=("catalysts", "solvents", "reagents"),
    aliases=("conditions", "condition"),
)
