"""Tell the systematic (IUPAC) name of a molecule: the way back of ``name_conversion``.

A molecule has many right names, and an answer is right here where it is, letter by letter, the one that the data have.
Common names are not asked for: nothing in a structure tells what people call it.
"""

from retort.chem.reaction import Reaction
from retort.prompting.task import Task


def _given(reaction: Reaction) -> str:
    return ".".join(reaction.products)


TASK = Task(
    name="molecule_naming",
    summary="SMILES -> systematic (IUPAC) name; the formula is counted from the query",
    query_kind="molecules",
    query_help="Give a molecule as SMILES, e.g. CC(=O)Oc1ccccc1C(=O)O.",
    given=_given,
    answer_kind="text",
    label="iupac_name",
    of_molecules=True,
    tells_formula=True,
    needs_roles=False,
    aliases=("naming", "smiles_to_name"),
)
