"""Parts are a function of the product alone."""

import pytest

from retort.data.splits import PARTS, VALID_PARTS, HoldOut, held_out_part, product_hash, published_part, valid_part

PRODUCTS = [f"{'C' * n}O{'C' * m}" for n in range(1, 60) for m in range(1, 60)]


def test_shares_are_kept_within_sampling_error() -> None:
    parts = [held_out_part(p, HoldOut(valid=0.1, test=0.2)) for p in PRODUCTS]
    assert set(parts) == set(PARTS)
    assert parts.count("test") / len(parts) == pytest.approx(0.2, abs=0.03)
    assert parts.count("train") / len(parts) == pytest.approx(0.7, abs=0.03)


def test_valid_falls_into_three_parts_of_4_to_3_to_3() -> None:
    parts = [valid_part(p) for p in PRODUCTS]
    assert [parts.count(p) / len(parts) for p in VALID_PARTS] == pytest.approx([0.4, 0.3, 0.3], abs=0.03)


def test_published_splits_are_kept() -> None:
    assert published_part("train", "CC") == "train"
    assert published_part("test", "CC") == "test"
    assert published_part("valid", "CC") in VALID_PARTS


def test_the_hash_never_changes() -> None:
    # BLAKE2b with an 8-byte digest of b"CCO", read big-endian, over 2**64 (checked with b2sum -l 64).
    assert product_hash("CCO") == pytest.approx(PRODUCT_HASH_OF_ETHANOL, abs=1e-12)


PRODUCT_HASH_OF_ETHANOL = 0x6D200B6F6C9553C3 / 2**64
