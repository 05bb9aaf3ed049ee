"""Tell the molecule that a description in words is about (Edwards et al., EMNLP 2022)."""

from retort.chem.reaction import Reaction
from retort.prompting.task import Task


def _wanted(reaction: Reaction) -> str:
    return ".".join(reaction.products)


TASK = Task(
    name="text_to_molecule",
    summary="description in words -> SMILES",
    query_kind="text",
    query_help="Describe a molecule, e.g. 'The molecule is a monocarboxylic acid that is acetic acid.'",
    wanted=_wanted,
    query_label="description",
    of_molecules=True,
    needs_roles=False,
    aliases=("molecule", "description_to_molecule"),
)
