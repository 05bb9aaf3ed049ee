"""How a molecule differs from another one that it should be: in stereochemistry, in where a group sits, or altogether.

Two molecules of one constitution are compared by their stereo marks. Two of one formula are compared by whether a
single group has moved: one acyclic single bond is cut in each, the ends are filled with hydrogen, and the pieces are
the same. Pieces are compared without stereo and with mobile hydrogens (RDKit's tautomer hash), so that the two
N-methylations of a pyrazole are seen. Cutting names no reaction: an isomer that two moves away is merely an isomer.
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, get_args

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors, rdMolHash

from retort.chem.smiles import canonicalize, parse

Relation = Literal[
    "same",
    "stereo_left_out",
    "stereo_added",
    "other_stereoisomer",
    "regioisomer",
    "other_site",
    "other_isomer",
    "other",
]
RELATIONS: tuple[Relation, ...] = get_args(Relation)
_Ends = tuple[tuple[int, bool], ...]  # element and aromaticity of both ends of a cut bond, sorted


def relation(answer: str, target: str) -> Relation:
    """Return how an answer stands to a target; both are read as wholes, however many components they have.

    - ``same``: canonical isomeric SMILES agree.
    - ``stereo_left_out``: the same constitution; the answer states less, and nothing that contradicts the target.
    - ``stereo_added``: the other way round: the answer states more than the target does.
    - ``other_stereoisomer``: the same constitution; the answer contradicts the target. Isotopes count as stereo does.
    - ``regioisomer``: one group of a single molecule has moved to another atom of the same element and aromaticity.
    - ``other_site``: one group has moved to another kind of atom, such as from N to O.
    - ``other_isomer``: the same formula; also mixtures of the same formula.
    - ``other``: anything else.

    Raises:
        ChemistryError: One cannot be read.
    """
    left, right = canonicalize(answer), canonicalize(target)
    if left == right:
        return "same"
    flat = canonicalize(left, stereo=False), canonicalize(right, stereo=False)
    if flat[0] == flat[1]:
        return _stereo_relation(left, right)
    if _formula(flat[0]) != _formula(flat[1]):
        return "other"
    return _moved(*flat)


def _stereo_relation(answer: str, target: str) -> Relation:
    said, wanted = parse(answer), parse(target)
    if wanted.HasSubstructMatch(said, useChirality=True):
        return "stereo_left_out"
    return "stereo_added" if said.HasSubstructMatch(wanted, useChirality=True) else "other_stereoisomer"


def _moved(answer: str, target: str) -> Relation:
    """Compare two constitutions of one formula by the pieces that a cut leaves; mixtures are not looked into."""
    if "." in answer or "." in target:
        return "other_isomer"
    said, wanted = _cuts(answer), _cuts(target)
    common = said.keys() & wanted.keys()
    if not common:
        return "other_isomer"
    return "regioisomer" if any(said[pieces] & wanted[pieces] for pieces in common) else "other_site"


@lru_cache(maxsize=4096)
def _cuts(canonical: str) -> Mapping[str, frozenset[_Ends]]:
    """Return the pieces that one cut leaves -> the ends of the bonds that leave them."""
    mol = parse(canonical)
    found: dict[str, set[_Ends]] = defaultdict(set)
    for bond in mol.GetBonds():
        if bond.GetBondType() == Chem.BondType.SINGLE and not bond.IsInRing():
            ends = (bond.GetBeginAtom(), bond.GetEndAtom())
            kinds = tuple(sorted((atom.GetAtomicNum(), atom.GetIsAromatic()) for atom in ends))
            found[_pieces(mol, *(atom.GetIdx() for atom in ends))].add(kinds)
    return {pieces: frozenset(ends) for pieces, ends in found.items()}


def _pieces(mol: Chem.Mol, begin: int, end: int) -> str:
    """Return the tautomer hashes of what is left where a single bond is cut and hydrogens take its place."""
    cut = Chem.RWMol(mol)
    cut.RemoveBond(begin, end)
    for index in (begin, end):
        atom = cut.GetAtomWithIdx(index)
        if atom.GetNoImplicit() or (atom.GetIsAromatic() and atom.GetAtomicNum() != 6):
            atom.SetNumExplicitHs(atom.GetNumExplicitHs() + 1)
    Chem.SanitizeMol(cut)
    fragments = Chem.GetMolFrags(cut, asMols=True)
    return ".".join(sorted(rdMolHash.MolHash(part, rdMolHash.HashFunction.HetAtomTautomer) for part in fragments))


def _formula(canonical: str) -> str:
    formula: str = rdMolDescriptors.CalcMolFormula(parse(canonical))
    return formula
