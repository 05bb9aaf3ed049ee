"""The proposers that learn nothing, on a handful of rows."""

import math
from pathlib import Path

import numpy as np
import pytest

from retort.chem.templates import NoTemplate, extract_template
from retort.errors import DataError, ModelError
from retort.inference.proposers.nearest_reaction import NearestReaction
from retort.inference.proposers.nearest_template import NearestTemplate
from retort.inference.proposers.popularity import Popularity
from retort.inference.training_answers import KINDS, Kind, TrainingAnswers
from retort.prompting.task import Question

AMIDE = "CC(=O)Cl.NCc1ccccc1>>CC(=O)NCc1ccccc1"
SUZUKI = "OB(O)c1ccccc1.Brc1ccncc1>>c1ccc(-c2ccncc2)cc1"
ETHER = "CCBr.Oc1ccccc1>>CCOc1ccccc1"
ROWS = [(SUZUKI, "O"), (AMIDE, "CCN(CC)CC.ClCCl"), (ETHER, "CC(C)=O"), (AMIDE, "O")]
MAPPED = {
    "CCC(=O)NCc1ccccc1": "[CH3:1][CH2:2][C:3](=[O:4])O.[NH2:5][CH2:6][c:7]1[cH:8][cH:9][cH:10][cH:11][cH:12]1"
    ">>[CH3:1][CH2:2][C:3](=[O:4])[NH:5][CH2:6][c:7]1[cH:8][cH:9][cH:10][cH:11][cH:12]1",
    "CCOc1ccccc1": "[CH3:1][CH2:2]Br.[OH:3][c:4]1[cH:5][cH:6][cH:7][cH:8][cH:9]1"
    ">>[CH3:1][CH2:2][O:3][c:4]1[cH:5][cH:6][cH:7][cH:8][cH:9]1",
}


def ask(given: str) -> Question:
    return Question("reagent_prediction", given)


def gathered(kind: Kind) -> TrainingAnswers:
    return TrainingAnswers.gather(kind, "reagent_prediction", ROWS)


def templates(task: str = "retrosynthesis") -> TrainingAnswers:
    pairs = []
    for product, mapped in MAPPED.items():
        found = extract_template(mapped)
        assert not isinstance(found, NoTemplate)
        pairs.append((product, found))
    return TrainingAnswers.gather("nearest_template", task, pairs)


def test_popularity_gives_everybody_the_most_frequent_answers() -> None:
    first, second = Popularity(gathered("popularity")).propose([ask(AMIDE), ask("nonsense")], 2)
    assert first == second
    assert [c.smiles for c in first.candidates] == ["O", "CC(C)=O"]
    assert [c.score for c in first.candidates] == [math.log(2 / 4), math.log(1 / 4)]
    assert {c.proposer for c in first.candidates} == {"popularity"}


def test_the_nearest_words_and_molecules_answer_by_the_same_rule() -> None:
    rows = [("<text>butan-1-ol</text>", "CCCCO"), ("<text>pyridine</text>", "c1ccncc1")]
    words = NearestReaction(TrainingAnswers.gather("nearest_text", "name_conversion", rows), "nearest_text")
    near, exact = words.propose(
        [Question("name_conversion", f"<text>{name}</text>") for name in ("butan-2-ol", "PYRIDINE")], 2
    )
    assert [c.smiles for c in near.candidates] == ["CCCCO"]  # what shares no three letters is not near
    assert exact.candidates[0].score == 0.0  # capital letters do not matter
    told = [("CCO", "The molecule is an alcohol."), ("CCN", "The molecule is an amine.")]
    molecules = NearestReaction(TrainingAnswers.gather("nearest_molecule", "molecule_captioning", told))
    (found,) = molecules.propose([Question("molecule_captioning", "CCCO")], 1)
    assert found.candidates[0].text == "The molecule is an alcohol."
    assert found.candidates[0].smiles == ""


