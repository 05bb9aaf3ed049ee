"""What answers without learning rest on, worked out by hand."""

import numpy as np
import pytest

from retort.errors import ChemistryError
from retort.evaluation.baselines import Neighbours, fingerprint, popular

AMIDE = "CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccccc1"
SUZUKI = "OB(O)c1ccccc1.Brc1ccncc1>>c1ccc(-c2ccncc2)cc1"
ETHER = "CCBr.Oc1ccccc1>>CCOc1ccccc1"


def neighbours(*questions: str) -> Neighbours:
    return Neighbours.of(np.stack([fingerprint(question) for question in questions]))


def test_popular_answers_come_first_and_ties_by_text() -> None:
    assert popular(["O", "CO", "O.O", "CO"]) == [("CO", 2), ("O", 1), ("O.O", 1)]


def test_the_nearest_question_comes_first() -> None:
    found = list(neighbours(SUZUKI, AMIDE, ETHER).nearest("CC(=O)Cl.NCc1ccc(F)cc1>>CC(=O)NCc1ccc(F)cc1"))
    assert found[0][0] == 1
    assert sorted(row for row, _ in found) == [0, 1, 2]
    similarities = [similarity for _, similarity in found]
    assert 1 > similarities[0] > similarities[1] >= similarities[2] > 0


def test_similarity_is_the_tanimoto_coefficient_of_the_bits() -> None:
    left, right = (np.unpackbits(fingerprint(text)) for text in (AMIDE, ETHER))
    expected = (left & right).sum() / (left | right).sum()
    assert list(neighbours(ETHER).nearest(AMIDE)) == [(0, pytest.approx(expected, abs=1e-12))]


def test_the_same_reaction_in_another_spelling_is_at_no_distance() -> None:
    other = "c1ccc(cc1)CN.ClC(C)=O>>O=C(C)NCc1ccccc1"
    assert list(neighbours(AMIDE).nearest(other)) == [(0, 1.0)]


def test_stereo_and_isotopes_do_not_part_neighbours() -> None:
    assert (fingerprint("C[C@H](N)C(=O)O") == fingerprint("CC(N)C(=O)O")).all()
    assert (fingerprint("[13CH3]CO") == fingerprint("CCO")).all()


def test_equally_similar_rows_keep_their_order_however_many_there_are() -> None:
    rows = [ETHER] * 100 + [AMIDE] * 700
    found = [row for row, _ in neighbours(*rows).nearest(AMIDE)]
    assert found == [*range(100, 800), *range(100)]


def test_rows_without_a_common_bit_are_no_neighbours() -> None:
    assert list(neighbours("[Na+].[Cl-]").nearest("CCO")) == []


@pytest.mark.parametrize("question", ["C1CC>>C", "", "C1CC"])
def test_an_unreadable_question_is_an_error(question: str) -> None:
    with pytest.raises(ChemistryError):
        next(neighbours(AMIDE).nearest(question))


def test_sides_of_a_reaction_are_told_apart() -> None:
    assert (fingerprint("CCO>>CCBr") != fingerprint("CCBr>>CCO")).any()
    assert (fingerprint("CCO.O>>CCBr") == fingerprint("CCO>O>CCBr")).all()
    assert not fingerprint("CCO")[:128].any()


def test_reagents_are_part_of_the_precursors_whichever_way_they_are_written() -> None:
    assert (fingerprint("CCO>O") == fingerprint("CCO.O")).all()
