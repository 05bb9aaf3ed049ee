"""Where the atoms of a product come from: heavy atoms that its reactants do not bring."""

from collections import Counter
from functools import lru_cache

from retort.chem.smiles import canonicalize, parse


def missing_atoms(reactants: str, product: str) -> dict[str, int]:
    """Return element -> number of heavy atoms of the product that the reactants do not bring; empty for none.

    Args:
        reactants: Components joined by ``.``.
        product: Likewise.

    Raises:
        ChemistryError: Either cannot be read.
    """
    return dict(_elements(canonicalize(product)) - _elements(canonicalize(reactants)))


@lru_cache(maxsize=65_536)
def _elements(canonical: str) -> Counter[str]:
    """Count the heavy atoms of each element; callers must not change the answer."""
    return Counter(atom.GetSymbol() for atom in parse(canonical).GetAtoms() if atom.GetAtomicNum() > 1)
