"""Ring systems of molecules: Bemis-Murcko scaffolds (Bemis and Murcko, J. Med. Chem. 1996, 39, 2887)."""

from functools import lru_cache

from rdkit import Chem
from rdkit.Chem.Scaffolds import MurckoScaffold

from retort.chem.smiles import canonical_or_none, canonicalize, parse


@lru_cache(maxsize=65_536)
def murcko_scaffold(smiles: str) -> str:
    """Return the rings of a molecule with the chains between them, canonical and without stereo.

    Double-bonded atoms on rings and linkers belong to the scaffold, as in RDKit. Of several components all scaffolds
    are returned, joined by ``.``; where no component has a ring the text is empty.

    Raises:
        ChemistryError: The text cannot be read.
    """
    parts = (_scaffold(part) for part in canonicalize(smiles, stereo=False).split("."))
    return ".".join(sorted(filter(None, parts)))


def _scaffold(component: str) -> str:
    core = Chem.MolToSmiles(MurckoScaffold.GetScaffoldForMol(parse(component)), isomericSmiles=False)  # type: ignore[no-untyped-call]
    return (canonical_or_none(core, stereo=False) or core) if core else ""  # a bare [c-]1cccc1 cannot be read again
