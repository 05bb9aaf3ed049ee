"""Molecular formulas: counted, never predicted."""

from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from retort.chem.smiles import parse


def molecular_formula(smiles: str) -> str:
    """Return the formula of all components together in Hill's order (carbon, hydrogen, then by letter), with charge.

    Raises:
        ChemistryError: The molecules cannot be read.
    """
    return str(CalcMolFormula(parse(smiles)))
