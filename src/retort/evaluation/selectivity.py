"""What is wrong with wrong molecules: stereochemistry, the place of a group, or the molecule itself.

A wrong regioisomer or stereoisomer is a mistake of another kind than a wrong product. Each row has exactly one outcome,
so the shares of a report sum to 1 and that of ``same`` is ``exact_match@1``. Outcomes are those of
:func:`retort.chem.isomers.relation` between first answer and target, after the components they have in common are taken
away, and two more: ``unreadable`` (no answer, or none that can be read) and ``unreadable_target``.

Canonicalisation: canonical isomeric SMILES of components without atom maps; multiplicity counts: one ion too many is
``other``. Stereo policy: it is what is looked at.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from retort.chem.isomers import RELATIONS, relation
from retort.chem.smiles import canonical_or_none
from retort.evaluation.scores import Scores, refuse_unequal

UNREADABLE, UNREADABLE_TARGET = "unreadable", "unreadable_target"
OUTCOMES: tuple[str, ...] = (*RELATIONS, UNREADABLE, UNREADABLE_TARGET)


def outcome(answer: str | None, target: str) -> str:
    """Return what became of one row, one of ``OUTCOMES``.

    Args:
        answer: SMILES of the first answer; None where there is none.
        target: SMILES of the true answer.
    """
    wanted = canonical_or_none(target)
    made = None if answer is None else canonical_or_none(answer)
    if wanted is None:
        return UNREADABLE_TARGET
    if made is None:
        return UNREADABLE
    said, asked = Counter(made.split(".")), Counter(wanted.split("."))
    left, right = (".".join(sorted(rest.elements())) for rest in (said - asked, asked - said))
    if not left and not right:
        return "same"
    return relation(left, right) if left and right else "other"


def selectivity_scores(targets: Sequence[str], answers: Sequence[str | None], *, seed: int = 0) -> Scores:
    """Return the share of rows of every outcome with its interval; counts: rows of every outcome.

    Args:
        targets: True answers, SMILES.
        answers: The first answer to each row, SMILES; None where there is none.
        seed: Of the bootstrap.

    Raises:
        UsageError: There is not one answer for each row.
        DataError: There are no rows.
    """
    refuse_unequal(len(targets), len(answers))
    places = [OUTCOMES.index(outcome(*pair)) for pair in zip(answers, targets, strict=True)]
    values = np.eye(len(OUTCOMES))[places]
    counts = dict(zip(OUTCOMES, values.sum(axis=0).astype(int).tolist(), strict=True))
    return Scores.of_means(OUTCOMES, values, counts, seed=seed)
