"""Tell which of the ten curated classes a reaction belongs to, from its reactants and its product."""

from retort.chem.reaction import Reaction
from retort.prompting.reaction_classes import CLASS_NAMES
from retort.prompting.task import Task


def _given(reaction: Reaction) -> str:
    return reaction.change


TASK = Task(
    name="reaction_classification",
    summary="reactants and product -> reaction class, one of ten",
    query_kind="reaction",
    query_help="Give reactants>>product, e.g. CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccccc1.",
    given=_given,
    answer_kind="text",
    label="reaction_class",
    choices={str(number): name for number, name in CLASS_NAMES.items()},
    aliases=("classification", "class", "classes"),
)
