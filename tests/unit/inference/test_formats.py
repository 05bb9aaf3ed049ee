"""How predictions are written: JSON, CSV, tables, pictures."""

import csv
import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from rich.console import Console

from retort.chem.reaction import Reaction
from retort.inference.formats import PICTURED, as_reaction, csv_header, csv_rows, json_lines, panels, picture, table
from retort.inference.prediction import Candidate, Precedent, Prediction, RoundTrip
from retort.inference.proposer import TypeRead

GIVEN = {
    "retrosynthesis": "CC(=O)NCc1ccccc1",
    "forward_prediction": "CC(=O)Cl.NCc1ccccc1>CCN(CC)CC",
    "reagent_prediction": "CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccccc1",
}


def prediction(task: str = "retrosynthesis", count: int = 2, **values: object) -> Prediction:
    candidates = tuple(Candidate(i, "C" * i, -0.123456789 * i, "template_ranker") for i in range(1, count + 1))
    defaults = {"query": 'q,"u"\nery', "status": "ok", "message": "A, b.", "model": "m", "given": GIVEN.get(task, "")}
    return Prediction(task=task, candidates=candidates, **{**defaults, **values})  # type: ignore[arg-type]


def test_json_lines_are_one_object_each() -> None:
    lines = json_lines([prediction(), prediction(count=0)]).splitlines()
    assert [len(json.loads(line)["candidates"]) for line in lines] == [2, 0]
    assert json.loads(lines[0])["candidates"][0]["score"] == -0.123457


def test_csv_reads_back_whatever_the_query_holds() -> None:
    text = csv_header("retrosynthesis") + csv_rows([prediction(), prediction(count=0, status="no_answer")])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["query"] for row in rows] == ['q,"u"\nery'] * 3
    assert [(row["rank"], row["smiles"], row["status"]) for row in rows] == [
        ("1", "C", "ok"),
        ("2", "CC", "ok"),
        ("", "", "no_answer"),
    ]


def test_a_table_takes_brackets_for_what_they_are() -> None:
    console = Console(file=io.StringIO(), width=100)
    odd = prediction(query="[bold]C", message="[red]no[/red]")
    console.print(table(odd))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[bold]C" in text
    assert "[red]no[/red]" in text


def sure() -> Prediction:
    candidates = (
        Candidate(1, "C", -0.5, "template_ranker", 0.4567),
        Candidate(2, "CC", -0.7, "template_ranker", 0.0),
        Candidate(3, "CCC", -0.9, "template_ranker"),
    )
    return Prediction("retrosynthesis", "CCO", "ok", "", "m", candidates, GIVEN["retrosynthesis"])


