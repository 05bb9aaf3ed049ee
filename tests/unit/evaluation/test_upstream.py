"""The published figures on answers judged by hand, quirks included; every expected value is derived here."""

import math
import sys

import pytest

from retort.errors import DataError, UsageError
from retort.evaluation.metrics.similarity import similarity
from retort.evaluation.predictions import Candidate, Header, Prediction, Predictions
from retort.evaluation.upstream import (
    upstream_bleu,
    upstream_exact_match,
    upstream_meteor_exact_stem,
    upstream_scores,
    upstream_scores_of,
    upstream_similarity,
    upstream_validity,
)


def test_bleu_by_hand() -> None:
    assert upstream_bleu(["CCCC"], ["CCCC"]) == 1.0
    # CCCCO against CCCCN: characters C C C C of 5; pairs CC three of 4; triples CCC two of 3; fours CCCC one of 2.
    # 4/5 * 3/4 * 2/3 * 1/2 = 1/5, and the lengths are equal.
    assert math.isclose(upstream_bleu(["CCCCO"], ["CCCCN"]), (1 / 5) ** (1 / 4))
    # Both rows as one corpus: numerators and denominators add before they are divided.
    # 8/9 * 6/7 * 4/5 * 2/3 = 384/945 = 128/315; the mean of the two rows would be another figure.
    corpus = upstream_bleu(["CCCCO", "CCCC"], ["CCCCN", "CCCC"])
    assert math.isclose(corpus, (128 / 315) ** (1 / 4))
    assert not math.isclose(corpus, (1 + (1 / 5) ** (1 / 4)) / 2)


def test_bleu_punishes_short_answers_and_clips_long_ones() -> None:
    # Half as long as the target: all precisions are 1, brevity is exp(1 - 8/4).
    assert math.isclose(upstream_bleu(["CCCCCCCC"], ["CCCC"]), math.exp(-1))
    # Twice as long: 4/8 * 3/7 * 2/6 * 1/5 = 24/1680 = 1/70, no brevity.
    assert math.isclose(upstream_bleu(["CCCC"], ["CCCCCCCC"]), (1 / 70) ** (1 / 4))


def test_bleu_without_smoothing_gives_short_right_answers_nothing() -> None:
    # CO has 2 characters and 1 pair, all right; triples and fours are 0 of "at least 1", and count as the smallest
    # float: (1 * 1 * tiny * tiny) ** (1/4) = tiny ** (1/2).
    assert math.isclose(upstream_bleu(["CO"], ["CO"]), math.sqrt(sys.float_info.min))
    assert upstream_bleu(["CO"], ["CO"]) < 1e-150
    # Beside CCCC it adds 2/2, 1/1, 0/1 and 0/1: 6/6 * 4/4 * 2/3 * 1/2 = 1/3.
    assert math.isclose(upstream_bleu(["CO", "CCCC"], ["CO", "CCCC"]), (1 / 3) ** (1 / 4))
    assert upstream_bleu(["CCO"], ["N"]) == upstream_bleu(["CCO"], [""]) == 0.0


def test_meteor_by_hand() -> None:
    # All 3 characters in one run: precision = recall = mean = 1, penalty 1/2 * (1/3)^3 = 1/54. Not 1, though perfect.
    assert math.isclose(upstream_meteor_exact_stem("CCO", "CCO"), 53 / 54)
    # Two of the target's three, one run: P = 1, R = 2/3, mean = (2/3) / (9/10 + 1/10 * 2/3) = 20/29,
    # penalty 1/2 * (1/2)^3 = 1/16: 20/29 * 15/16 = 75/116.
    assert math.isclose(upstream_meteor_exact_stem("CCO", "CC"), 75 / 116)
    # The other way round: P = 2/3, R = 1, mean = (2/3) / (9/10 * 2/3 + 1/10) = 20/21, times 15/16: 25/28.
    assert math.isclose(upstream_meteor_exact_stem("CC", "CCO"), 25 / 28)
    # OCC: all three match, O with the last place and CC with the first two: 2 runs, penalty 1/2 * (2/3)^3 = 4/27.
    assert math.isclose(upstream_meteor_exact_stem("CCO", "OCC"), 23 / 27)


def test_meteor_does_not_tell_aromatic_from_aliphatic() -> None:
    assert upstream_meteor_exact_stem("c1ccccc1", "C1CCCCC1") == upstream_meteor_exact_stem("c1ccccc1", "c1ccccc1")


def test_meteor_of_nothing_is_nothing() -> None:
    for target, prediction in (("CCO", ""), ("", "CCO"), ("", ""), ("CCO", "N")):
        assert upstream_meteor_exact_stem(target, prediction) == 0.0


@pytest.mark.parametrize(
    ("target", "prediction", "same"),
    [
        ("[K+].O", "[K+].[K+].O", True),  # multiplicity is lost
        ("[K+].[K+].O", "O.[K+]", True),
        ("CCO", "OCC", False),  # another spelling of the same molecule
        ("C[C@H](N)O", "CC(N)O", False),
        ("C1CC", "C1CC", True),  # no molecule at all
        ("", "", True),
        ("CCO", "CCO.", False),
    ],
)
def test_exact_match_compares_sets_of_texts(target: str, prediction: str, same: bool) -> None:
    assert upstream_exact_match(target, prediction) is same


