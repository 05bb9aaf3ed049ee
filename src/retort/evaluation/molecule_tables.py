"""The figures that published tables of generated molecules print, with every row counted.

Mol-Instructions (arXiv 2306.08018), InstructMol (2311.16208) and PRESTO (2406.13193) compare whole answers, without
pairing components: exact match by InChI, BLEU over characters, edits, similarity by three fingerprints, validity. They
leave unreadable answers out of BLEU and give them 0 edits, a perfect figure. Here an unreadable answer is an empty one
everywhere, also where there is none: it has no fingerprint in common with anything, no n-gram, and as many edits as the
target has characters. So figures can be compared with those tables where nearly all answers can be read.

Whoever wants to know how good a model is reads ``metrics/``, whose figures see multiplicity: by a fingerprint of bits
two sodium ions are one. These are functions and not entries there, because BLEU belongs to a corpus, edits have no
upper end, and both are compared with tables alone.

Canonicalisation: RDKit's canonical SMILES without atom maps, components sorted. Stereo policy: removed from targets and
answers, as those tables do. Target and answer that are the same are perfect, also where no InChI can be made.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from rdkit import DataStructs
from rdkit.Chem import rdFingerprintGenerator

from retort.chem.smiles import canonical_or_none, parse
from retort.evaluation.bleu import bleu_of, overlaps
from retort.evaluation.metrics.inchi_match import inchi_match
from retort.evaluation.metrics.maccs_similarity import fingerprint as maccs
from retort.evaluation.metrics.rdk_similarity import fingerprint as rdk
from retort.evaluation.scores import Rows, Scores, refuse_unequal
from retort.evaluation.sequences import edit_distance


def molecule_scores(targets: Sequence[str], answers: Sequence[str | None], *, seed: int = 0) -> Scores:
    """Return the figures of this module with their intervals.

    ``bleu_characters`` (corpus, orders 1 to 4), ``inchi_match_flat``, ``edits`` (mean characters; 0 is perfect),
    ``rdk_whole``, ``maccs_whole``, ``morgan_whole`` (counts, radius 2) and ``validity``. Counts: ``unreadable``,
    ``unreadable_targets`` (for which every answer is as bad as an empty one).

    Args:
        targets: True answers, SMILES.
        answers: The first answer to each row, SMILES; None where there is none.
        seed: Of the bootstrap.

    Raises:
        UsageError: There is not one answer for each row.
        DataError: There are no rows.
    """
    refuse_unequal(len(targets), len(answers))
    wanted = [canonical_or_none(target, stereo=False) for target in targets]
    made = [None if answer is None else canonical_or_none(answer, stereo=False) for answer in answers]
    texts = [flat or target for flat, target in zip(wanted, targets, strict=True)]
    judged = [answer if target else None for answer, target in zip(made, wanted, strict=True)]
    sums = overlaps(texts, [answer or "" for answer in judged])

    def bleu(rows: Rows) -> Mapping[str, float]:
        return {"bleu_characters": bleu_of(sums[rows].sum(axis=0), 4)}

    counts = {"unreadable": made.count(None), "unreadable_targets": wanted.count(None)}
    rows = [
        [*_row(text, answer), float(valid is not None)] for text, answer, valid in zip(texts, judged, made, strict=True)
    ]
    means = Scores.of_means(_NAMES, np.array(rows, np.float64), {}, seed=seed)
    return Scores.of_figures(bleu, len(rows), counts, seed=seed) + means


@lru_cache(maxsize=65_536)
def _morgan(smiles: str) -> Any:
    return _generator().GetSparseCountFingerprint(parse(smiles))


@lru_cache(maxsize=1)
def _generator() -> Any:
    return rdFingerprintGenerator.GetMorganGenerator(radius=2)


_FINGERPRINTS: Mapping[str, Callable[[str], Any]] = {"rdk_whole": rdk, "maccs_whole": maccs, "morgan_whole": _morgan}
_NAMES = ("inchi_match_flat", "edits", *_FINGERPRINTS, "validity")


def _row(wanted: str, made: str | None) -> list[float]:
    """Return what a row is worth by each of the names but validity, in their order."""
    if made is None:
        return [0.0, float(max(1, len(wanted))), *(0.0 for _ in _FINGERPRINTS)]
    alike = (1.0 if wanted == made else _tanimoto(of(wanted), of(made)) for of in _FINGERPRINTS.values())
    return [inchi_match(wanted, made), float(edit_distance(wanted, made)), *alike]


def _tanimoto(a: Any, b: Any) -> float:
    return float(DataStructs.TanimotoSimilarity(a, b))
