"""Environments that training molecules have, and those that they lack."""

import numpy as np
import pytest

from retort.errors import ChemistryError
from retort.inference.environments import environments, known_environments, strange

KNOWN = known_environments(["CCO", "CC(=O)Nc1ccc(O)cc1"])


def test_what_was_seen_is_not_strange() -> None:
    assert strange(KNOWN, "OCC") == (0, len(environments("CCO")))
    assert strange(KNOWN, "CCO.CC(=O)Nc1ccc(O)cc1")[0] == 0


def test_what_was_not_seen_is_counted() -> None:
    missing, of = strange(KNOWN, "CC[Se]C#N")
    assert missing == len(environments("CC[Se]C#N") - set(KNOWN.tolist()))
    assert 0 < missing < of


def test_stereo_and_spelling_do_not_matter() -> None:
    assert environments("C[C@H](N)C(=O)O") == environments("OC(=O)[C@H](N)C") == environments("CC(N)C(O)=O")


def test_an_empty_record_knows_nothing() -> None:
    missing, of = strange(np.array([], np.uint32), "CCO")
    assert missing == of > 0


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(ChemistryError):
        environments("C1CC")


def test_keys_are_sorted_and_stable() -> None:
    """Their numbers are RDKit's: a release that counted otherwise would make every query strange."""
    assert KNOWN.dtype == np.uint32
    assert (np.diff(KNOWN.astype(np.int64)) > 0).all()
    assert environments("C") == {2246733040}
