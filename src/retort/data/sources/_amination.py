"""The one transformation of the Buchwald-Hartwig screens: an aryl halide and p-toluidine give a diarylamine.

The published tables name only what varies. Palladium precatalyst and DMSO, the same in every row, are left out.
"""

from functools import lru_cache

from retort.errors import DataError

TOLUIDINE = "Cc1ccc(N)cc1"
_COUPLING = "[c:1][Cl,Br,I].[NH2:2][c:3]>>[c:1][NH:2][c:3]"


def amination(halide: str, *reagents: str) -> str:
    """Write the reaction of one well as ``halide.toluidine>reagents>product``."""
    return f"{halide}.{TOLUIDINE}>{'.'.join(filter(None, reagents))}>{_product(halide)}"


@lru_cache(maxsize=64)
def _product(halide: str) -> str:
    from rdkit import Chem
    from rdkit.Chem.rdChemReactions import ReactionFromSmarts

    parts = [Chem.MolFromSmiles(smiles) for smiles in (halide, TOLUIDINE)]
    outcomes = ReactionFromSmarts(_COUPLING).RunReactants(parts) if all(parts) else ()
    products = set()
    for (product,) in outcomes:
        Chem.SanitizeMol(product)
        products.add(Chem.MolToSmiles(product))
    if len(products) != 1:
        raise DataError(f"{halide!r} has {len(products)} coupling products with p-toluidine instead of one.")
    return str(products.pop())
