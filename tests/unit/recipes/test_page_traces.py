"""What a swap costs is put onto atoms: one value each, in the order of the text."""

import numpy as np
import pytest

from retort.prompting.vocabulary import Vocabulary
from retort.recipes.page_traces import by_atom

WORDS = Vocabulary.build(["CC(=O)Cl", "c1ccccc1[nH]", "[NH3+]C"], min_count=1)


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("CC(=O)Cl", [0, 1, 4, 6]),  # tokens: C C ( = O ) Cl
        ("c1ccccc1", [0, 2, 3, 4, 5, 6]),
        ("C[NH3+]", [0, 1]),
    ],
)
def test_every_atom_gets_its_tokens_value(smiles: str, expected: list[int]) -> None:
    ids = WORDS.encode(smiles)
    assert by_atom(WORDS, ids, np.arange(len(ids), dtype=np.float64)).tolist() == expected


def test_an_atom_spelled_in_bytes_is_one_atom_that_gets_their_sum() -> None:
    ids = WORDS.encode("C[13CH3]C")
    assert len(ids) == 2 + len("[13CH3]") + 1  # and the end of the answer
    assert by_atom(WORDS, ids, np.ones(len(ids))).tolist() == [1, len("[13CH3]"), 1]
