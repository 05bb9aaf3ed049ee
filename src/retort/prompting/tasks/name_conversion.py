"""Tell the structure that a name stands for: a systematic, common or patent name -> SMILES.

The way back, SMILES -> systematic name, is ``molecule_naming``. A formula is never learned, it follows from a
structure: name -> formula is this task with the formula counted in its first answer, SMILES -> formula is counting
alone (:func:`retort.chem.formula.molecular_formula`).
"""

from retort.chem.reaction import Reaction
from retort.prompting.task import Task


def _wanted(reaction: Reaction) -> str:
    return ".".join(reaction.products)


TASK = Task(
    name="name_conversion",
    summary="name (systematic, common, from a patent) -> SMILES; the formula is counted from the answer",
    query_kind="text",
    query_help="Give a name, e.g. aspirin or 2-acetyloxybenzoic acid. For the name of a SMILES ask molecule_naming.",
    wanted=_wanted,
    query_label="name",
    of_molecules=True,
    tells_formula=True,
    needs_roles=False,
    aliases=("name", "names", "name_to_smiles"),
)
