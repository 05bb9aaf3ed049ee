"""Who answers after a fine-tuning: what stays of a team, what goes, and how the choice is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from retort.errors import UsageError
from retort.inference.model_folder import DEFAULT_MODEL, ModelCard, ModelFolder, embedded_models
from retort.inference.reranking.reranker import Reranker
from retort.recipes.finetune_team import card_of, team_of

pytestmark = pytest.mark.skipif(DEFAULT_MODEL not in embedded_models(), reason="the embedded model is not built yet")


@pytest.fixture
def model() -> ModelFolder:
    return ModelFolder.open(DEFAULT_MODEL)


def changed(model: ModelFolder, **fields: object) -> ModelFolder:
    card: ModelCard = replace(model.card, **fields)  # type: ignore[arg-type]
    return ModelFolder(model.path, card)


def test_a_team_with_a_re_ranker_keeps_it_and_its_name(model: ModelFolder) -> None:
    team = team_of(model, "retrosynthesis")
    assert team.language_model == team.old == "language_model"
    assert team.names == model.card.tasks["retrosynthesis"].proposers
    assert (team.settings.augmentations, team.settings.uses_class) == (3, True)
    assert team.reranker is not None
    assert team.task(Path("seen"))["reranker"] == team.reranker
    assert not team.alone


def test_the_language_model_alone_goes_without_it(model: ModelFolder) -> None:
    team = team_of(model, "retrosynthesis").chosen(0.4, 0.5)
    assert team.asked == "language_model"
    told = team.task(Path("seen"), Path("fitted"))
    assert told["proposers"] == ("language_model",)
    assert told["on_request"] == ["retrosynthesis_templates"]
    assert "reranker" not in told
    assert told["calibration"] == Path("fitted")
    assert team.notes()[-1].endswith("language model alone 50.0 %: the language model alone answers.")
    equal = team_of(model, "retrosynthesis").chosen(0.5, 0.5)
    assert equal.asked is None
    assert "was not fitted anew" in equal.notes()[-1]


def test_a_language_model_that_other_tasks_ask_stays_beside_the_new_one(model: ModelFolder) -> None:
    team = team_of(model, "forward_prediction")
    assert (team.old, team.language_model) == ("language_model_once", "forward_prediction_language_model")
    assert team.alone
    assert team.chosen(0.1, 0.9) == team
    assert team.task(Path("seen"))["on_request"] == ["forward_templates"]


def test_a_task_that_another_proposer_answers_has_the_new_one_on_request(model: ModelFolder) -> None:
    team = team_of(model, "reagent_prediction").chosen(0.3, 0.2)
    told = team.task(Path("seen"))
    assert told["proposers"] == ("reagent_sets",)
    assert told["on_request"] == ["reagent_prediction_language_model"]
    assert team.chosen(0.2, 0.3).task(Path("seen"))["proposers"] == ("reagent_prediction_language_model",)


def test_a_task_that_the_model_does_not_know_gets_the_language_model(model: ModelFolder) -> None:
    team = team_of(model, "solvent_prediction")
    assert team.names == ("solvent_prediction_language_model",)
    assert team.seen is None


def test_a_re_ranker_whose_columns_ask_the_old_model_is_left_out(model: ModelFolder, tmp_path: Path) -> None:
    entry = model.card.tasks["retrosynthesis"]
    assert entry.reranker is not None
    found = Reranker.load(model.file(entry.reranker))
    other = replace(found, meta=replace(found.meta, weights_sha256={"language_model": "0" * 64}))
    other.save(tmp_path / "rerankers" / "retrosynthesis.npz")
    from retort.models.checkpoint import file_sha256

    files = {entry.reranker: file_sha256(tmp_path / entry.reranker)}
    tasks = {"retrosynthesis": replace(entry, seen=None)}
    team = team_of(ModelFolder(tmp_path, replace(model.card, files=files, tasks=tasks)), "retrosynthesis")
    assert team.reranker is None
    assert team.notes() == ("The re-ranker of the model was fitted to the language model before, so it is left out.",)


def test_a_model_without_a_language_model_cannot_be_tuned(model: ModelFolder) -> None:
    kept = {name: entry for name, entry in model.card.proposers.items() if entry.kind != "language_model"}
    tasks = {name: replace(entry, proposers=(), on_request=()) for name, entry in model.card.tasks.items()}
    with pytest.raises(UsageError, match="no language model to fine-tune"):
        team_of(changed(model, proposers=kept, tasks=tasks), "retrosynthesis")


def test_the_card_drops_the_figures_of_the_model_before() -> None:
    card = card_of(DEFAULT_MODEL, "retrosynthesis", "mine.csv", [], None, "mine", "a table")
    assert len(card["without"]) > 10
    assert card["unsure"] == ["retrosynthesis"]
    assert card["introduction"].startswith("mine is retort-base with a language model that was fine-tuned")
    assert card["sections"] == {"Before and after": "a table"}
