"""How a molecule differs from another one that it should be: in stereochemistry, in where a group sits, or altogether.

Two molecules of one constitution are compared by their stereo marks. Two of one formula are compared by whether a
group has moved or two have changed places, such as chlorine and amine after a substitution at the other end of a
dichloropyrimidine: one acyclic single bond, or else two, are cut in each molecule, the ends are filled with hydrogen,
and the pieces are the same. (Two are cut where at most 80 can be.) Pieces are compared without stereo and with mobile
hydrogens (RDKit's tautomer hash), so that the two N-methylations of a pyrazole are seen. Cutting names no reaction:
what is farther away, and every ring that is closed otherwise, is merely an isomer.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations
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
_MOST = 80  # bonds whose pairs are cut; a second of work
_Ends = tuple[tuple[tuple[int, bool], ...], ...]  # element and aromaticity of the ends of each cut bond, sorted


def relation(answer: str, target: str) -> Relation:
    """Return how an answer stands to a target; both are read as wholes, however many components they have.

    - ``same``: canonical isomeric SMILES agree.
    - ``stereo_left_out``: the same constitution; the answer states less, and nothing that contradicts the target.
    - ``stereo_added``: the other way round: the answer states more than the target does.
    - ``other_stereoisomer``: the same constitution; the answer contradicts the target. Isotopes count as stereo does.
    - ``regioisomer``: in a single molecule a group has moved to another atom of the same element and aromaticity, or
      two groups have changed places.
    - ``other_site``: a group has moved to another kind of atom, such as from N to O.
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
    for bonds in (1, 2):
        said, wanted = _cuts(answer, bonds), _cuts(target, bonds)
        common = said.keys() & wanted.keys()
        if common:
            return "regioisomer" if any(said[pieces] & wanted[pieces] for pieces in common) else "other_site"
    return "other_isomer"


@lru_cache(maxsize=4096)
def _cuts(canonical: str, bonds: int) -> Mapping[str, frozenset[_Ends]]:
    """Return the pieces that cuts of one or two bonds leave -> the ends of the bonds whose cuts leave them."""
    mol = parse(canonical)
    single = [b for b in mol.GetBonds() if b.GetBondType() == Chem.BondType.SINGLE and not b.IsInRing()]
    found: dict[str, set[_Ends]] = defaultdict(set)
    for cut in combinations(single if bonds == 1 or len(single) <= _MOST else (), bonds):
        found[_pieces(mol, cut)].add(tuple(sorted(_kinds(bond) for bond in cut)))
    return {pieces: frozenset(ends) for pieces, ends in found.items()}


def _kinds(bond: Chem.Bond) -> tuple[tuple[int, bool], ...]:
    ends = (bond.GetBeginAtom(), bond.GetEndAtom())
    return tuple(sorted((atom.GetAtomicNum(), atom.GetIsAromatic()) for atom in ends))


def _pieces(mol: Chem.Mol, cut: Sequence[Chem.Bond]) -> str:
    """Return the tautomer hashes of what is left where single bonds are cut and hydrogens take their place."""
    left = Chem.RWMol(mol)
    for ends in [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in cut]:
        left.RemoveBond(*ends)
        for atom in map(left.GetAtomWithIdx, ends):
            if atom.GetNoImplicit() or (atom.GetIsAromatic() and atom.GetAtomicNum() != 6):
                atom.SetNumExplicitHs(atom.GetNumExplicitHs() + 1)
    Chem.SanitizeMol(left)
    fragments = Chem.GetMolFrags(left, asMols=True)
    return ".".join(sorted(rdMolHash.MolHash(part, rdMolHash.HashFunction.HetAtomTautomer) for part in fragments))


def _formula(canonical: str) -> str:
    formula: str = rdMolDescriptors.CalcMolFormula(parse(canonical))
    return formula
