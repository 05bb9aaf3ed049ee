"""Functional groups of molecules, and which of them a reaction makes and breaks.

Patterns are SMARTS of textbook groups, after the examples of the Daylight theory manual (chapter 4, "SMARTS"); where
one group holds another (an ester, a ketone's C=O) the patterns exclude each other, so that an atom counts once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

from rdkit import Chem

from retort.chem.smiles import parse

SMARTS: Mapping[str, str] = {
    "carboxylic acid": "[CX3](=O)[OX2H1,OX1-]",
    "ester": "[#6][CX3;!$(C([OX2])[OX2])](=O)[OX2H0;!$(O(C=O)C=O)][#6]",
    "carbonate": "[OX2][CX3](=O)[OX2]",
    "carbamate": "[NX3][CX3](=O)[OX2H0]",
    "urea": "[NX3][CX3](=[O,S])[NX3]",
    "amide": "[#6,#1][CX3;!$(C(N)[N,O])](=O)[NX3;!$(N(C=O)C=O)]",
    "imide": "[CX3](=O)[NX3][CX3](=O)",
    "acid halide": "[CX3](=O)[F,Cl,Br,I]",
    "anhydride": "[CX3](=O)[OX2][CX3](=O)",
    "aldehyde": "[CX3H1](=O)[#6,#1]",
    "ketone": "[#6][CX3](=O)[#6]",
    "imine": "[CX3;!$(C[N,O,S])]=[NX2;!$(N[N,O])]",
    "oxime": "[CX3]=[NX2][OX2]",
    "hydrazone": "[CX3]=[NX2][NX3]",
    "amidine": "[CX3;!$(C(N)(N)=N)](=[NX2])[NX3]",
    "nitrile": "[CX2]#[NX1]",
    "isocyanate": "[NX2]=[CX2]=[O,S]",
    "azide": "[NX2,NX1]=[NX2]=[NX1]",
    "nitro": "[$([NX3](=O)=O),$([NX3+](=O)[O-])]",
    "primary amine": "[NX3H2;!$(N[C,S]=[O,S,N]);!$(N[N,O,c])][#6]",
    "secondary amine": "[NX3H1;!$(N[C,S]=[O,S,N]);!$(N[N,O,c])]([#6])[#6]",
    "tertiary amine": "[NX3H0;!$(N[C,S]=[O,S,N]);!$(N[N,O,c])]([#6])([#6])[#6]",
    "aromatic amine": "[NX3;H2,H1,H0;!$(N[C,S]=[O,S,N]);!$(N[N,O])][c]",
    "alcohol": "[OX2H][CX4]",
    "phenol": "[OX2H][c]",
    "alkyl ether": "[OX2H0;!$(O[C,S,P]=[O,S,N])]([CX4])[CX4]",
    "aryl ether": "[OX2H0;!$(O[C,S,P]=[O,S,N])]([c])[#6]",
    "silyl ether": "[OX2][Si]",
    "epoxide": "[OX2r3]1[#6r3][#6r3]1",
    "thiol": "[SX2H][#6]",
    "sulfide": "[SX2H0]([#6])[#6]",
    "sulfoxide": "[#6][SX3](=O)[#6]",
    "sulfone": "[#6][SX4](=O)(=O)[#6]",
    "sulfonamide": "[SX4](=O)(=O)[NX3]",
    "sulfonyl halide": "[SX4](=O)(=O)[F,Cl,Br,I]",
    "sulfonate ester": "[SX4](=O)(=O)[OX2H0][#6]",
    "alkyl halide": "[CX4][Cl,Br,I]",
    "alkyl fluoride": "[CX4]F",
    "aryl halide": "[c][Cl,Br,I]",
    "aryl fluoride": "[c]F",
    "alkene": "[CX3;!$(C=[O,N,S])]=[CX3]",
    "alkyne": "[CX2]#[CX2]",
    "boronic acid or ester": "[BX3]([OX2])[OX2]",
    "phosphonate or phosphate": "[PX4](=O)([OX2,OX1-])",
    "organometallic carbon": "[#6][Mg,Zn,Sn,Li]",
}


@lru_cache(maxsize=65_536)
def functional_groups(smiles: str) -> Mapping[str, int]:
    """Return group -> how often it occurs in a molecule.

    Raises:
        ChemistryError: The text cannot be read.
    """
    molecule = parse(smiles)
    found = {name: len(molecule.GetSubstructMatches(pattern)) for name, pattern in _patterns().items()}
    return {name: count for name, count in found.items() if count}


def changes(reactants: Sequence[str], products: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the groups of which the products have more than the reactants, and those of which they have fewer.

    Args:
        reactants: Contributing reactants; what a reagent carries is no change.
        products: Products. What leaves as a side product counts as broken.

    Raises:
        ChemistryError: A molecule cannot be read.
    """
    before, after = (
        sum((Counter(functional_groups(part)) for part in side), Counter()) for side in (reactants, products)
    )
    names = before.keys() | after.keys()
    made = frozenset(name for name in names if after[name] > before[name])
    return made, frozenset(name for name in names if after[name] < before[name])


@cache
def _patterns() -> Mapping[str, Chem.Mol]:
    return {name: Chem.MolFromSmarts(smarts) for name, smarts in SMARTS.items()}
