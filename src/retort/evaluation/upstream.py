"""The five figures of SLM4CRP exactly as its authors compute them, for comparison with their tables alone.

Whoever wants to know how good a model is reads ``exact_match``, ``validity`` and ``similarity`` of ``metrics/``. Those
here are judged on texts as they stand and keep every quirk of the published program (arXiv 2404.09606, file
``mol_translation_metrics.py``): character BLEU and METEOR, sets instead of multisets, an empty answer that is valid,
superfluous molecules that cost nothing, and an average over valid rows only.

Canonicalisation: none, neither of targets nor of predictions; ``OCC`` is not ``CCO``. Stereo policy: BLEU, METEOR and
exact match see stereo marks as characters like any others; validity needs none; similarity ignores stereochemistry
(fingerprints without chirality).

These are functions and not entries of ``metrics/``: an entry there is a mean over every row, does not see spelling,
keeps multiplicity and gives an empty answer nothing, and every report holds it. BLEU is a figure of the whole corpus,
similarity leaves rows out, and each of the five breaks one of those laws, because the published figure does.

BLEU and METEOR follow NLTK with its defaults, which a test compares with NLTK itself. METEOR has there a third stage,
synonyms by WordNet, which may pair a few left-over characters and is not done here; so it is named for what it does.
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

from rdkit import Chem, DataStructs, rdBase
from rdkit.Chem import rdFingerprintGenerator

from retort.errors import DataError, UsageError
from retort.evaluation.predictions import Predictions
from retort.evaluation.sequences import meteor_exact, overlap

ORDERS = (1, 2, 3, 4)
RADIUS, BITS = 2, 1024
PREFIX = "upstream_"


@dataclass(frozen=True, slots=True)
class UpstreamScores:
    """The published figures of one list of answers, 0 to 1.

    Attributes:
        bleu: Corpus BLEU over characters.
        meteor_exact_stem: Mean METEOR over characters, without its synonym stage.
        exact_match: Share of rows whose components are the same set of texts.
        validity: Share of rows whose components RDKit reads; an empty answer counts as valid.
        similarity: Mean over valid rows only; None where no row is valid (there the published program divides by 0).
    """

    bleu: float
    meteor_exact_stem: float
    exact_match: float
    validity: float
    similarity: float | None

    def as_dict(self) -> dict[str, float | None]:
        """Return name -> figure; every name begins with ``upstream_``."""
        return {f"{PREFIX}{name}": value for name, value in asdict(self).items()}


def upstream_scores(targets: Sequence[str], predictions: Sequence[str]) -> UpstreamScores:
    """Return the five published figures.

    Canonicalisation and stereo policy: none, see the top of this module. For comparison only.

    Args:
        targets: The true answers as they stand in the data set.
        predictions: The first answer to each row as the model wrote it.

    Raises:
        UsageError: The two are not of one length.
        DataError: There are no rows, or similarity has no target to compare with.
    """
    rows = _paired(targets, predictions)
    valid = [upstream_validity(prediction) for _, prediction in rows]
    worth = [upstream_similarity(*row) for row, counts in zip(rows, valid, strict=True) if counts]
    return UpstreamScores(
        bleu=upstream_bleu(targets, predictions),
        meteor_exact_stem=math.fsum(upstream_meteor_exact_stem(*row) for row in rows) / len(rows),
        exact_match=sum(upstream_exact_match(*row) for row in rows) / len(rows),
        validity=sum(valid) / len(rows),
        similarity=math.fsum(worth) / len(worth) if worth else None,
    )


def upstream_scores_of(predictions: Predictions) -> UpstreamScores:
    """Return the published figures of a file of predictions: its first candidates, in the spelling of the file.

    A row without candidates is an empty answer, which the published validity takes for a valid one.

    Raises:
        DataError: As :func:`upstream_scores`.
    """
    answers = [row.candidates[0].smiles if row.candidates else "" for row in predictions.rows]
    return upstream_scores([row.target for row in predictions.rows], answers)


def upstream_bleu(targets: Sequence[str], predictions: Sequence[str]) -> float:
    """Return corpus BLEU over characters (Papineni et al. 2002; NLTK's ``corpus_bleu`` with its defaults).

    Orders 1 to 4 weigh the same and nothing is smoothed: an order without a match counts as the smallest normal float,
    which makes the figure 0 for all purposes. A text shorter than an order adds 1 to that order's denominator, so that
    the right answer ``CO`` alone is worth nothing. Canonicalisation: none. Stereo policy: marks are characters. For
    comparison only; ``exact_match`` is the figure to trust.

    Raises:
        UsageError: The two are not of one length.
        DataError: There are no rows.
    """
    rows = _paired(targets, predictions)
    logs = []
    for order in ORDERS:
        found = [overlap(*row, order) for row in rows]
        matched = sum(row.matched for row in found)
        if order == 1 and not matched:
            return 0.0
        total = sum(max(1, row.made) for row in found)
        logs.append(math.log(matched / total if matched else sys.float_info.min))
    wanted_length, made_length = sum(map(len, targets)), sum(map(len, predictions))
    brevity = 1.0 if made_length > wanted_length else math.exp(1 - wanted_length / made_length)
    return brevity * math.exp(math.fsum(log / len(ORDERS) for log in logs))


def upstream_meteor_exact_stem(target: str, prediction: str) -> float:
    """Return METEOR over characters of one row (Lavie & Agarwal 2007; NLTK's ``single_meteor_score``).

    NLTK puts all into lower case first, so aromatic ``c`` is aliphatic ``C``. Exact matches are made from the end, each
    with the last free equal character of the target; the stem stage then finds nothing new, because one character is
    its own stem. The synonym stage of METEOR is left out, hence the name. A perfect answer of n characters is worth
    1 - 0.5 / n**3. Canonicalisation: none. Stereo policy: marks are characters. For comparison only.
    """
    return meteor_exact(list(map(str.lower, target)), list(map(str.lower, prediction)))


def upstream_exact_match(target: str, prediction: str) -> bool:
    """Tell whether both texts, split at ``.``, are the same set.

    Order does not matter and neither does multiplicity: ``[K+].[K+].O`` is ``[K+].O``. Canonicalisation: none, another
    spelling of the same molecule is wrong. Stereo policy: marks are characters. For comparison only; ``exact_match``
    is the figure to trust.
    """
    return set(target.split(".")) == set(prediction.split("."))


def upstream_validity(prediction: str) -> bool:
    """Tell whether RDKit reads every piece between dots.

    An empty piece is a molecule without atoms, which RDKit reads: an empty answer is valid. A ring closure across a dot
    is not, and a word after a blank is taken for a name. Canonicalisation and stereo policy: none needed. For
    comparison only; ``validity`` is the figure to trust.
    """
    return all(_molecule(piece) is not None for piece in prediction.split("."))


def upstream_similarity(target: str, prediction: str) -> float:
    """Return the one-sided similarity of one row, 0 to 1.

    1 for an exact match of sets; otherwise the mean over the target's components of the best Tanimoto similarity with
    any component of the prediction (Morgan, radius 2, 1024 bits). A superfluous component costs nothing. Pieces that
    RDKit cannot read are left out. Canonicalisation: none needed but for the exact match of texts. Stereo policy:
    ignored. For comparison only; ``similarity`` is the figure to trust.

    Raises:
        DataError: The target has no component that RDKit reads (there the published program divides by 0).
    """
    if upstream_exact_match(target, prediction):
        return 1.0
    wanted, made = _fingerprints(target), _fingerprints(prediction)
    if not wanted:
        raise DataError(f"the target {target!r} has no molecule to compare with.", "Leave the row out on both sides.")
    best = (max((DataStructs.TanimotoSimilarity(a, b) for b in made), default=0.0) for a in wanted)
    return math.fsum(best) / len(wanted)


def _paired(targets: Sequence[str], predictions: Sequence[str]) -> list[tuple[str, str]]:
    if len(targets) != len(predictions):
        raise UsageError(f"{len(predictions)} predictions do not fit {len(targets)} targets.", "Give one for each.")
    if not targets:
        raise DataError("there are no predictions to score.", "Check that the input file has rows.")
    return list(zip(targets, predictions, strict=True))


def _fingerprints(text: str) -> list[DataStructs.ExplicitBitVect]:
    molecules = [_molecule(piece) for piece in text.split(".")]
    return [_generator().GetFingerprint(molecule) for molecule in molecules if molecule is not None]


def _molecule(piece: str) -> Chem.Mol | None:
    """RDKit's own reading, with all its leniency; ``chem.smiles`` is stricter."""
    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(piece)


@lru_cache(maxsize=1)
def _generator() -> rdFingerprintGenerator.FingerprintGenerator64:
    return rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)
