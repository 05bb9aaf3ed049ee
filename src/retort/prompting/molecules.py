"""Molecules in a text: placeholders that stand for graphs, spellings, or both.

The k-th ``<molecule>`` of a row stands for the k-th molecule of its list. Texts are written as everywhere in this
package: bare text is SMILES, words stand between ``<text>`` and ``</text>``; a placeholder may stand in either.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from retort.errors import DataError
from retort.prompting.vocabulary import TEXT_CLOSE, TEXT_OPEN

MOLECULE = "<molecule>"

InputMode = Literal["graph", "string", "both"]
"""What a model is given of a molecule: its graph, its SMILES, or the graph and then the SMILES."""

_BETWEEN = re.compile(r"(?<!-)>|\.")  # not the arrow of a dative bond
_MARKS = re.compile(f"({MOLECULE}|{TEXT_OPEN}|{TEXT_CLOSE})")


def mention(smiles: str, mode: InputMode) -> str:
    """Return what stands in a text for one molecule."""
    return {"graph": MOLECULE, "string": smiles, "both": MOLECULE + smiles}[mode]


def join_molecules(molecules: Sequence[str], mode: InputMode) -> str:
    """Return what stands in a text for several molecules, joined by ``.``."""
    return ".".join(mention(smiles, mode) for smiles in molecules)


def join_reaction(precursors: Sequence[str], products: Sequence[str], mode: InputMode) -> str:
    """Return what stands in a text for a reaction, ``precursors>>products``."""
    return f"{join_molecules(precursors, mode)}>>{join_molecules(products, mode)}"


def mentioned(text: str, mode: InputMode) -> tuple[str, tuple[str, ...]]:
    """Return a question's SMILES with every component as a mode shows it, and the molecules that belong into the list.

    Args:
        text: Components joined by ``.``, roles by ``>``.
        mode: What the model is given of each component.
    """
    molecules = listed([part for part in _BETWEEN.split(text) if part], mode)
    separators = [*_BETWEEN.findall(text), ""]
    shown = (mention(part, mode) if part else "" for part in _BETWEEN.split(text))
    return "".join(a + b for a, b in zip(shown, separators, strict=True)), molecules


def listed(molecules: Sequence[str], mode: InputMode) -> tuple[str, ...]:
    """Return the molecules that belong into a row's list: those that have a placeholder."""
    return () if mode == "string" else tuple(molecules)


def pieces(text: str) -> Iterator[str | None]:
    """Yield the texts between placeholders, and None for each placeholder; spans of words are closed around them."""
    words, piece = False, ""
    for part in _MARKS.split(text):
        if part == MOLECULE:
            yield from _whole(piece, words)
            yield None
            piece = TEXT_OPEN if words else ""
        else:
            words = {TEXT_OPEN: True, TEXT_CLOSE: False}.get(part, words)
            piece += part
    yield from _whole(piece, words)


def _whole(piece: str, words: bool) -> Iterator[str]:
    piece += TEXT_CLOSE if words else ""
    if piece and piece != TEXT_OPEN + TEXT_CLOSE:
        yield piece


@dataclass(frozen=True, slots=True)
class Interleaved:
    """Words in which names have become molecules.

    Attributes:
        text: One span of words around the molecules.
        molecules: Those that belong into the row's list, in reading order.
        found: Names that were replaced, in reading order; one may come several times.
    """

    text: str
    molecules: tuple[str, ...]
    found: tuple[str, ...]


def interleave(words: str, names: Mapping[str, str], mode: InputMode) -> Interleaved:
    """Put molecules in the place of their names.

    The longest name wins; one inside a longer word or name (``methyl`` in ``2-methylbutane``) is left alone.

    Args:
        words: A text, such as a procedure.
        names: Name -> SMILES.
        mode: What the model is given of each molecule.
    """
    found: list[str] = []

    def shown(match: re.Match[str]) -> str:
        found.append(match.group())
        return _in_words(names[match.group()], mode)

    safe = _MARKS.sub(" ", words)
    if names:
        longest = "|".join(map(re.escape, sorted(names, key=lambda name: (-len(name), name))))
        safe = re.sub(rf"(?<![\w\-,'])(?:{longest})(?![\w\-,']\w|[\w\-'])", shown, safe)
    return Interleaved(TEXT_OPEN + safe + TEXT_CLOSE, listed([names[name] for name in found], mode), tuple(found))


def _in_words(smiles: str, mode: InputMode) -> str:
    spelled = f"{TEXT_CLOSE}{smiles}{TEXT_OPEN}"
    return {"graph": MOLECULE, "string": spelled, "both": MOLECULE + spelled}[mode]


def check_molecules(row: str, placeholders: int, molecules: Sequence[str]) -> None:
    """Refuse a row whose placeholders and molecules do not pair up.

    Args:
        row: What to call the row.
        placeholders: How many its texts hold.
        molecules: Its list.

    Raises:
        DataError: One has no partner.
    """
    if placeholders > len(molecules):
        raise DataError(
            f"{row}: placeholder {len(molecules) + 1} of {placeholders} has no molecule; {len(molecules)} are listed.",
            f"Give one molecule for each {MOLECULE}.",
        )
    if placeholders < len(molecules):
        raise DataError(
            f"{row}: molecule {placeholders + 1}, {molecules[placeholders]!r}, has no placeholder; "
            f"the text holds {placeholders}.",
            f"Write {MOLECULE} where it belongs.",
        )
