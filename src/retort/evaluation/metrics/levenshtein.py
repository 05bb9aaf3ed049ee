"""Edit similarity: 1 minus the share of characters to be edited, of the best of the first k candidates.

The distance of Levenshtein between two texts, divided by the length of the longer one. Published tables print the
distance itself, mostly with 0, a perfect figure, for answers that cannot be read;
``retort.evaluation.molecule_tables`` has it with every row counted.

Canonicalisation: texts are the canonical SMILES without atom maps, components sorted and joined by ``.``, so that
spelling and order do not matter and multiplicity is kept. One atom can change the whole canonical spelling: the figure
is about texts, not about chemistry. Stereo policy: stereo marks are characters like any others. An unreadable, empty
or missing answer is worth 0.
"""

from retort.chem.smiles import canonical_or_none
from retort.evaluation.metric import Metric, best_of_first
from retort.evaluation.predictions import Prediction
from retort.evaluation.sequences import edit_distance


def _pair(answer: str, target: str) -> float:
    made, wanted = canonical_or_none(answer), canonical_or_none(target)
    if made is None or wanted is None:
        return 0.0
    return 1 - edit_distance(wanted, made) / max(len(wanted), len(made))


def _per_row(row: Prediction, k: int) -> float:
    return best_of_first(row, k, _pair)


METRIC = Metric(
    name="levenshtein",
    summary="1 - edits / length of the longer canonical isomeric SMILES, of the best of the first k candidates",
    cutoffs=(1,),
    per_row=_per_row,
)
