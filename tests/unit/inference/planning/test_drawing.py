"""A drawing holds every molecule of a route, frames what is in stock, and is well-formed."""

from xml.etree import ElementTree as ET

from retort.inference.planning.drawing import WIDTH, draw_route, lines_above, lines_below
from retort.inference.planning.explaining import Note, Notes
from retort.inference.planning.routes import Molecule, Route, Step
from retort.inference.prediction import Candidate, RoundTrip

SVG = "{http://www.w3.org/2000/svg}"
MANY = Candidate(1, "CN.CN.O=C(O)CC(=O)O", -1.0, "language_model", 0.42)
AMINE = Molecule("CN", in_stock=True)
STEP = Step("CNC(=O)CC(=O)NC", MANY, (AMINE, AMINE, Molecule("O=C(O)CC(=O)O", in_stock=False)))
ROUTE = Route(Molecule("CNC(=O)CC(=O)NC", False, STEP))
NOTE = Note("2 acylation & <related>", 0.9, (Candidate(1, "CCN(CC)CC", 0.0, "x"),), RoundTrip("judge", 2, 5, False))


def drawn(route: Route, notes: Notes | None = None) -> ET.Element:
    return ET.fromstring(draw_route(route, notes))


def texts(picture: ET.Element) -> list[str]:
    return [element[-1].tail or "" for element in picture.findall(f"{SVG}text")]


def test_every_molecule_stands_once_in_its_frame() -> None:
    boxes = drawn(ROUTE).findall(f"{SVG}g")
    assert [box.findtext(f"{SVG}title") for box in boxes] == ["CNC(=O)CC(=O)NC", "CN", "O=C(O)CC(=O)O"]
    colours = [box.findall(f"{SVG}rect")[-1].get("stroke") for box in boxes]
    assert colours[1] not in (colours[0], colours[2])
    assert colours[0] == colours[2]
    assert all(box.find(f"{SVG}svg") is not None for box in boxes)


def test_the_target_stands_left_and_in_the_middle() -> None:
    frames = [box.findall(f"{SVG}rect")[-1] for box in drawn(ROUTE).findall(f"{SVG}g")]
    places = [(float(frame.get("x", "")), float(frame.get("y", ""))) for frame in frames]
    assert places[0][0] + WIDTH < places[1][0] == places[2][0]
    assert places[0][1] == (places[1][1] + places[2][1]) / 2


def test_what_is_known_of_a_step_is_written_beside_it() -> None:
    assert texts(drawn(ROUTE)) == ["confidence 42 %, language_model"]
    assert texts(drawn(ROUTE, Notes({STEP.reaction: NOTE}))) == [
        "confidence 42 %, language_model",
        "2 acylation & <related>",
        "with CCN(CC)CC",
        "round trip: rank 2, stereo differs",
    ]


def test_lines_say_what_was_not_found() -> None:
    assert lines_below(Note(conditions=(), round_trip=RoundTrip("judge", None, 5, False))) == [
        "conditions unknown",
        "round trip: not in 5",
    ]
    assert lines_below(Note(conditions=(Candidate(1, "", 0.0, "x"),))) == ["with no reagent"]
    assert lines_below(Note()) == []
    bare = Step("C", Candidate(1, "C", -0.5, "x"), (AMINE,))
    assert lines_above(bare, Note()) == ["score -0.50, x"]


def test_a_bought_target_is_one_box() -> None:
    picture = drawn(Route(AMINE))
    assert len(picture.findall(f"{SVG}g")) == 1
    assert picture.findall(f"{SVG}polyline") == []
