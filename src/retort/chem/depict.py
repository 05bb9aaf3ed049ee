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
    drawer = drawer_class(width, height * len(panels), width, height - _MARGIN)
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