def test_confidence_is_shown_as_a_percentage_and_nothing_where_there_is_none() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(table(sure()))
    rows = [line.split() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert rows[2:5] == [
        ["1", "C", "-0.500", "45.7", "%", "template_ranker"],
        ["2", "CC", "-0.700", "0.0", "%", "template_ranker"],
        ["3", "CCC", "-0.900", "template_ranker"],
    ]
    assert "confidence 45.7 %" in panels(sure())[1].text
    assert "confidence" not in panels(sure())[3].text


def test_confidence_is_a_plain_number_in_files() -> None:
    (line,) = json_lines([sure()]).splitlines()
    assert [c["confidence"] for c in json.loads(line)["candidates"]] == [0.4567, 0.0, None]
    rows = csv.DictReader(io.StringIO(csv_header("retrosynthesis") + csv_rows([sure()])))
    assert [row["confidence"] for row in rows] == ["0.4567", "0.0", ""]


@pytest.mark.parametrize("task", sorted(GIVEN))
def test_question_and_answer_make_a_whole_reaction(task: str) -> None:
    reaction = Reaction.parse(as_reaction(task, GIVEN[task], "CCO"))
    wanted = {
        "retrosynthesis": reaction.reactants,
        "forward_prediction": reaction.products,
        "reagent_prediction": reaction.reagents,
    }
    assert wanted[task] == ("CCO",)
    assert reaction.reactants
    assert reaction.products


@pytest.mark.parametrize("task", sorted(GIVEN))
def test_a_picture_shows_the_query_and_the_first_candidates(task: str) -> None:
    shown = panels(prediction(task, count=8))
    assert next(panel.text.split() for panel in shown[1:]) == ["1", "score", "-0.123", "template_ranker"]
    assert len(shown) == 1 + PICTURED
    assert ET.fromstring(picture(prediction(task, count=8))).tag.endswith("svg")


def test_words_are_not_drawn_and_long_texts_are_shortened() -> None:
    asked = prediction("name_conversion", given="<text>aspirin</text>")
    assert [panel.smiles for panel in panels(asked)] == ["C", "CC"]
    assert panels(prediction("name_conversion", count=0, status="no_answer", given="<text>aspirin</text>")) == []
    told = Candidate(1, "", -0.5, "nearest_molecule", text="The molecule is " + "a long story " * 20)
    query, answer = panels(Prediction("molecule_captioning", "CCO", "ok", "", "m", (told,), "CCO"))
    assert query.smiles == answer.smiles == "CCO"
    assert "[...]" in answer.text
    assert len(answer.text) < 120


def test_a_query_without_answers_is_drawn_with_its_status() -> None:
    (panel,) = panels(prediction(count=0, status="no_answer"))
    assert (panel.smiles, panel.text) == (GIVEN["retrosynthesis"], "no answer")


TRIP, KNOWN = RoundTrip("oracle", 2, 10, exact=False), Precedent("CC.O>>CCO", 0.912, "US [1]")
READ = TypeRead(3, "", 0.9)


def explained() -> Prediction:
    full = Candidate(
        1, "CC.O", -0.1, "p", 0.7, READ, round_trip=TRIP, precedents=(KNOWN,), in_stock={"O": True, "CC": False}
    )
    never = Candidate(2, "C", -0.1, "p", round_trip=RoundTrip("oracle", None, 7, exact=False), in_stock={"C": True})
    return replace(prediction(count=0), candidates=(full, never, Candidate(3, "CCC", -3.0, "p", in_stock={})))


def printed(shown: Prediction, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(table(shown))
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_an_explained_table_has_a_column_per_part() -> None:
    text = printed(explained())
    first, second, third = (line for line in text.splitlines() if line.strip()[:1] in "123" and "p" in line.split())
    for shown in ("3 90 %", "rank 2, stereo differs", "1 of 2", "0.91"):
        assert shown in first
    assert "not in 7" in second
    assert "1 of 1" in second
    assert "no answer" in third
    assert "US [1]" in text
    assert "CC.O>>CCO" in text
    assert "Round trip: the place at which oracle comes back to the query." in text
    assert "score" not in text


def test_a_plain_table_has_none() -> None:
    text = printed(prediction())
    assert "score" in text
    assert not any(word in text for word in ("round trip", "in stock", "nearest", "type"))


def test_csv_has_columns_for_the_parts_that_were_asked_for() -> None:
    parts = ("reaction_type", "round_trip", "precedents", "in_stock", "distance")
    text = csv_header("retrosynthesis", parts) + csv_rows([explained(), prediction(count=0)], parts)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["round_trip"] for row in rows] == ["2", "none", "", ""]
    assert [row["in_stock"] for row in rows] == ["false", "true", "true", ""]
    assert (rows[0]["precedent"], rows[0]["similarity"], rows[0]["precedent_id"]) == ("CC.O>>CCO", "0.912", "US [1]")
    assert (rows[0]["reaction_type"], rows[0]["type_probability"]) == ("3", "0.9")
    assert None not in rows[-1]
    assert None not in rows[-1].values()


@pytest.mark.parametrize("task", ["yield_prediction", "retrosynthesis", "reaction_classification"])
def test_rows_without_an_answer_are_as_wide_as_the_header(task: str) -> None:
    bad = Prediction(task, "C1CC", "invalid_input", "m", "m")
    for parts in ((), ("round_trip", "precedents")):
        assert csv_rows([bad], parts).count(",") == csv_header(task, parts).count(",")  # type: ignore[arg-type]


def test_json_holds_evidence_and_stock_only_where_one_was_given() -> None:
    (line,) = json_lines([explained()]).splitlines()
    first = json.loads(line)["candidates"][0]
    assert first["round_trip"] == {"oracle": "oracle", "rank": 2, "answers": 10, "exact": False}
    assert first["precedents"] == [{"reaction": "CC.O>>CCO", "similarity": 0.912, "id": "US [1]"}]
    assert first["in_stock"] == {"O": True, "CC": False}
    assert "in_stock" not in json.loads(json_lines([prediction()]))["candidates"][0]


@pytest.mark.parametrize(
    ("task", "answer", "reaction"),
    [
        ("solvent_prediction", "CCO", "CC(=O)Cl.NCc1ccccc1>CCO>CC(=O)NCc1ccccc1"),
        ("condition_recommendation", "[Pd]>CCO>", "CC(=O)Cl.NCc1ccccc1>[Pd].CCO>CC(=O)NCc1ccccc1"),
    ],
)
def test_conditions_stand_between_the_sides(task: str, answer: str, reaction: str) -> None:
    assert as_reaction(task, GIVEN["reagent_prediction"], answer) == reaction
