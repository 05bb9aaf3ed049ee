"""Questions that go on with candidates: ``reactants>reagents>products>candidate>candidate``, and their yields.

What is taken of the list joins the precursors. The yields of a list are the answer of a row: numbers in per cent in the
order of the candidates, joined by ``;``. Text only.
"""

import re
from collections.abc import Sequence

_ROLE = re.compile(r"(?<!-)>")  # not the arrow of a dative bond
ROLES = 3
LEAST = 2  # candidates among which there is something to choose
WHOLE_LIST = 100  # candidates that are asked for where a ranking is judged


def split_candidates(query: str) -> tuple[str, tuple[str, ...]]:
    """Return the reaction of a question and its candidates; spellings stay as they are."""
    parts = _ROLE.split(query.strip())
    return ">".join(parts[:ROLES]), tuple(part.strip() for part in parts[ROLES:])


def with_candidates(reaction: str, candidates: Sequence[str]) -> str:
    """Put a reaction and its candidates into one question."""
    return ">".join((reaction, *candidates))


def filled(reaction: str, candidate: str) -> str:
    """Return ``precursors>>products`` of a reaction that takes a candidate; components are sorted, roles untold.

    Args:
        reaction: ``reactants>reagents>products``, canonical.
        candidate: One molecule, canonical, with several components where it is a salt.
    """
    *before, products = _ROLE.split(reaction)
    parts = [part for role in (*before, candidate) for part in role.split(".") if part]
    return f"{'.'.join(sorted(parts))}>>{products}"


def reactions_of(given: str) -> list[str]:
    """Return the reaction with each candidate of a canonical question; where it has none, the question alone."""
    reaction, candidates = split_candidates(given)
    return [filled(reaction, candidate) for candidate in candidates] or [given]


def write_yields(yields: Sequence[float]) -> str:
    """Write yields in per cent, in the order of their candidates."""
    return ";".join(f"{value:g}" for value in yields)
