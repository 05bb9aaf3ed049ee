"""Fingerprints count what they should, do not depend on spelling, and tell roles apart."""

import numpy as np
import pytest

from retort.chem.fingerprints import Fingerprint, packed_bits, tanimoto
from retort.errors import ChemistryError


def test_spelling_and_component_order_do_not_matter() -> None:
    fingerprint = Fingerprint()
    assert fingerprint.counts("OCC.c1ccccc1Cl") == fingerprint.counts("Clc1ccccc1.CCO")


def test_components_add_up() -> None:
    fingerprint = Fingerprint()
    once, twice = fingerprint.counts("CCO"), fingerprint.counts("CCO.CCO")
    assert twice == {bit: 2 * n for bit, n in once.items()}


def test_roles_are_read_together_for_molecules() -> None:
    fingerprint = Fingerprint()
    assert fingerprint.counts("CCO>CCl") == fingerprint.counts("CCO.CCl")


def test_dative_arrow_is_not_a_role_border() -> None:
    assert Fingerprint(kind="reaction").counts("[NH3]->[Cu+2]>>[NH3]->[Cu+2]")


@pytest.mark.parametrize(("chirality", "same"), [(True, False), (False, True)])
def test_enantiomers_differ_only_where_chirality_is_asked_for(chirality: bool, same: bool) -> None:
    fingerprint = Fingerprint(chirality=chirality)
    assert (fingerprint.counts("C[C@H](N)C(=O)O") == fingerprint.counts("C[C@@H](N)C(=O)O")) is same


def test_unchanged_reaction_has_no_difference() -> None:
    fingerprint = Fingerprint(kind="reaction", bits=512)
    counts = fingerprint.counts("CCO.CC(=O)O>>CC(=O)O.CCO")
    assert min(counts) >= 256


def test_difference_half_is_signed() -> None:
    fingerprint = Fingerprint(kind="reaction", bits=512)
    there, back = fingerprint.counts("CCO>>CC=O"), fingerprint.counts("CC=O>>CCO")
    difference = {bit: n for bit, n in there.items() if bit < 256}
    assert difference
    assert difference == {bit: -n for bit, n in back.items() if bit < 256}


def test_rows_and_matrix_agree_and_are_damped() -> None:
    fingerprint = Fingerprint(bits=256)
    texts = ["CCO", "c1ccccc1"]
    rows, matrix = fingerprint.rows(texts), fingerprint.dense(texts)
    assert matrix.shape == (2, 256)
    for row, text in enumerate(texts):
        expected = {bit: np.log1p(n) for bit, n in fingerprint.counts(text).items()}
        stored = slice(rows.indptr[row], rows.indptr[row + 1])
        assert dict(zip(rows.indices[stored].tolist(), rows.values[stored].tolist(), strict=True)) == pytest.approx(
            expected
        )
        assert {int(bit) for bit in np.flatnonzero(matrix[row])} == expected.keys()


def test_unreadable_component_is_refused() -> None:
    with pytest.raises(ChemistryError, match="C1CC"):
        Fingerprint().counts("CCO.C1CC")


def test_tanimoto() -> None:
    assert tanimoto({1: 2, 5: 1}, {1: 2, 5: 1}) == 1.0
    assert tanimoto({1: 2}, {2: 2}) == 0.0
    assert tanimoto({1: 3, 2: 1}, {1: 1}) == pytest.approx(1 / 4)
    assert tanimoto({1: 1}, {1: -1}) == 0.0
    assert tanimoto({1: -2}, {1: -1}) == 0.5
    assert tanimoto({}, {}) == 1.0


def test_packed_bits_are_those_of_the_counts() -> None:
    for smiles in ("CC(=O)Nc1ccc(O)cc1", "C[C@H](N)C(=O)O", "C"):
        words = packed_bits(smiles)
        bits = np.flatnonzero(np.unpackbits(words.view(np.uint8)))
        assert words.shape == (32,)
        assert set(bits.tolist()) == set(Fingerprint("molecules", 2048, 2, chirality=False).counts(smiles))
