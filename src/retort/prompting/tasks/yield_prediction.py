"""Predict the yield of a reaction in per cent, from reactants, reagents and product."""

from retort.chem.reaction import Reaction
from retort.prompting.task import Task


def _given(reaction: Reaction) -> str:
    return str(reaction) if reaction.reactants and reaction.products else ""


TASK = Task(
    name="yield_prediction",
    summary="reactants, reagents and product -> yield in per cent",
    query_kind="reaction",
    query_help="Give reactants>reagents>product, e.g. Brc1ccccc1.CNC>CC(C)(C)[O-].[Na+]>CN(C)c1ccccc1.",
    given=_given,
    answer_kind="value",
    label="yield_percent",
    bounds=(0.0, 100.0),
    unit="%",
    needs_roles=False,
    aliases=("yield", "yields"),
)
