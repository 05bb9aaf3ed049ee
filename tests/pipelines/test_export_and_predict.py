"""A checkpoint becomes a model folder that answers; one whose scores differ is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from retort.errors import ConfigError, ModelError
from retort.inference.predictor import Predictor
from retort.prompting.vocabulary import Vocabulary

torch = pytest.importorskip("torch", reason="needs the extra [train]")

from retort.inference.engines.transformers import TransformersEngine  # noqa: E402
from retort.models import checkpoint  # noqa: E402
from retort.models.backbone import BACKBONES, Seq2SeqConfig  # noqa: E402
from retort.recipes import export as exporting  # noqa: E402
from retort.recipes.export import export  # noqa: E402

VOCABULARY = Vocabulary.build(["C[C@H](N)O"] * 3)
TEXTS = (
    "<retrosynthesis>CC(=O)Nc1ccc(O)cc1",
    "<class_3>C[C@H](N)O.BrC%12>>Cl->[Fe]",
    "<reagent_prediction>C",
    "[Fe+2].F[Fe]F.[13CH3][C@@H](N)[C@H](O)[Xx9]",
    "O=C([O-])[O-].[K+].[K+]>C/C=C\\C",
)
PROVENANCE = {
    "config": {"prepared": "secret/place", "model": {"backbone": "t5"}, "training": {"seed": 1}},
    "metrics": {"loss": 1.0, "tasks": {"retrosynthesis": {}, "forward_prediction": {}}},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Save the checkpoint of a small random network whose answers end soon."""
    torch.manual_seed(5)
    card = Seq2SeqConfig(
        vocabulary_size=len(VOCABULARY), d_model=32, d_kv=16, d_ff=64, layers=1, decoder_layers=1, heads=2
    )
    network: Any = BACKBONES.get("t5").build(card)
    with torch.no_grad():
        network.shared.weight.mul_(0.1)
        network.shared.weight[VOCABULARY.eos_id].mul_(10.0)
    checkpoint.save(tmp_path / "run" / "final", network, VOCABULARY, PROVENANCE)
    return tmp_path / "run" / "final"


def test_an_exported_checkpoint_answers_the_tasks_it_learned(folder: Path) -> None:
    done = export(folder)
    assert done.folder == folder.with_name("final-ctranslate2")
    assert done.tasks == ("retrosynthesis", "forward_prediction")
    assert done.float32 < 1e-4
    assert done.int8 is not None
    predictor = Predictor.load(str(done.folder), augmentations=3)
    found = predictor.retrosynthesis("CC(=O)Nc1ccc(O)cc1")
    assert found.model == "final-ctranslate2"
    assert found.status in ("ok", "no_answer")
    assert all(c.proposer == "language_model" for c in found.candidates)
    assert sum(found.unreadable.values()) + len(found.candidates) >= 1
    assert predictor.reagent_prediction("CC>>CCO").message.startswith("not trained")


def test_the_card_keeps_provenance_but_no_paths(folder: Path) -> None:
    text = (export(folder).folder / "model.json").read_text()
    assert json.loads(text)["provenance"]["config"]["training"] == {"seed": 1}
    assert json.loads(text)["provenance"]["files"].keys() == {"model.safetensors", "config.json", "vocabulary.json"}
    assert "secret" not in text


def test_a_hugging_face_folder_scores_alike_and_has_its_tokenizer(folder: Path) -> None:
    from transformers import AutoTokenizer

    done = export(folder, "hf")
    assert done.float32 == 0.0
    assert done.int8 is None
    tokenizer = AutoTokenizer.from_pretrained(done.folder)
    assert len(tokenizer) == len(VOCABULARY)
    for text in TEXTS:
        assert tokenizer(text)["input_ids"] == VOCABULARY.encode(text)
        assert tokenizer.decode(VOCABULARY.encode(text), skip_special_tokens=False) == f"{text}</s>"
    assert Predictor.load(str(done.folder)).retrosynthesis("CCO").model == "final-hf"


def test_a_hugging_face_folder_answers_without_our_code_and_has_a_page(folder: Path) -> None:
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    done = export(folder, "hf")
    tokenizer = AutoTokenizer.from_pretrained(done.folder)
    network: Any = AutoModelForSeq2SeqLM.from_pretrained(done.folder)
    found = network.generate(**tokenizer("<retrosynthesis>CCO", return_tensors="pt"), num_beams=3, max_new_tokens=9)
    engine = TransformersEngine(folder, VOCABULARY)
    (ours,) = engine.generate([VOCABULARY.encode("<retrosynthesis>CCO")], beam_size=3, num_hypotheses=1, max_length=9)
    assert [i for i in found[0].tolist() if i not in (VOCABULARY.pad_id, VOCABULARY.eos_id)] == [*ours[0].tokens]
    page = (done.folder / "README.md").read_text()
    assert page.startswith("---\nlibrary_name: transformers\n")
    assert "retrosynthesis, forward-prediction]" in page
    assert "<retrosynthesis>CC(=O)NCc1ccccc1" in page
    assert "secret" not in page


def test_the_tokenizer_is_ours_on_published_molecules(data_root: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    from retort.data.records import RawRow
    from retort.data.source import SOURCES
    from retort.recipes.hub import write_tokenizer

    rows = [row.reaction for row in SOURCES.get("uspto_15k").read(data_root) if isinstance(row, RawRow)][::30]
    texts = [part for row in rows for part in row.split(">") if part]  # atom maps make every atom a rare one
    write_tokenizer(VOCABULARY, tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert len(texts) >= 1000
    assert [text for text in texts if tokenizer(text)["input_ids"] != VOCABULARY.encode(text)] == []


def test_scores_that_differ_are_refused_and_nothing_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "TOLERANCE", 1e-12)
    with pytest.raises(ModelError, match="refused: the float32 copy's scores deviate"):
        export(folder)
    assert [path.name for path in folder.parent.iterdir()] == ["final"]


def test_an_export_is_replaced_but_no_other_folder_is(folder: Path, tmp_path: Path) -> None:
    export(folder)
    export(folder)
    (tmp_path / "thesis").mkdir()
    with pytest.raises(ConfigError, match="exists and is not a model folder"):
        export(folder, output=tmp_path / "thesis")


def test_a_checkpoint_that_was_never_evaluated_names_no_task(folder: Path) -> None:
    loaded = checkpoint.load(folder)
    checkpoint.save(folder, loaded.network, VOCABULARY, {"config": {}})
    with pytest.raises(ModelError, match="which tasks it learned"):
        export(folder)


def test_a_damaged_checkpoint_is_refused(folder: Path) -> None:
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(200)
        file.write(b"\xff")
    with pytest.raises(ModelError, match="missing or damaged"):
        export(folder)
