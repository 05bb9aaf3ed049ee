"""Which part a record belongs to: published splits kept, the rest cut by a hash of the product.

A product always falls into the same part, whatever its source, order or run. Valid has three parts: A for choices
and early stopping, B for the re-ranker, C for calibration.
"""

import hashlib
from dataclasses import dataclass

from retort.config import option

TRAIN, TEST = "train", "test"
VALID_PARTS = ("valid_a", "valid_b", "valid_c")
PARTS = (TRAIN, *VALID_PARTS, TEST)
_VALID_SHARES = (0.4, 0.7)  # upper edges of A and B on the unit interval


@dataclass(frozen=True)
class HoldOut:
    """How much of an unsplit source is held out."""

    valid: float = option(0.04, help="share of products held out for validation (parts A, B and C together)")
    test: float = option(0.04, help="share of products held out for testing")


def product_hash(product_key: str, salt: str = "") -> float:
    """Map a stereo-free canonical product to the unit interval, evenly and for ever (BLAKE2b, 8 bytes)."""
    digest = hashlib.blake2b(f"{salt}{product_key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def published_part(split: str, product_key: str) -> str:
    """Return the part of a row whose source publishes a split."""
    return valid_part(product_key) if split == "valid" else split


def valid_part(product_key: str) -> str:
    """Return ``valid_a``, ``valid_b`` or ``valid_c``."""
    share = product_hash(product_key, "valid")
    return VALID_PARTS[sum(share >= edge for edge in _VALID_SHARES)]


def held_out_part(product_key: str, hold_out: HoldOut) -> str:
    """Return the part of a row whose source publishes no split."""
    share = product_hash(product_key)
    if share < hold_out.test:
        return TEST
    return valid_part(product_key) if share < hold_out.test + hold_out.valid else TRAIN
