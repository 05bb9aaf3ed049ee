"""How large a query may be. Text alone is looked at, so that refusing costs nothing."""

from http import HTTPStatus

from retort.chem.tokens import tokenize_smiles
from retort.errors import ChemistryError
from retort.serving.problems import RefusalError
from retort.serving.settings import ServeConfig

_HYDROGENS = ("[H]", "[H+]", "[H-]", "[2H]", "[3H]")


def check_query(settings: ServeConfig, query: str) -> None:
    """Refuse a query that is too long or has too many atoms; what is no SMILES is left to the model to tell.

    Raises:
        RefusalError: 422, with the limit.
    """
    if len(query) > settings.max_query_characters:
        raise _refused(
            "query_too_long",
            f"the query has {len(query):,} characters; at most {settings.max_query_characters:,} are read.",
        )
    if (atoms := count_atoms(query)) > settings.max_atoms:
        raise _refused(
            "too_many_atoms", f"the query has {atoms:,} heavy atoms; at most {settings.max_atoms:,} are read."
        )


def check_top_k(settings: ServeConfig, top_k: int) -> None:
    """Refuse to give too many candidates; raises RefusalError (422)."""
    if not 1 <= top_k <= settings.max_top_k:
        raise _refused("invalid_request", f"top_k must be from 1 to {settings.max_top_k}, not {top_k}.")


def count_atoms(text: str) -> int:
    """Return the number of heavy atoms of SMILES or reaction SMILES, 0 for what is no SMILES.

    An atom is a token that begins with a letter or a bracket; explicit hydrogens are no heavy atoms.
    """
    try:
        tokens = tokenize_smiles(text.strip())
    except ChemistryError:
        return 0
    return sum((token[0].isalpha() or token[0] in "[*") and token not in _HYDROGENS for token in tokens)


def _refused(code: str, message: str) -> RefusalError:
    return RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, code, message)
