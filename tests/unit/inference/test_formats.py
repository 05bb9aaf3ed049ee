"""How predictions are written: JSON, CSV, tables, pictures."""

import csv
import io
import json
import xml.etree.ElementTree as ET

import pytest
from rich.console import Console

from retort.chem.reaction import Reaction
from retort.inference.formats import PICTURED, as_reaction, csv_header, csv_rows, json_lines, panels, picture, table
from retort.inference.prediction import Candidate, Prediction

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
