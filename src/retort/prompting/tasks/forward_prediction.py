"""Predict the product from reactants, with reagents mixed among them or separated from them.

*Mixed* is ``reactants.reagents``; *separated* is ``reactants>reagents``. They are different questions with
different published results (Schwaller et al. 2019), so the prompt keeps the difference visible.
"""

from retort.chem.reaction import Reaction
from retort.prompting.task import Task


def _given(reaction: Reaction) -> str:
    reactants, reagents = ".".join(reaction.reactants), ".".join(reaction.reagents)
    return f"{reactants}>{reagents}" if reactants and reagents else reactants


def _wanted(reaction: Reaction) -> str:
    return ".".join(reaction.products)


TASK = Task(
    name="forward_prediction",
    summary="reactants and reagents -> product",
    query_kind="molecules",
    query_help="Give reactants joined by '.', e.g. CC(=O)Cl.NCc1ccccc1, or reactants>reagents> to separate reagents.",
    given=_given,
    wanted=_wanted,
    needs_roles=False,
    aliases=("forward", "product", "products"),
)
