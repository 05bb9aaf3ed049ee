"""Which part a record belongs to: published splits kept, the rest cut by product, scaffold, chance or year.

Shares are hashes, so a row always falls into the same part, whatever its order, the run or the number of processes.
Valid has three parts, cut by product whatever the split: A for choices and early stopping, B for the re-ranker,
C for calibration.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from retort.chem.scaffold import murcko_scaffold
from retort.config import option
from retort.errors import DataError

SplitName = Literal["published", "product", "random", "scaffold", "time", "molecule"]
"""As its authors cut it; by product; by row; by ring system of the main product (acyclic ones by product); by year; by
molecule, in shares that no configuration changes."""

TRAIN, TEST = "train", "test"
VALID_PARTS = ("valid_a", "valid_b", "valid_c")
PARTS = (TRAIN, *VALID_PARTS, TEST)
_VALID_SHARES = (0.4, 0.7)  # upper edges of A and B on the unit interval


@dataclass(frozen=True)
class HoldOut:
    """How much of an unsplit source is held out."""

    valid: float = option(0.04, help="share of products held out for validation (parts A, B and C together)")
    test: float = option(0.04, help="share of products held out for testing")


MOLECULES = HoldOut(0.05, 0.1)
"""Shares of molecules that names and descriptions hold out, whatever the source, so that a molecule that is asked about
is in no train set under another name."""


@dataclass(frozen=True)
class Split:
    """How the rows of one source are cut.

    Attributes:
        name: The criterion.
        hold_out: Shares, for all criteria but ``published`` and ``time``.
        time_edges: First year of valid and first year of test, for ``time``.
        seed: Of the split by chance.
    """

    name: SplitName = "product"
    hold_out: HoldOut = field(default_factory=HoldOut)
    time_edges: tuple[int, int] | None = None
    seed: int = 0

    def part(self, row_id: str, published: str, products: Sequence[str], year: int | None = None) -> str | None:
        """Return the part of a row, or None where it has no year and the split is by time.

        Args:
            row_id: Unique within the source.
            published: ``train``, ``valid``, ``test`` or ``all``, as the source has it.
            products: Stereo-free keys: the whole product side, and its largest component where it has several.
            year: Of publication.

        Raises:
            DataError: The published split is asked for and there is none.
        """
        if self.name == "published":
            return published_part(published, products[0])
        if self.name == "molecule":
            return molecule_part(products[0])
        if self.name == "time":
            return None if year is None else self._by_year(year, products[0])
        return _part_of_share(self._share(row_id, products), products[0], self.hold_out)

    def _share(self, row_id: str, products: Sequence[str]) -> float:
        if self.name == "random":
            return product_hash(row_id, f"{self.seed}:row:")
        scaffold = murcko_scaffold(products[-1]) if self.name == "scaffold" else ""
        return product_hash(scaffold, "scaffold:") if scaffold else product_hash(products[0])

    def _by_year(self, year: int, product: str) -> str:
        assert self.time_edges is not None  # checked with the configuration
        if year < self.time_edges[0]:
            return TRAIN
        return valid_part(product) if year < self.time_edges[1] else TEST


def product_hash(product_key: str, salt: str = "") -> float:
    """Map a stereo-free canonical product to the unit interval, evenly and for ever (BLAKE2b, 8 bytes)."""
    digest = hashlib.blake2b(f"{salt}{product_key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def published_part(split: str, product_key: str) -> str:
    """Return the part of a row whose source publishes a split.

    Raises:
        DataError: The source publishes none.
    """
    if split not in (TRAIN, "valid", TEST):
        raise DataError(f"a row belongs to {split!r}, which is no published split.", "Choose another for its source.")
    return valid_part(product_key) if split == "valid" else split


def valid_part(product_key: str) -> str:
    """Return ``valid_a``, ``valid_b`` or ``valid_c``."""
    share = product_hash(product_key, "valid")
    return VALID_PARTS[sum(share >= edge for edge in _VALID_SHARES)]


def molecule_part(molecule_key: str) -> str:
    """Return the part of a molecule with a name or description, by its stereo-free spelling; alike in all sources."""
    return held_out_part(molecule_key, MOLECULES)


def held_out_part(product_key: str, hold_out: HoldOut) -> str:
    """Return the part of a row whose source is cut by product."""
    return _part_of_share(product_hash(product_key), product_key, hold_out)


def _part_of_share(share: float, product_key: str, hold_out: HoldOut) -> str:
    if share < hold_out.test:
        return TEST
    return valid_part(product_key) if share < hold_out.test + hold_out.valid else TRAIN
