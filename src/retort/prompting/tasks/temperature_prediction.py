"""Predict the temperature of a reaction in degrees Celsius, from its reactants and product."""

from retort.chem.reaction import Reaction
from retort.prompting.task import Task


def _given(reaction: Reaction) -> str:
    return reaction.change


TASK = Task(
    name="temperature_prediction",
    summary="reactants and product -> temperature in degrees Celsius",
    query_kind="reaction",
    query_help="Give reactants>>product, e.g. Brc1ccccc1.OB(O)c1ccncc1>>c1ccc(-c2ccncc2)cc1.",
    given=_given,
    answer_kind="value",
    label="temperature",
    bounds=(-120.0, 400.0),
    unit="C",
    aliases=("temperature",),
)
