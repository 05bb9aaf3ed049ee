"""What templates look like: counted local features, so that a network can relate rare templates to frequent ones.

Relating classes by their structure instead of learning each alone follows MHNreact (Seidl et al., J. Chem. Inf. Model.
2022, 62, 2111). Features are environments of growing radius (Weisfeiler and Leman) around the atoms of both sides, in
the template's own strict labels and in generalised ones, the changed atoms, and the leaving atoms.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from rdkit import Chem

_MAP = re.compile(r":\d+\]")
RADIUS = 2


def template_features(smarts: str) -> Counter[str]:
    """Return feature -> count for retro SMARTS ``product >> reactants``; a side RDKit cannot read has none."""
    product, _, reactants = smarts.partition(">>")
    return Counter([*_side_features("p", product), *_side_features("r", reactants)])


def answer_features(smiles: str) -> Counter[str]:
    """Return feature -> count for a literal answer: its components, so that answers that share some are related."""
    return Counter(smiles.split("."))


def frequent_columns(features: Sequence[Counter[str]], minimum: int) -> dict[str, int]:
    """Return feature -> column for features of at least ``minimum`` classes, in order of first occurrence."""
    occurrences = Counter(name for row in features for name in row)
    return {name: i for i, name in enumerate(name for name, n in occurrences.items() if n >= minimum)}


def _side_features(side: str, smarts: str) -> Iterator[str]:
    pattern = Chem.MolFromSmarts(smarts)
    if pattern is None:
        return
    strict = [_MAP.sub("]", atom.GetSmarts()) for atom in pattern.GetAtoms()]
    leaving = [label for atom, label in zip(pattern.GetAtoms(), strict, strict=True) if not atom.GetAtomMapNum()]
    changed = [label for label in strict if "+" in label or "-" in label]  # rdchiral spells the charge of these alone
    yield f"{side} whole {_MAP.sub(']', smarts)}"
    yield f"{side} leaving {'.'.join(sorted(leaving))}"
    yield f"{side} changed {'.'.join(sorted(changed))}"
    for kind, labels in (("strict", strict), ("general", [_general(atom) for atom in pattern.GetAtoms()])):
        for environment in _environments(pattern, labels):
            yield f"{side} {kind} {environment}"


def _general(atom: Chem.Atom) -> str:
    symbol = atom.GetSymbol() if atom.GetAtomicNum() else re.sub(r"[^#\da-z*]", "", _MAP.sub("]", atom.GetSmarts()))
    return f"{symbol}{'a' if atom.GetIsAromatic() else ''}{'' if atom.GetAtomMapNum() else '!'}"


def _environments(pattern: Chem.Mol, labels: Sequence[str]) -> Iterator[str]:
    """Yield every atom's environment of radius 0 to ``RADIUS``; a bigger one nests the smaller ones around it."""
    current = list(labels)
    for radius in range(RADIUS + 1):
        yield from current
        if radius < RADIUS:
            current = [_widened(atom, current) for atom in pattern.GetAtoms()]


def _widened(atom: Chem.Atom, labels: Sequence[str]) -> str:
    around = sorted(f"{b.GetSmarts()}{labels[b.GetOtherAtomIdx(atom.GetIdx())]}" for b in atom.GetBonds())
    return f"{labels[atom.GetIdx()]}({','.join(around)})"
