"""Pictures of molecules and reactions, as SVG text or PNG bytes.

A picture is a column of panels; each shows molecules or a whole reaction with its arrow, and a line of text below.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rdkit import Chem
from rdkit.Chem import rdChemReactions
from rdkit.Chem.Draw import rdMolDraw2D
from rdkit.Geometry import Point2D

from retort.chem.reaction import Reaction
from retort.chem.smiles import parse, strip_maps
from retort.errors import ChemistryError

Kind = Literal["svg", "png"]
WIDTH, HEIGHT = 900, 220  # of one panel, in pixels
_MARGIN = 26  # for the line of text below a panel
_FAINT = 0.05  # of the greatest mark; below it an atom keeps its colour
_BOND = 28.0  # greatest length of a bond in pixels, so that small molecules are not blown up


@dataclass(frozen=True, slots=True)
class Panel:
    """One part of a picture.

    Attributes:
        smiles: Components joined by ``.``, or a reaction ``reactants>reagents>products``.
        text: One line of plain words below the drawing; may be empty. (RDKit breaks lines that look like SMILES.)
    """

    smiles: str
    text: str = ""


def draw(panels: Sequence[Panel], kind: Kind = "svg", *, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """Draw panels below one another.

    Args:
        panels: At least one.
        kind: ``svg`` (UTF-8 text) or ``png``.
        width: Of the picture, in pixels.
        height: Of each panel, in pixels.

    Raises:
        ChemistryError: A panel cannot be read, or there is none.
    """
    if not panels:
        raise ChemistryError("there is nothing to draw.")
    drawer_class = rdMolDraw2D.MolDraw2DSVG if kind == "svg" else rdMolDraw2D.MolDraw2DCairo
    margin = _MARGIN if any(panel.text for panel in panels) else 0
    drawer = drawer_class(width, height * len(panels), width, height - margin)
    options: Any = drawer.drawOptions()
    options.fixedBondLength = _BOND
    for row, panel in enumerate(panels):
        drawer.SetOffset(0, row * height)
        _draw_panel(drawer, panel)
        options.clearBackground = False  # the first panel has cleared the whole picture
        if panel.text:
            drawer.SetFontSize(15)
            drawer.DrawString(panel.text, Point2D(width / 2, (row + 1) * height - _MARGIN / 2), rawCoords=True)
    drawer.FinishDrawing()
    drawing: str | bytes = drawer.GetDrawingText()
    return drawing.replace("iso-8859-1", "UTF-8", 1).encode() if isinstance(drawing, str) else drawing


def draw_marked(smiles: str, marks: Sequence[float], *, width: int = 420, height: int = HEIGHT) -> bytes:
    """Draw molecules as SVG with their atoms coloured: red where a mark is positive, blue where it is negative.

    Args:
        smiles: Components joined by ``.``.
        marks: One per atom in the order of the text; the largest, of either sign, has the full colour.
        width: In pixels.
        height: In pixels.

    Raises:
        ChemistryError: The text cannot be read, or the marks are not one per atom.
    """
    molecule = parse(smiles)
    if molecule.GetNumAtoms() != len(marks):
        raise ChemistryError(f"{len(marks)} marks do not fit the {molecule.GetNumAtoms()} atoms of {smiles!r}.")
    greatest = max((abs(mark) for mark in marks), default=0.0) or 1.0
    colours = {atom: _shade(mark / greatest) for atom, mark in enumerate(marks) if abs(mark) > _FAINT * greatest}
    drawer = rdMolDraw2D.MolDraw2DSVG(width, height)
    options: Any = drawer.drawOptions()
    options.fixedBondLength = _BOND
    prepared = rdMolDraw2D.PrepareMolForDrawing(molecule, kekulize=True)
    drawer.DrawMolecule(prepared, highlightAtoms=list(colours), highlightBonds=[], highlightAtomColors=colours)
    drawer.FinishDrawing()
    return drawer.GetDrawingText().replace("iso-8859-1", "UTF-8", 1).encode()


def _shade(mark: float) -> tuple[float, float, float]:
    """Return a colour from white to red for 0..1, to blue for 0..-1; red, green and blue in 0..1."""
    rest = 1 - 0.75 * abs(mark)
    return (1.0, rest, rest) if mark > 0 else (rest, rest, 1.0)


def _draw_panel(drawer: rdMolDraw2D.MolDraw2D, panel: Panel) -> None:
    if ">" not in panel.smiles.replace("->", ""):
        drawer.DrawMolecule(rdMolDraw2D.PrepareMolForDrawing(parse(strip_maps(panel.smiles))))
        return
    drawer.DrawReaction(_reaction(panel.smiles))


def _reaction(text: str) -> rdChemReactions.ChemicalReaction:
    roles = Reaction.parse(text)
    if not roles.reactants or not roles.products:  # RDKit crashes on a reaction without any molecule
        raise ChemistryError(f"cannot draw {text!r}: a side of the reaction is empty.")
    reaction = rdChemReactions.ChemicalReaction()
    for smiles in roles.reactants:
        reaction.AddReactantTemplate(_template(smiles))
    for smiles in roles.reagents:
        reaction.AddAgentTemplate(_template(smiles))
    for smiles in roles.products:
        reaction.AddProductTemplate(_template(smiles))
    return reaction


def _template(smiles: str) -> Chem.Mol:
    return rdMolDraw2D.PrepareMolForDrawing(parse(strip_maps(smiles)))
