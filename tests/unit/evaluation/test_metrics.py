"""Metrics on answers judged by hand."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retort.evaluation.metric import METRICS
from retort.evaluation.metrics.similarity import similarity
from retort.evaluation.pairing import best_assignment
from retort.evaluation.predictions import Candidate, Prediction


def row(target: str, *answers: str) -> Prediction:
    candidates = tuple(Candidate(answer, -float(i), "toy") for i, answer in enumerate(answers))
    return Prediction(0, "CCO", target, "ok" if answers else "no_answer", "", candidates)


def worth(metric: str, target: str, *answers: str, k: int = 1) -> float:
    return METRICS.get(metric).per_row(row(target, *answers), k)


@pytest.mark.parametrize(
    ("target", "answer", "isomeric", "flat"),
    [
        ("CC(=O)O.NCc1ccccc1", "c1ccc(cc1)CN.OC(C)=O", 1, 1),  # spelling and order
        ("[CH3:1][OH:2]", "CO", 1, 1),  # atom maps
        ("C[C@H](N)C(=O)O", "C[C@H](N)C(=O)O", 1, 1),  # the same enantiomer
        ("C[C@H](N)C(=O)O", "N[C@@H](C)C(=O)O", 1, 1),  # the same enantiomer, spelled from the other end
        ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", 0, 1),  # the other enantiomer
        ("C[C@H](N)C(=O)O", "CC(N)C(=O)O", 0, 1),  # stereo left out
        ("CC(N)C(=O)O", "C[C@H](N)C(=O)O", 0, 1),  # stereo made up
        ("C/C=C/C", r"C/C=C\C", 0, 1),  # E against Z
        ("[2H]C", "C", 0, 1),  # isotope
        ("[Na+].[Na+].[O-]C([O-])=O", "[Na+].[O-]C([O-])=O", 0, 0),  # multiplicity
        ("CCO", "CCO.O", 0, 0),  # one molecule too many
        ("CCO", "COC", 0, 0),  # an isomer
        ("CCO", "", 0, 0),
        ("CCO", "C1CC", 0, 0),
        ("C1CC", "C1CC", 0, 0),  # nothing matches a target that cannot be read
        ("", "", 0, 0),
    ],
)
def test_exact_match_states_its_stereo_policy(target: str, answer: str, isomeric: int, flat: int) -> None:
    assert worth("exact_match", target, answer) == isomeric
    assert worth("exact_match_stereo_free", target, answer) == flat


def test_exact_match_looks_at_the_first_k_only() -> None:
    answers = ("C", "CC", "CCO", "CCC")
    assert [worth("exact_match", "OCC", *answers, k=k) for k in (1, 2, 3, 10)] == [0, 0, 1, 1]
    assert worth("exact_match", "OCC", k=10) == 0


@pytest.mark.parametrize(("answer", "expected"), [("CCO", 1), ("C(C)(C)(C)(C)C", 0), ("", 0), ("CCO.[Na+]", 1)])
def test_validity_is_about_reading(answer: str, expected: int) -> None:
    assert worth("validity", "C", answer) == expected


def test_missing_candidates_are_invalid() -> None:
    assert worth("validity", "C") == 0
    assert worth("validity", "C", "CCO", "C1", k=4) == 0.25


def test_similarity_by_hand() -> None:
    # Methanol against ethanol, Morgan radius 2 without chirality. Methanol has the environments CH3 and OH (radius 0)
    # and one each around C and O at radius 1, which span the molecule and are told apart: CH3, OH are shared. The
    # fingerprints agree in exactly those radius-0 bits, so the value lies strictly between 0 and 1.
    assert 0 < similarity("CO", "CCO") < 1
    assert similarity("CCO", "OCC") == 1
    # One of two components right: the other pair shares no environment (sodium ion and benzene).
    assert similarity("c1ccccc1.CCO", "[Na+].OCC") == 0.5
    # A component too many costs as much as one missing.
    assert similarity("CCO.[Na+]", "CCO") == similarity("CCO", "CCO.[Na+]") == 0.5
    assert similarity("[Na+].[Na+]", "[Na+]") == 0.5
    # Stereochemistry is ignored.
    assert similarity("C[C@H](N)O", "C[C@@H](N)O") == 1


def test_similarity_of_nothing_is_nothing() -> None:
    assert similarity("", "") == similarity("CCO", "") == similarity("C1CC", "C1CC") == 0
    assert worth("similarity", "CCO") == 0


def test_similarity_takes_the_best_of_the_first_k() -> None:
    assert worth("similarity", "CCO", "[Na+]", "OCC", k=1) == 0
    assert worth("similarity", "CCO", "[Na+]", "OCC", k=2) == 1


matrices = st.integers(1, 4).flatmap(
    lambda rows: st.integers(rows, 5).flatmap(
        lambda columns: st.lists(
            st.lists(st.floats(0, 1, allow_subnormal=False), min_size=columns, max_size=columns),
            min_size=rows,
            max_size=rows,
        )
    )
)


@given(matrices)
def test_assignment_is_the_best_of_all(worths: list[list[float]]) -> None:
    columns = range(len(worths[0]))
    best = max(
        sum(r[c] for r, c in zip(worths, choice, strict=True))
        for choice in itertools.permutations(columns, len(worths))
    )
    assert math.isclose(best_assignment(worths), best, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("target", "answer", "same"),
    [
        ("O=c1cccc[nH]1", "Oc1ccccn1", 1),  # two drawings of one tautomeric substance
        ("NCC(=O)O", "[NH3+]CC(=O)[O-]", 1),  # the zwitterion of glycine
        ("[Na]Cl", "[Cl-].[Na+]", 1),  # a salt drawn with a bond
        ("Cc1cc[nH]n1", "Cc1ccn[nH]1", 1),
        ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", 0),
        ("C[C@H](N)C(=O)O", "CC(N)C(=O)O", 0),
        ("C/C=C/C", r"C/C=C\C", 0),
        ("[2H]C", "C", 0),
        ("[Na+].[Na+].[O-]C([O-])=O", "[Na+].[O-]C([O-])=O", 0),  # multiplicity
        ("[Na+].[Cl-]", "[Na+]", 0),
        ("CCO", "COC", 0),
        ("*CC", "CC*", 1),  # no InChI: by canonical SMILES
        ("*CC", "*CCC", 0),  # and two without one are not the same
        ("CCO", "", 0),
        ("C1CC", "C1CC", 0),
    ],
)
def test_inchi_match_by_hand(target: str, answer: str, same: int) -> None:
    assert worth("inchi_match", target, answer) == same


def test_edit_similarity_by_hand() -> None:
    assert worth("levenshtein", "OCC", "NCC") == 1 - 1 / 3  # CCO and CCN
    assert worth("levenshtein", "CCCC", "CC") == 1 - 2 / 4
    assert worth("levenshtein", "CC", "[Na+]") == 0  # five characters, none in common
    assert worth("levenshtein", "C[C@H](N)O", "C[C@@H](N)O") == 1 - 1 / 11  # C[C@@H](N)O has 11 characters
    assert worth("levenshtein", "CC", "[Na+]", "CC", k=2) == 1
    assert worth("levenshtein", "C1CC", "C1CC") == worth("levenshtein", "CC") == 0


@pytest.mark.parametrize("metric", ["rdk_similarity", "maccs_similarity"])
def test_other_fingerprints_are_paired_as_morgan_ones_are(metric: str) -> None:
    assert worth(metric, "c1ccccc1.CCO", "OCC") == 0.5  # one missing
    assert worth(metric, "OCC", "c1ccccc1.CCO") == 0.5  # one too many
    assert worth(metric, "[Na+].[Na+]", "[Na+]") == 0.5
    assert worth(metric, "C[C@H](N)O", "C[C@@H](N)O") == 1
    assert 0 < worth(metric, "CC(=O)Nc1ccccc1", "CC(=O)Oc1ccccc1") < 1


def test_paths_by_hand() -> None:
    # Propane has the paths CC and CCC, ethane only CC; each path sets two bits, and here no bit serves twice.
    assert worth("rdk_similarity", "CCC", "CC") == 0.5
    assert worth("rdk_similarity", "[Na+]", "[K+]") == 0  # no bond, no path


def test_equal_components_are_paired_with_one_another() -> None:
    """Ethanol stands on both sides; no other pairing of the three is better than the rest of it."""
    rest = worth("similarity", "CCN.CCCN", "CCCO.CCS")
    assert math.isclose(worth("similarity", "CCO.CCN.CCCN", "CCCO.CCO.CCS"), (1 + 2 * rest) / 3)
