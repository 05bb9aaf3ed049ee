"""Parts are a function of what the split is cut by, and of nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retort.chem.scaffold import murcko_scaffold
from retort.chem.smiles import canonicalize
from retort.data.splits import (
    PARTS,
    VALID_PARTS,
    HoldOut,
    Split,
    SplitName,
    held_out_part,
    molecule_part,
    product_hash,
    published_part,
    valid_part,
)
from retort.errors import DataError

PRODUCTS = [f"{'C' * n}O{'C' * m}" for n in range(1, 60) for m in range(1, 60)]


def test_shares_are_kept_within_sampling_error() -> None:
    parts = [held_out_part(p, HoldOut(valid=0.1, test=0.2)) for p in PRODUCTS]
    assert set(parts) == set(PARTS)
    assert parts.count("test") / len(parts) == pytest.approx(0.2, abs=0.03)
    assert parts.count("train") / len(parts) == pytest.approx(0.7, abs=0.03)


def test_valid_falls_into_three_parts_of_4_to_3_to_3() -> None:
    parts = [valid_part(p) for p in PRODUCTS]
    assert [parts.count(p) / len(parts) for p in VALID_PARTS] == pytest.approx([0.4, 0.3, 0.3], abs=0.03)


def test_a_molecule_is_held_out_alike_whatever_the_configuration() -> None:
    splits = [Split("molecule", HoldOut(valid, 0.3), seed=seed) for valid, seed in ((0.1, 1), (0.6, 2))]
    parts = [[split.part(f"{i}", "train", (p,)) for i, p in enumerate(PRODUCTS)] for split in splits]
    assert parts[0] == parts[1] == [molecule_part(p) for p in PRODUCTS]
    assert parts[0].count("test") / len(PRODUCTS) == pytest.approx(0.1, abs=0.02)


def test_published_splits_are_kept() -> None:
    assert published_part("train", "CC") == "train"
    assert published_part("test", "CC") == "test"
    assert published_part("valid", "CC") in VALID_PARTS


def test_the_hash_never_changes() -> None:
    # BLAKE2b with an 8-byte digest of b"CCO", read big-endian, over 2**64 (checked with b2sum -l 64).
    assert product_hash("CCO") == pytest.approx(PRODUCT_HASH_OF_ETHANOL, abs=1e-12)


PRODUCT_HASH_OF_ETHANOL = 0x6D200B6F6C9553C3 / 2**64


RINGS = ["c1ccccc1", "c1ccncc1", "C1CCNCC1", "C1CCCC1", "c1ccoc1", "c1ccsc1", "c1cnc2ccccc2c1", "C1CCOCC1", "C1CC1"]
CHAINS = ["C" * n + heteroatom for n in range(1, 12) for heteroatom in ("", "O", "N", "Cl", "F", "S", "Br", "C#N")]
SHARES = HoldOut(valid=0.15, test=0.25)


def criterion(name: SplitName, row_id: str, product: str, year: int) -> object:
    """Return what rows must share to be in one part, by the definition of each split."""
    values = {
        "product": product,
        "random": row_id,
        "scaffold": murcko_scaffold(product) or product,
        "time": year,
        "published": year % 3,
    }
    return values[name]


@pytest.mark.parametrize("name", ["product", "random", "scaffold", "time", "published"])
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(CHAINS), st.sampled_from(["", *RINGS]), st.integers(1976, 2016)),
        min_size=1,
        max_size=12,
    ),
    seed=st.integers(0, 5),
)
def test_parts_are_disjoint_by_their_own_criterion(
    name: SplitName, rows: list[tuple[str, str, int]], seed: int
) -> None:
    split = Split(name, SHARES, (2000, 2010) if name == "time" else None, seed)
    parts: dict[object, set[str]] = {}
    for number, (chain, ring, year) in enumerate(rows):
        product = canonicalize(ring + chain)
        published = ("train", "valid", "test")[year % 3]
        part = split.part(f"row:{number % 7}", published, (product,), year)
        assert part in PARTS
        if part in VALID_PARTS:
            assert part == valid_part(product)
        whole = "valid" if part in VALID_PARTS else part
        parts.setdefault(criterion(name, f"row:{number % 7}", product, year), set()).add(str(whole))
    assert all(len(found) == 1 for found in parts.values())


@pytest.mark.parametrize("name", ["product", "random", "scaffold"])
def test_shares_are_near_the_wish(name: SplitName) -> None:
    rings = [f"C1{'C' * n}{'N' * m}{'O' * k}1" for n in range(2, 18) for m in range(3) for k in range(3)]
    rows = [(f"row:{i}:{ring}", (f"{'C' * i}{ring}",)) for ring in rings for i in range(1, 4)]
    split = Split(name, SHARES)
    parts = [split.part(row_id, "all", products) for row_id, products in rows]
    assert parts.count("test") / len(parts) == pytest.approx(0.25, abs=0.08)
    assert parts.count("train") / len(parts) == pytest.approx(0.6, abs=0.09)


def test_a_split_by_chance_depends_on_the_seed_and_no_other_split_does() -> None:
    def parts(name: SplitName, seed: int) -> list[str | None]:
        return [Split(name, SHARES, None, seed).part(f"row:{p}", "all", (p,)) for p in PRODUCTS[:300]]

    assert parts("random", 1) == parts("random", 1)
    assert parts("random", 1) != parts("random", 2)
    assert parts("product", 1) == parts("product", 2)
    assert parts("scaffold", 1) == parts("scaffold", 2) == parts("product", 1), "acyclic rows go by product"


def test_years_are_cut_at_the_edges() -> None:
    split = Split("time", time_edges=(2005, 2010))
    parts = {year: split.part("row", "all", ("CCO",), year) for year in (2004, 2005, 2009, 2010)}
    assert parts == {2004: "train", 2005: valid_part("CCO"), 2009: valid_part("CCO"), 2010: "test"}
    assert split.part("row", "all", ("CCO",), None) is None


def test_a_split_that_is_not_published_is_refused() -> None:
    with pytest.raises(DataError, match="'all'"):
        Split("published").part("row", "all", ("CCO",))
