"""What a notebook shows: well-formed, drawn, escaped, without anything from outside."""

import xml.etree.ElementTree as ET

import pytest

from retort.inference.display import SHOWN, page
from retort.inference.formats import PICTURED
from retort.inference.prediction import Candidate, Precedent, Prediction, Predictions, RoundTrip

SVG = "{http://www.w3.org/2000/svg}svg"


def answer(count: int = 2, **evidence: object) -> Prediction:
    candidates = tuple(Candidate(i, "CC(=O)Cl.N", -i, "p", 0.5 / i, **evidence) for i in range(1, count + 1))  # type: ignore[arg-type]
    return Prediction("retrosynthesis", "CC(N)=O", "ok", "A <b>message</b>.", "m", candidates, "CC(N)=O")


def parsed(html: str) -> ET.Element:
    return ET.fromstring(f"<html>{html.replace('&nbsp;', ' ').replace('<br>', '')}</html>")


def test_query_and_candidates_are_drawn() -> None:
    tree = parsed(answer()._repr_html_())
    assert len(list(tree.iter(SVG))) == 1 + 2 * 2  # the query, and two molecules of each candidate
    assert len(list(tree.iter("tr"))) == 3
    assert "50.0 %" in "".join(tree.itertext())
    assert "A <b>message</b>." in "".join(tree.itertext())


def test_only_the_first_candidates_are_drawn_and_all_are_listed() -> None:
    tree = parsed(answer(PICTURED + 3)._repr_html_())
    assert len(list(tree.iter(SVG))) == 1 + 2 * PICTURED
    assert len(list(tree.iter("tr"))) == 1 + PICTURED + 3


def test_evidence_is_shown() -> None:
    trip, known = RoundTrip("o", 2, 10, exact=True), (Precedent("CC(=O)Cl.N>>CC(N)=O", 0.91, "US <1>"),)
    tree = parsed(answer(1, round_trip=trip, precedents=known, in_stock={"N": True, "CC(=O)Cl": False})._repr_html_())
    text = "".join(tree.itertext())
    for shown in ("round trip", "rank 2", "in stock", "1 of 2", "0.91 US <1>"):
        assert shown in text
    assert len(list(tree.iter(SVG))) == 1 + 2 + 1


@pytest.mark.parametrize("status", ["invalid_input", "no_answer"])
def test_a_query_without_an_answer_says_why(status: str) -> None:
    bad = Prediction("retrosynthesis", "<script>alert(1)</script>", status, "cannot read.", "m")  # type: ignore[arg-type]
    html = bad._repr_html_()
    assert "<script" not in html
    assert status.replace("_", " ") in html
    assert list(parsed(html).iter(SVG)) == []


def test_of_many_the_first_are_shown_and_the_rest_is_counted() -> None:
    html = Predictions([answer(1)] * (SHOWN + 2))._repr_html_()
    assert html.count("A &lt;b&gt;message") == SHOWN
    assert "and 2 more" in html
    assert page([]) == ""


def test_nothing_is_fetched() -> None:
    html = answer()._repr_html_()
    assert "<script" not in html
    assert "src=" not in html
    assert "<?xml" not in html
