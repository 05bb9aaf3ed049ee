"""Rank a list of ligands, solvents, bases, additives or reactants by the yield that each gives a reaction.

The question is the rest of the reaction, then the candidates. Roles are not told apart: what is taken joins the others.
"""

from retort.chem.reaction import Reaction
from retort.prompting.task import Task


def _given(reaction: Reaction) -> str:
    if not reaction.precursors or not reaction.products:
        return ""
    parts = sorted(part for compound in reaction.precursors for part in compound.split("."))
    return f"{'.'.join(parts)}>>{'.'.join(reaction.products)}"


TASK = Task(
    name="reagent_selection",
    summary="the rest of a reaction and a list of candidates -> candidates by the yield they give",
    query_kind="reaction",
    query_help="Give precursors>>product>candidate>candidate, e.g. Brc1ccccn1.NCC>>CCNc1ccccn1>CCO>CO.",
    given=_given,
    ranked_by="yield_prediction",
    needs_roles=False,
    aliases=("selection", "select"),
)
