"""Tell which of the 1,000 template classes of USPTO-1k-TPL a reaction belongs to, reagents among the precursors.

Schwaller et al., Nat. Mach. Intell. 2021, 3, 144. A class is the number of a template; the published rows do not tell
reactants from reagents, so a question never does.
"""

from retort.chem.reaction import Reaction
from retort.prompting.task import Task

CLASSES = 1_000


def _given(reaction: Reaction) -> str:
    if not reaction.precursors or not reaction.products:
        return ""
    return f"{'.'.join(reaction.precursors)}>>{'.'.join(reaction.products)}"


TASK = Task(
    name="template_classification",
    summary="precursors and product -> template class, one of 1,000",
    query_kind="reaction",
    query_help="Give reactants.reagents>>product, e.g. CC(=O)Cl.NCc1ccccc1.CCN(CC)CC>>CC(=O)NCc1ccccc1.",
    given=_given,
    answer_kind="text",
    label="template_class",
    choices={str(number): str(number) for number in range(CLASSES)},
    needs_roles=False,
    aliases=("template_class", "template_classes"),
)
