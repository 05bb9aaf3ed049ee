"""Pictures: the right kind of file, one panel each, everything drawn."""

import struct
import xml.etree.ElementTree as ET

import pytest

from retort.chem.depict import HEIGHT, WIDTH, Panel, draw, draw_marked
from retort.errors import ChemistryError

REACTION = "CC(=O)Cl.Nc1ccc(O)cc1>CCN(CC)CC>CC(=O)Nc1ccc(O)cc1"


def classes(svg: bytes) -> set[str]:
    """Return the classes of all strokes: RDKit names bonds and atoms in them."""
    return {name for element in ET.fromstring(svg).iter() for name in element.get("class", "").split()}


def test_svg_is_well_formed_and_as_large_as_its_panels() -> None:
    root = ET.fromstring(draw([Panel("CCO", "one"), Panel(REACTION, "two")]))
    assert root.get("width") == f"{WIDTH}px"
    assert root.get("height") == f"{2 * HEIGHT}px"


def test_png_is_as_large_as_its_panels() -> None:
    data = draw([Panel("CCO")] * 3, "png", width=300, height=100)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (300, 300)


def test_every_atom_of_every_panel_is_drawn() -> None:
    assert {"atom-0", "atom-1", "atom-2", "bond-0", "bond-1"} <= classes(draw([Panel("CCO")]))
    one, two = (len(draw([Panel("CCO")] * n)) for n in (1, 2))
    assert two > one


def test_a_reaction_shows_more_than_its_product() -> None:
    product = draw([Panel(REACTION.rpartition(">")[2])])
    assert len(draw([Panel(REACTION)])) > 2 * len(product)


def test_text_below_a_panel_is_drawn() -> None:
    assert len(draw([Panel("CCO", "score -0.12")])) > len(draw([Panel("CCO")]))


def test_atom_maps_are_not_drawn() -> None:
    assert draw([Panel("[CH3:1][OH:2]")]) == draw([Panel("CO")])


@pytest.mark.parametrize("smiles", ["C1CC", "", "C.C1", "CC>>C1", ">>", "a>b"])
def test_what_cannot_be_read_is_not_drawn(smiles: str) -> None:
    with pytest.raises(ChemistryError):
        draw([Panel(smiles)])


def test_nothing_is_not_drawn() -> None:
    with pytest.raises(ChemistryError, match="nothing to draw"):
        draw([])


def test_marked_atoms_are_coloured_by_sign() -> None:
    plain = draw_marked("CCO", [0.0, 0.0, 0.0]).decode()
    marked = draw_marked("CCO", [0.0, -2.0, 4.0]).decode()
    assert "FF3F3F" in marked  # the greatest mark: full red
    assert "9F9FFF" in marked  # half as much below 0: half blue
    assert "FF3F3F" not in plain
    with pytest.raises(ChemistryError, match="2 marks do not fit the 3 atoms"):
        draw_marked("CCO", [1.0, 2.0])
