"""Reactions as MDL RXN blocks, V2000 or V3000: what electronic notebooks and reaction databases export.

Format: "CTfile Formats", BIOVIA, chapters "RXN Files" and "V3000". Molecules are read one by one, so that stereo comes
from their wedges and a message can name the one that is broken.
"""

import re
from collections.abc import Sequence
from itertools import islice

from rdkit import Chem

from retort.chem.reaction import Reaction
from retort.errors import ChemistryError

START = "$RXN"
_ROLES = ("REACTANT", "AGENT", "PRODUCT")
_COUNTS_LINE = 4  # from 0; above it stand $RXN, the name, the program and a remark
_CTAB = re.compile(r"M  V30 BEGIN CTAB\b.*?M  V30 END CTAB\b[^\n]*", re.DOTALL)
_V3000_HEAD = "\n     V3000\n\n  0  0  0     0  0            999 V3000\n"


def read_rxn_block(block: str) -> Reaction:
    """Return the reaction of one block; atom maps stay, agents are reagents, a salt is one compound.

    Raises:
        ChemistryError: The block is cut off, its counts are not its molecules, or a molecule cannot be read.
    """
    lines = block.lstrip("\r\n").splitlines()
    if not lines or not lines[0].startswith(START):
        raise ChemistryError(f"RXN block: it does not begin with {START}.")
    roles = _v3000(block) if "V3000" in lines[0] else _v2000(lines)
    return Reaction(*(tuple(map(_smiles, molecules)) for molecules in roles))


def _v2000(lines: Sequence[str]) -> list[list[str]]:
    """Return the molecule blocks of reactants, agents and products."""
    if len(lines) <= _COUNTS_LINE:
        raise ChemistryError("RXN block: it ends before the line of counts.")
    counts = _counts(lines[_COUNTS_LINE])
    found = [f"{part}\n" for part in "\n".join(lines).split("$MOL\n")[1:]]
    if len(found) != sum(counts):
        raise ChemistryError(f"RXN block: it counts {sum(counts)} molecules and holds {len(found)}.")
    molecules = iter(found)
    reactants, products, agents = (list(islice(molecules, n)) for n in counts)
    return [reactants, agents, products]


def _counts(line: str) -> list[int]:
    """Return the numbers of reactants, products and agents; the last one is often left out."""
    fields = [line[at : at + 3].strip() for at in (0, 3, 6)] if len(line.split()) < 2 else [*line.split(), ""][:3]
    if not all(field.isdecimal() for field in fields[:2]) or not (not fields[2] or fields[2].isdecimal()):
        raise ChemistryError(f"RXN block: {line.strip()!r} does not count its molecules.")
    return [int(field or 0) for field in fields]


def _v3000(block: str) -> list[list[str]]:
    """Return the molecule blocks of reactants, agents and products, each as one that RDKit reads alone."""
    text = "\n".join(block.splitlines())
    if "M  END" not in text:
        raise ChemistryError("RXN block: it ends before M  END.")
    return [[f"{_V3000_HEAD}{ctab}\nM  END\n" for ctab in _CTAB.findall(_section(text, role))] for role in _ROLES]


def _section(text: str, role: str) -> str:
    return text.partition(f"M  V30 BEGIN {role}\n")[2].partition(f"M  V30 END {role}")[0]


def _smiles(block: str) -> str:
    molecule = Chem.MolFromMolBlock(block)
    if molecule is None or not molecule.GetNumAtoms():
        raise ChemistryError("RXN block: a molecule cannot be read.", "Check its atoms, bonds and valences.")
    return str(Chem.MolToSmiles(molecule))