def test_the_nearest_reaction_answers_first_and_each_answer_once() -> None:
    near = "CC(=O)Cl.NCc1ccc(F)cc1>>CC(=O)NCc1ccc(F)cc1"
    (found,) = NearestReaction(gathered("nearest_reaction")).propose([ask(near)], 5)
    assert [c.smiles for c in found.candidates] == ["CCN(CC)CC.ClCCl", "O", "CC(C)=O"]
    scores = [c.score for c in found.candidates]
    assert 0 > scores[0] == scores[1] > scores[2]


def test_a_known_question_has_the_score_of_no_distance() -> None:
    (found,) = NearestReaction(gathered("nearest_reaction")).propose([ask(ETHER)], 1)
    assert [(c.smiles, c.score) for c in found.candidates] == [("CC(C)=O", 0.0)]


def test_templates_of_the_nearest_rows_are_applied_in_order() -> None:
    product = "CCOc1ccc(CNC(=O)CC)cc1"  # has both an amide and an ether, and is more like the amide
    (found,) = NearestTemplate(templates()).propose([Question("retrosynthesis", product)], 10)
    assert [c.smiles for c in found.candidates] == ["CCC(=O)O.CCOc1ccc(CN)cc1", "CCBr.CCC(=O)NCc1ccc(O)cc1"]
    scores = [c.score for c in found.candidates]
    assert scores == sorted(scores, reverse=True)
    (first,) = NearestTemplate(templates()).propose([Question("retrosynthesis", product)], 1)
    assert first.candidates == found.candidates[:1]


def test_templates_work_forwards_too() -> None:
    (found,) = NearestTemplate(templates("forward_prediction")).propose(
        [Question("forward_prediction", "CCBr.Oc1ccc(F)cc1")], 3
    )
    assert [c.smiles for c in found.candidates] == ["CCOc1ccc(F)cc1"]


@pytest.mark.parametrize("proposer", [NearestReaction(gathered("nearest_reaction")), NearestTemplate(templates())])
def test_an_unreadable_question_is_counted(proposer: NearestReaction | NearestTemplate) -> None:
    (found,) = proposer.propose([Question("retrosynthesis", "C1CC")], 3)
    assert (found.candidates, found.unreadable) == ((), {"unreadable query": 1})


def test_templates_do_not_answer_reagents() -> None:
    with pytest.raises(ModelError, match="reagent_prediction"):
        NearestTemplate(templates("reagent_prediction"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_reads_back(kind: Kind, tmp_path: Path) -> None:
    saved = gathered(kind)
    saved.save(tmp_path / "a.npz")
    found = TrainingAnswers.load(tmp_path / "a.npz", kind)
    assert (found.task, found.rows, found.texts) == (saved.task, saved.rows, saved.texts)
    for name in ("counts", "which", "bits"):
        assert np.array_equal(getattr(found, name), getattr(saved, name))


def test_the_file_of_another_baseline_is_refused(tmp_path: Path) -> None:
    gathered("popularity").save(tmp_path / "a.npz")
    with pytest.raises(ModelError, match="serves the baseline popularity, not nearest_reaction"):
        NearestReaction.load(tmp_path / "a.npz")


@pytest.mark.parametrize("damage", ["missing", "text", "short", "index"])
def test_a_damaged_file_is_a_model_error(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    gathered("nearest_reaction").save(path)
    if damage == "missing":
        path.unlink()
    elif damage == "text":
        path.write_text("no archive")
    else:
        with np.load(path) as arrays:
            kept = dict(arrays)
        kept["bits"] = kept["bits"][1:] if damage == "short" else kept["bits"]
        kept["which"] = kept["which"] + 99 if damage == "index" else kept["which"]
        np.savez(path, **kept)
    with pytest.raises(ModelError, match="cannot read the baseline"):
        NearestReaction.load(path)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_needed(kind: Kind) -> None:
    with pytest.raises(DataError, match="no training rows"):
        TrainingAnswers.gather(kind, "reagent_prediction", [])
