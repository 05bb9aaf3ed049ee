"""A model that cannot learn four names by heart, both ways, cannot learn names; asked as a user asks."""

from pathlib import Path

import pytest

from retort.data.clean import Clean, clean_described
from retort.data.encode import Encoder, encode_record
from retort.data.examples import Spelling
from retort.data.prepare import write_arrays, write_manifest
from retort.data.records import MoleculeRow
from retort.inference.predictor import Predictor
from retort.models.backbone import Seq2SeqConfig
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.export import export
from retort.recipes.train import TrainConfig, train
from retort.training.config import TrainingConfig

NAMED = {
    "CC(=O)Oc1ccccc1C(=O)O": "2-acetyloxybenzoic acid",
    "CC(=O)Nc1ccc(O)cc1": "N-(4-hydroxyphenyl)acetamide",
    "CCOC(=O)c1ccccc1": "ethyl benzoate",
    "c1ccc(-c2ccncc2)cc1": "4-phenylpyridine",
}
TASKS = ("name_conversion", "molecule_naming")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write the names as a prepared folder, each in one spelling."""
    vocabulary = Vocabulary.build(NAMED, min_count=1)
    encoder, place = Encoder(vocabulary), tmp_path / "prepared"
    rows = []
    for number, (smiles, name) in enumerate(NAMED.items()):
        made = clean_described(MoleculeRow(f"{number}", "train", smiles, name, "name", "iupac"), "here")
        assert isinstance(made, Clean)
        rows += encode_record(made.record, TASKS, encoder, Spelling(copies=1), 0)
    place.mkdir()
    vocabulary.save(place / "vocabulary.json")
    splits = {split: {"rows": write_arrays(place, split, rows, 1)} for split in ("train", "valid")}
    about = {"vocabulary_size": len(vocabulary), "vocabulary_sha256": vocabulary.sha256}
    write_manifest(place, {"copies": {"train": 1, "valid": 1}, "tasks": list(TASKS), "splits": splits} | about)
    return place


def test_four_names_are_memorised_in_both_directions(tmp_path: Path, folder: Path, card: Seq2SeqConfig) -> None:
    training = TrainingConfig(
        total_tokens=40_000,
        tokens_per_batch=256,
        max_source_length=64,
        max_target_length=64,
        peak_learning_rate=2e-3,
        embedding_rate=10,
        position_rate=30,
        warmup_tokens=2_000,
        ema_decay=0.9,
        evaluate_tokens=1_000_000,
        weight_decay=0.0,
        device="cpu",
    )
    made = train(TrainConfig(prepared=folder, output=tmp_path / "run", training=training, model=card))
    model = Predictor.load(str(export(made, output=tmp_path / "model").folder))
    # Ten bad short answers are complete before a long right one is: with a patience of 1 the search would end there.
    structures = model.predict("name_conversion", list(NAMED.values()), 1)
    assert [answer.candidates[0].smiles for answer in structures if answer.candidates] == list(NAMED)
    names = model.predict("molecule_naming", list(NAMED), 1)
    assert [answer.candidates[0].text for answer in names if answer.candidates] == list(NAMED.values())
