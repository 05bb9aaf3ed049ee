"""Molecules as SELFIES, text of which every sequence of symbols is a molecule (Krenn et al., MLST 2020, 1, 045024).

Components stay joined by ``.`` and atoms keep the order of the SMILES, so that root-aligned spellings stay aligned. A
molecule that SELFIES do not give back as it was, stereo included, is refused and never changed.
"""

from functools import lru_cache
from types import ModuleType

from retort.chem.smiles import canonicalize
from retort.errors import ChemistryError, MissingExtraError


def to_selfies(smiles: str) -> str:
    """Write molecules joined by ``.`` as SELFIES.

    Raises:
        ChemistryError: One cannot be read, has no SELFIES, or is another one when it is read back.
        MissingExtraError: The library is not installed.
    """
    return ".".join(_component(part) for part in smiles.split("."))


def from_selfies(text: str) -> str:
    """Return the SMILES of SELFIES, not canonical; empty where no symbol makes an atom.

    Raises:
        ChemistryError: A symbol is none of SELFIES.
        MissingExtraError: The library is not installed.
    """
    selfies = _library()
    try:
        return ".".join(filter(None, (str(selfies.decoder(part)) for part in text.split("."))))
    except selfies.DecoderError as error:
        raise ChemistryError(f"{text!r} cannot be read as SELFIES.") from error


@lru_cache(maxsize=65_536)
def _component(smiles: str) -> str:
    selfies = _library()
    try:
        text = str(selfies.encoder(smiles))
    except selfies.EncoderError as error:
        raise ChemistryError(f"{smiles!r} has no SELFIES.") from error
    if canonicalize(from_selfies(text)) != canonicalize(smiles):
        raise ChemistryError(f"{smiles!r} is another molecule when its SELFIES are read back.")
    return text


def _library() -> ModuleType:
    try:
        import selfies
    except ImportError as error:
        raise MissingExtraError("SELFIES", "data") from error
    module: ModuleType = selfies
    return module
