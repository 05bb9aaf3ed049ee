"""What a language model says around an answer, taken away: thoughts, fences, tags, stock phrases, quotes, full stops.

A stock phrase is a beginning made of nothing but stock words that ends in a verb or colon: "The most likely product of
this reaction is", "Final answer:", "I would choose". A word that is not in the lists below ends the search, so nothing
that may be part of an answer is ever cut.
"""

import re
from typing import NamedTuple

_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"```(?:[a-z]+(?=\s*\n))?(.*?)(?:```|\Z)", re.DOTALL)  # a word on its line names a language
_TAG = re.compile(r"<(smiles|number|boolean|answer|iupac|molformula)>(.*?)(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_QUOTES = (("**", "**"), ("`", "`"), ('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’"), ("«", "»"), ("$", "$"), ("*", "*"))
_WORD = re.compile(r"[^\s:=]+|[:=]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_THINGS = _words("""
    answer answers output result response solution product products reactant reactants precursor precursors reagent
    reagents catalyst catalysts solvent solvents ligand molecule molecules compound smiles structure choice option
    candidate yield class type name iupac formula caption description value number percentage it this here these""")
_STOCK = _THINGS | _words("""
    the a an my your its that i we you so thus therefore hence sure certainly ok okay well of for in to from by on with
    final correct right best most likely probable probably predicted expected estimated main major resulting possible
    desired following given above chemical canonical reaction reactions question think believe guess say there
    would will should can could may might must has have been one and string percent""")
_LINKS = _words("is are was were be : =")
_VERBS = _words("choose pick select predict propose suggest recommend")
_HEDGES = _words("probably likely most about approximately around roughly nearly almost ca circa ~ ≈ that")


class Stripped(NamedTuple):
    """What is left of a text.

    Attributes:
        text: The rest, without white space at its ends.
        led: Whether a stock phrase or tag stood before it, so that it begins with the answer.
    """

    text: str
    led: bool


def bare(text: str) -> Stripped:
    """Return what is left without thoughts, fences, tags, stock phrases, quotes and full stops at the end."""
    inner, led = _unwrapped(text)
    while True:
        rest = unquoted(inner).rstrip(".").rstrip()
        cut = _without_lead(rest, _LINKS | _VERBS)
        if rest == inner and cut is None:
            return Stripped(rest, led)
        inner, led = (rest, led) if cut is None else (cut, True)


def without_heading(text: str) -> str:
    """Return a text without thoughts, fences, tags, quotes and a heading such as ``Description:``.

    Sentences stay whole: "The molecule is an acid." is a description, and no phrase before one.
    """
    inner = unquoted(_unwrapped(text).text)
    cut = _without_lead(inner, frozenset({":"}))
    return unquoted(inner if cut is None else cut)


def unquoted(text: str) -> str:
    """Return a text without quotes around all of it, and without white space at its ends."""
    text = text.strip()
    for opening, closing in _QUOTES:
        size = len(opening) + len(closing)
        if len(text) > size and text.startswith(opening) and text.endswith(closing):
            inner = text[len(opening) : -len(closing)]
            if opening not in inner and closing not in inner:
                return unquoted(inner)
    return text


def _unwrapped(text: str) -> Stripped:
    """Return the first fenced or tagged part, or all of a text but thoughts."""
    text = _THOUGHT.sub(" ", text)
    tag, fence = _TAG.search(text), _FENCE.search(text)
    if tag:
        return Stripped(tag.group(2).strip(), True)
    return Stripped((fence.group(1) if fence else text).strip(), False)


def _without_lead(text: str, ends: frozenset[str]) -> str | None:
    """Return what follows a stock phrase that ends in one of some words; None where there is none."""
    things = False
    for match in _WORD.finditer(text):
        word = match.group().strip(",;.!?*_").lower()
        if word in ends and (things or word in _VERBS):
            return _without_hedges(text[match.end() :])
        if word and word not in _STOCK and word not in _VERBS:
            return None
        things = things or word in _THINGS
    return None


def _without_hedges(text: str) -> str:
    """Return a text without words of doubt, colons and the end of bold type at its beginning."""
    text = text.strip()
    while True:
        text = text.removeprefix("**").lstrip() if text.count("**") % 2 else text
        head = re.match(r"(~|≈|:|=|[A-Za-z]+\.?(?=[\s:])(?:\s*:)?)\s*", text)
        word = head.group(1).rstrip(".: ").lower() if head else ""
        if not head or (word and word not in _HEDGES):
            return text
        text = text[head.end() :]
