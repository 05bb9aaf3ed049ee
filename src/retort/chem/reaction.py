"""Reactions as values: ``reactants > reagents > products``, each a tuple of fragment groups.

A fragment group is one compound even where it has several components, as salts do. Groups are written in the two
usual ways: ``~`` between the components of a group, or the CXSMILES extension ``|f:0.1,4.5|`` behind the reaction.
Text only: nothing here checks that a component is a molecule.
"""

import re
from dataclasses import dataclass

from retort.errors import ChemistryError

_GROUPS = re.compile(r"\bf:((?:\d+(?:\.\d+)*)(?:,\d+(?:\.\d+)*)*)")


@dataclass(frozen=True, slots=True)
class Reaction:
    """One reaction; each role is a tuple of compounds, and a compound may hold several components joined by ``.``.

    Reagents are catalysts, solvents and additives.
    """

    reactants: tuple[str, ...]
    reagents: tuple[str, ...]
    products: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Reaction":
        """Read reaction SMILES with or without fragment groups.

        Raises:
            ChemistryError: There are not exactly two ``>`` outside of atoms and dative bonds.
        """
        smiles, _, extension = text.strip().partition(" ")
        roles = re.split(r"(?<!-)>", smiles)
        if len(roles) != 3:
            raise ChemistryError(
                f"{text!r} is not a reaction: it has {len(roles) - 1} '>' instead of 2.",
                "Write reactants>reagents>products or reactants>>products.",
            )
        match = _GROUPS.search(extension)
        groups = [[int(i) for i in g.split(".")] for g in match.group(1).split(",")] if match else []
        return cls(*_split_roles(roles, groups))

    def __str__(self) -> str:
        return ">".join(".".join(role) for role in (self.reactants, self.reagents, self.products))

    def with_groups(self) -> str:
        """Write the reaction with ``~`` inside fragment groups; :meth:`parse` reads it back unchanged."""
        roles = (self.reactants, self.reagents, self.products)
        return ">".join(".".join(compound.replace(".", "~") for compound in role) for role in roles)

    @property
    def change(self) -> str:
        """``reactants>>products``, reagents left out; empty where either side is."""
        if not self.reactants or not self.products:
            return ""
        return f"{'.'.join(self.reactants)}>>{'.'.join(self.products)}"

    @property
    def precursors(self) -> tuple[str, ...]:
        """Reactants and reagents together."""
        return self.reactants + self.reagents


def _split_roles(roles: list[str], groups: list[list[int]]) -> list[tuple[str, ...]]:
    home = {member: group[0] for group in groups for member in group}
    split: list[tuple[str, ...]] = []
    start = 0
    for role in roles:
        parts = role.split(".") if role else []
        compounds: dict[int, list[str]] = {}
        for index, part in enumerate(parts, start):
            compounds.setdefault(home.get(index, index), []).append(part.replace("~", "."))
        split.append(tuple(".".join(c) for c in compounds.values()))
        start += len(parts)
    return split
