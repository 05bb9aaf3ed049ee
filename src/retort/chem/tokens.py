"""Atom-level tokens of SMILES: text only, lossless.

The pattern follows the atom-wise scheme of Schwaller et al. (ACS Cent. Sci. 2019, 5, 1572): a bracket atom, a
two-letter organic atom, a ring-closure number or a single character each make one token.
"""

import re

from retort.errors import ChemistryError

_TOKEN = re.compile(
    r"\[[^\[\]]+\]"  # bracket atom, e.g. [C@@H]
    r"|Br|Cl"
    r"|%\([0-9]+\)|%[0-9][0-9]"  # ring closures above nine
    r"|[BCNOPSFIbcnops]"
    r"|->|<-"  # dative bonds
    r"|[=#$:/\\.()+\-~>*@?]"
    r"|[0-9]"
)


def tokenize_smiles(text: str) -> list[str]:
    """Split a SMILES or reaction SMILES into atom-level tokens; joining them gives the text back.

    Raises:
        ChemistryError: A character belongs to no token.
    """
    tokens = _TOKEN.findall(text)
    if "".join(tokens) == text:
        return tokens
    tokens, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ChemistryError(f"{text!r} is not SMILES: unexpected {text[position]!r} at character {position + 1}.")
        tokens.append(match.group())
        position = match.end()
    return tokens
