"""Bits of reactions: a product half and a half of what changes."""

import numpy as np
import pytest

from retort.chem.reaction import Reaction
from retort.chem.reaction_bits import BYTES, product_bits, reaction_bits
from retort.errors import ChemistryError

AMIDE = "CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccccc1"


def bits(text: str) -> list[int]:
    return reaction_bits(Reaction.parse(text)).tolist()


def test_spelling_order_and_reagents_count_for_nothing() -> None:
    assert bits("NCc1ccccc1.CC(Cl)=O>CCN(CC)CC>C(C)(=O)NCc1ccccc1") == bits(AMIDE)


def test_the_first_half_is_the_product() -> None:
    assert bits(AMIDE)[: BYTES // 2] == product_bits(["CC(=O)NCc1ccccc1"]).tolist()
    assert len(bits(AMIDE)) == BYTES


def test_what_stays_is_no_change() -> None:
    near, far = "CC(=O)Cl.NCCCCCCCC>>CC(=O)NCCCCCCCC", "CCBr.NCc1ccccc1>>CCNCc1ccccc1"
    changed = [np.unpackbits(np.array(bits(r)[BYTES // 2 :], np.uint8)) for r in (AMIDE, near, far)]
    assert not reaction_bits(Reaction(("CCO",), (), ("OCC",)))[BYTES // 2 :].any()
    assert (changed[0] & changed[1]).sum() > (changed[0] & changed[2]).sum()


def test_a_molecule_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ChemistryError):
        reaction_bits(Reaction(("C1CC",), (), ("CC",)))
