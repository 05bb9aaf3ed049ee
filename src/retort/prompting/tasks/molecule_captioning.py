"""Describe a molecule in words: what it is, what it does, what it is made of (Edwards et al., EMNLP 2022)."""

from retort.chem.reaction import Reaction
from retort.prompting.task import Task


def _given(reaction: Reaction) -> str:
    return ".".join(reaction.products)


TASK = Task(
    name="molecule_captioning",
    summary="SMILES -> description in words",
    query_kind="molecules",
    query_help="Give a molecule as SMILES, e.g. CC(=O)Oc1ccccc1C(=O)O.",
    given=_given,
    answer_kind="text",
    label="description",
    of_molecules=True,
    needs_roles=False,
    aliases=("captioning", "caption", "captions"),
)
