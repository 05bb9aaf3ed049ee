"""Read a molecule, number or choice out of what a language model says around it.

A model of general language answers in sentences: "The product is CCO.", "Option B", "about 63 %". Each reader here
returns the answer or an :class:`~retort.prompting.task.Unreadable`, never a default and nothing corrected. The words of
a reason before its colon are one of ``FAILURES``, so that failures can be counted by name:

- ``empty answer``: nothing is left once stock phrases are taken away.
- ``no SMILES``, ``no number``, ``no choice``: nothing of the kind is in the text.
- ``invalid SMILES``: something is that looks like one, and cannot be read.
- ``several numbers``, ``several choices``: more than one is, and no phrase says which is the answer.
- ``only a bound``: "more than 95 %" and the like.
- ``out of range``: the number or choice is none of the possible ones.

What a model of this package writes is read by :mod:`retort.prompting.answers` and needs none of this.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from retort.errors import ChemistryError, UsageError
from retort.prompting.phrases import bare, without_heading
from retort.prompting.task import Unreadable

BareNumber = Literal["percent", "fraction"]
READ = "read"
EMPTY, OUT_OF_RANGE = "empty answer", "out of range"
NO_SMILES, INVALID_SMILES = "no SMILES", "invalid SMILES"
NO_NUMBER, SEVERAL_NUMBERS = "no number", "several numbers"
ONLY_BOUND = "only a bound"
NO_CHOICE, SEVERAL_CHOICES = "no choice", "several choices"
FAILURES = (
    EMPTY,
    NO_SMILES,
    INVALID_SMILES,
    NO_NUMBER,
    SEVERAL_NUMBERS,
    ONLY_BOUND,
    NO_CHOICE,
    SEVERAL_CHOICES,
    OUT_OF_RANGE,
)

_SHOWN = 60  # characters of an answer that a reason repeats
_LONGEST = 1000  # characters of a SMILES; what is longer is one atom repeated without end
_MARKED = re.compile(r"[=#\[\]()@/\\]|[A-Za-z]\d|\w\.[A-Z\[]")  # what tells a SMILES from an English word
_MAKING = re.compile(r"\b(?:is|are|gives?|yields?|affords?|forms?|produces?|obtain|:|=)\s+(\S+)", re.IGNORECASE)
_GROUP = re.compile(r"(?<!\S)\S+\s+(?:\w+\s+)?(?:bonds?|groups?|moiety|moieties)\b", re.IGNORECASE)  # "a C=O group"
_DENIED = re.compile(r"\b(?:not|never|neither|nor|except|instead\s+of|rather\s+than)\b(?:\s+\S+)?", re.IGNORECASE)
_DIGITS = r"\d{1,40}"  # bounded, so that no run of digits takes long
_FIGURE = (
    rf"(?:\d{{1,3}}(?:,\d{{3}}){{1,10}}(?:\.{_DIGITS})?|{_DIGITS}(?:[.,]{_DIGITS})?|\.{_DIGITS})(?:[eE][+-]?\d{{1,4}})?"
)
_NUMBER = re.compile(rf"(?<![\w.,])([+-]?{_FIGURE})(?!\w|[.,]\d|-[A-Za-z])\s*(%|per\s?cent\b)?", re.IGNORECASE)
_RANGE = re.compile(rf"{_FIGURE}\s*%?\s*(?:-|–|—|\bto\b|\bor\b)\s*{_FIGURE}")
_SPREAD = re.compile(rf"(?:±|\+/-|\+-)\s*{_FIGURE}")
_BOUND = re.compile(
    rf"(?:[<>≤≥]=?|\b(?:(?:more|less|fewer|greater|higher|lower)\s+than|at\s+(?:least|most)|up\s+to|over|under|above|below))"
    rf"\s*{_FIGURE}",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"\A(?:(?:about|approximately|around|roughly|nearly|almost|ca\.?|circa|~|≈)\s*)+", re.IGNORECASE)

_NOUN = r"(?i:option|candidate|choice|answer|number|no\.?|index|item|molecule|reagent|ligand|solvent|reactant|class)"
_SIGN = r"(-?\d{1,6}|[A-Za-z])"
_WHOLE = re.compile(rf"(?i:the\s+)?(?:{_NOUN}\s*)?#?[(\[]?{_SIGN}[)\]]?")
_BEGINNING = re.compile(rf"{_WHOLE.pattern}(?<![A-Za-z\d])(?=\s)|{_WHOLE.pattern}[.:,;](?=\s)")
_LISTED = re.compile(r"\s*(?:[,;/&]|\band\b|\bor\b)\s*")
_NAMED = re.compile(rf"\b{_NOUN}(?:\s+#?|\s*#)(-?\d{{1,6}}|[A-Z])\b(?![(=#])|\b{_NOUN}\s*[(\[]{_SIGN}[)\]]")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_RANK = rf"(?i:({'|'.join(_ORDINALS)})|(\d{{1,6}})(?:st|nd|rd|th))"
_RANKED = re.compile(
    rf"\A(?i:the\s+){_RANK}\b(?!\s+\w)|\A{_RANK}\W*\Z|\b{_RANK}\s+(?:{_NOUN}|one)\b",
)
_INSIDE = r"[\w()=#\[\]@+/\\-]"  # characters that go on with a word or a SMILES


def read_smiles(text: str) -> str | Unreadable:
    """Return the first readable molecule or molecules, canonical and isomeric, or why there is none.

    All that a stock phrase leaves is tried first, then its first word, words behind "is", "gives" and the like, single
    lines, and last all words that look like SMILES, each in the order of the text. A word without brackets, bonds or
    digits, such as "I" or "PCC", is taken for SMILES in none but the first places; "a C=O group" and "not CCO" are no
    answers. Of "CCO and CCN" only the first molecule is read: molecules that belong together are joined by ``.``.
    """
    rest, led = bare(text)
    if not rest:
        return Unreadable(EMPTY)
    prose = _DENIED.sub(" ", _GROUP.sub(" ", rest))
    plain = [rest, *(rest.split()[:1] if led else ()), *_MAKING.findall(prose), *rest.splitlines()]
    marked = [word for word in prose.split() if _MARKED.search(_trimmed(word))]
    for word in (*plain, *marked):
        found = _molecule(_trimmed(word))
        if found is not None:
            return found
    if marked:
        return Unreadable(f"{INVALID_SMILES}: {_shown(marked[0])}")
    return Unreadable(f"{NO_SMILES}: {_shown(rest)}")


def read_number(text: str, low: float = float("-inf"), high: float = float("inf")) -> float | Unreadable:
    """Return the number that a text gives, or why there is none.

    A number that follows a stock phrase is the answer; otherwise there must be one alone. A spread behind "±" is left
    out; a range such as "60-70" is several numbers. A comma is a thousands mark before three digits, unless a lone 0
    stands before it, and else a decimal mark.

    Args:
        text: What a model said.
        low: Least possible value.
        high: Greatest possible value.
    """
    found = _only_number(text)
    if isinstance(found, Unreadable):
        return found
    return found[0] if low <= found[0] <= high else _beyond(f"{found[0]:g}", f"{low:g} to {high:g}")


def read_percent(text: str, bare_number: BareNumber) -> float | Unreadable:
    """Return a share in per cent, 0 to 100, or why there is none.

    A number with ``%`` is what it says, and the only such one is the answer. A number without is read as the caller
    says and never by its size: "0.63" is 0.63 % where bare numbers are per cent, and 63 % where they are fractions;
    "63" is out of range as a fraction.

    Args:
        text: What a model said.
        bare_number: What a number without ``%`` is: ``percent`` (0 to 100) or ``fraction`` (0 to 1).
    """
    found = _only_number(text)
    if isinstance(found, Unreadable):
        return found
    value = found[0] * (100 if bare_number == "fraction" and not found[1] else 1)
    return value if 0 <= value <= 100 else _beyond(f"{value:g} %", "0 to 100 %")


def read_choice(text: str, options: Sequence[str], *, first: int = 1) -> int | Unreadable:
    """Return the place, from 0, of the option that a text names, or why it names none.

    An option is named by its own text (case aside; a molecule also in another spelling), by its number ("2", "#2",
    "option 2"), its letter ("B", "(b)", "Option B") or its rank ("the third", "3rd"). The text of an option goes
    before all else. A bare number or letter counts at the beginning alone, a lone "a" within a sentence never. A
    sentence that denies something ("not option B") is not searched for mentions.

    Args:
        text: What a model said.
        options: The texts of the options in the order in which they were shown.
        first: The number of the first option as it was shown.

    Raises:
        UsageError: There are no options.
    """
    if not options:
        raise UsageError("there are no options to choose from.", "Leave such a question out.")
    rest, _ = bare(text)
    if not rest:
        return Unreadable(EMPTY)
    named = _by_text(rest, options) or _by_sign(rest, first)
    if not named and not _DENIED.search(rest):
        named = set(_mentions(rest, options, first))
    if len(named) != 1:
        return Unreadable(f"{SEVERAL_CHOICES if named else NO_CHOICE}: {_shown(rest)}")
    place = named.pop()
    return place if 0 <= place < len(options) else _beyond(_shown(rest), f"{len(options)} options")


def read_text(text: str) -> str | Unreadable:
    """Return a written answer without thoughts, fences, quotes and heading; its sentences stay whole."""
    return without_heading(text) or Unreadable(EMPTY)


def read_name(text: str) -> str | Unreadable:
    """Return a name or formula without all that :func:`retort.prompting.phrases.bare` takes away."""
    return bare(text).text or Unreadable(EMPTY)


def outcome(answer: object) -> str:
    """Return ``read``, or the name of the failure: what its reason says before a colon."""
    return answer.reason.partition(":")[0] if isinstance(answer, Unreadable) else READ


def count_outcomes(answers: Iterable[object]) -> dict[str, int]:
    """Return how many answers were read and how many failed in which way, most frequent first."""
    return dict(Counter(map(outcome, answers)).most_common())


def _molecule(word: str) -> str | None:
    """Return the canonical form of a word that is SMILES of molecules; None otherwise."""
    from retort.chem.smiles import canonicalize

    if len(word) > _LONGEST:
        return None
    try:
        return canonicalize(word)
    except ChemistryError:
        return None


def _trimmed(word: str) -> str:
    """Return a word without the marks of the sentence around it."""
    word = word.strip("\"'`“”‘’*,;:!?").rstrip(".")
    unmatched = word.count(")") - word.count("(")
    return word.removesuffix(")") if unmatched > 0 else word.removeprefix("(") if unmatched < 0 else word


def _only_number(text: str) -> tuple[float, bool] | Unreadable:
    """Return the number that is the answer, and whether a per cent sign follows it."""
    rest, led = bare(text)
    if not rest:
        return Unreadable(EMPTY)
    rest = _SPREAD.sub("", _ABOUT.sub("", rest.replace("−", "-")))
    for pattern, failure in ((_RANGE, SEVERAL_NUMBERS), (_BOUND, ONLY_BOUND)):
        if pattern.search(rest):
            return Unreadable(f"{failure}: {_shown(rest)}")
    found = [(match.start(), _value(match.group(1)), match.group(2) is not None) for match in _NUMBER.finditer(rest)]
    shares = [number for number in found if number[2]]
    candidates = found[:1] if led and found and found[0][0] == 0 else shares or found
    if len(candidates) != 1:
        return Unreadable(f"{SEVERAL_NUMBERS if candidates else NO_NUMBER}: {_shown(rest)}")
    return candidates[0][1:]


def _value(figure: str) -> float:
    thousands = re.fullmatch(r"[+-]?(?!0,)\d{1,3}(?:,\d{3})+(?:\.\d+)?(?:[eE].*)?", figure)
    return float(figure.replace(",", "" if thousands else "."))


def _by_text(rest: str, options: Sequence[str]) -> set[int]:
    """Return the options whose text, or whose molecule, all of a text is; case tells molecules apart, not names."""
    exact = {place for place, option in enumerate(options) if option.strip() == rest}
    if exact or len(rest) == 1:  # one letter is rather the sign of an option than a molecule
        return exact
    molecule = _molecule(rest)
    if molecule is not None:
        return {place for place, option in enumerate(options) if _molecule(option) == molecule}
    return {place for place, option in enumerate(options) if option.strip().casefold() == rest.casefold()}


def _by_sign(rest: str, first: int) -> set[int]:
    """Return the options of which a text is the number or letter, or with whose it begins."""
    signs = [_WHOLE.fullmatch(part) for part in _LISTED.split(rest)]
    if all(signs):
        return {_place(sign.group(1), first) for sign in signs if sign}
    beginning = _BEGINNING.match(rest)
    return {_place(beginning.group(1) or beginning.group(2), first)} if beginning else set()


def _mentions(rest: str, options: Sequence[str], first: int) -> Iterator[int]:
    """Yield the options that a sentence mentions: by noun and sign, by rank, by a text of three characters or more."""
    yield from (_place(sign or bracketed, first) for sign, bracketed in _NAMED.findall(rest))
    for found in _RANKED.findall(rest):
        word, figure = "".join(found[0::2]).lower(), "".join(found[1::2])
        yield int(figure) - 1 if figure else _ORDINALS.index(word)
    for place, text in sorted(enumerate(map(str.strip, options)), key=lambda pair: -len(pair[1])):
        if len(text) < 3 or text.casefold() not in rest.casefold():
            continue
        case = re.NOFLAG if _molecule(text) else re.IGNORECASE
        pattern = re.compile(rf"(?<!{_INSIDE})(?<!\.){re.escape(text)}(?!\.?{_INSIDE})", case)
        if pattern.search(rest):
            yield place
            rest = pattern.sub(" ", rest)  # so that the name of a shorter option within is not seen


def _place(sign: str, first: int) -> int:
    """Return the place, from 0, that a number or letter stands for."""
    return ord(sign.upper()) - ord("A") if sign.isalpha() else int(sign) - first


def _beyond(what: str, possible: str) -> Unreadable:
    return Unreadable(f"{OUT_OF_RANGE}: {what} is not within {possible}")


def _shown(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