@pytest.mark.parametrize(
    ("prediction", "valid"),
    [
        ("CCO.[Na+]", True),
        ("", True),  # an empty molecule is a molecule
        ("CCO.", True),
        ("CCO junk", True),  # what follows a blank is a name
        ("C1CC", False),
        ("CCO.C(C)(C)(C)(C)C", False),
        ("C1.C1", False),  # ethane, but its pieces are read one by one
    ],
)
def test_validity_takes_the_empty_answer_for_valid(prediction: str, valid: bool) -> None:
    assert upstream_validity(prediction) is valid


def test_similarity_is_one_sided() -> None:
    assert upstream_similarity("CCO", "CCO.c1ccccc1.CCN") == 1.0
    assert similarity("CCO", "CCO.c1ccccc1.CCN") == pytest.approx(1 / 3)  # the strict one divides by the larger side
    # Of two components one is found and the other shares no environment with anything: (1 + 0) / 2.
    assert upstream_similarity("CCO.[Na+]", "OCC") == 0.5
    assert upstream_similarity("CCO", "[Na+]") == upstream_similarity("CCO", "") == 0.0
    # A component may be found twice.
    assert upstream_similarity("CCO.OCC", "CCO") == 1.0


def test_similarity_of_methanol_and_ethanol_by_hand() -> None:
    # Methanol has the environments CH3 and OH, and around either of them the whole molecule, which counts once: 3 bits.
    # Ethanol has CH3, CH2 and OH; around CH3 one bond, around CH2 both, around OH the other: 6 bits; at radius 2 the
    # ends span both bonds again. Shared are CH3 and OH: 2 / (3 + 6 - 2).
    assert upstream_similarity("CO", "CCO") == upstream_similarity("CCO", "CO") == pytest.approx(2 / 7)


def test_similarity_ignores_stereo_and_what_cannot_be_read() -> None:
    assert upstream_similarity("C[C@H](N)O", "C[C@@H](N)O") == 1.0
    assert upstream_similarity("CCO.C1CC", "OCC") == 1.0
    assert upstream_similarity("C1CC", "C1CC") == 1.0  # the same texts, whatever they are
    with pytest.raises(DataError, match="'C1CC' has no molecule to compare with"):
        upstream_similarity("C1CC", "CCO")


def test_all_five_by_hand() -> None:
    """Four rows: right; respelled; unreadable; with a superfluous molecule."""
    targets = ["CCO", "CCO", "CCO", "CCO"]
    predictions = ["CCO", "OCC", "C1C", "CCO.[Na+]"]
    scores = upstream_scores(targets, predictions)
    assert scores.exact_match == 1 / 4
    assert scores.validity == 3 / 4
    assert scores.similarity == 1.0  # the mean of three rows: the unreadable one is left out
    # C1C: both C are found, in two runs as they are apart: P = R = 2/3 = mean, penalty 1/2 * (2/2)^3: 2/3 * 1/2 = 1/3.
    # CCO.[Na+]: 3 of 9 characters in one run, P = 1/3, R = 1, mean = (1/3) / (9/10 * 1/3 + 1/10) = 5/6, times 53/54.
    assert math.isclose(scores.meteor_exact_stem, (53 / 54 + 23 / 27 + 1 / 3 + 5 / 6 * 53 / 54) / 4)
    # Characters 3 + 3 + 2 + 3 = 11 of 18; pairs 2 (CC, CO) + 1 (CC) + 0 + 2 = 5 of 2 + 2 + 2 + 8 = 14; triples
    # 1 + 0 + 0 + 1 = 2 of 1 + 1 + 1 + 7 = 10; fours none, though the answers have 1 + 1 + 1 + 6 = 9 of them.
    # Root by root: the product is too small for a process in which torch flushes such numbers to zero.
    assert math.isclose(scores.bleu, (11 / 18 * 5 / 14 * 2 / 10) ** (1 / 4) * sys.float_info.min ** (1 / 4))


def test_names_say_whose_figures_they_are() -> None:
    names = upstream_scores(["CCO"], ["CCO"]).as_dict()
    assert list(names) == [
        "upstream_bleu",
        "upstream_meteor_exact_stem",
        "upstream_exact_match",
        "upstream_validity",
        "upstream_similarity",
    ]


def test_similarity_without_valid_rows_is_no_number() -> None:
    assert upstream_scores(["CCO"], ["C1C"]).similarity is None


def test_a_file_of_predictions_is_judged_by_its_first_candidates() -> None:
    rows = (
        Prediction(0, "C", "CCO", "ok", "", (Candidate("CCO", 0.0, "toy"), Candidate("C1C", -1.0, "toy"))),
        Prediction(1, "C", "CCO", "no_answer", "", ()),
    )
    scores = upstream_scores_of(Predictions(Header("retrosynthesis", "toy", 2), rows))
    assert scores == upstream_scores(["CCO", "CCO"], ["CCO", ""])
    assert (scores.exact_match, scores.validity, scores.similarity) == (0.5, 1.0, 0.5)


def test_what_cannot_be_scored_is_refused() -> None:
    for score in (upstream_scores, upstream_bleu):
        with pytest.raises(UsageError, match="2 predictions do not fit 1 targets"):
            score(["CCO"], ["CCO", "C"])
        with pytest.raises(DataError, match="no predictions to score"):
            score([], [])
