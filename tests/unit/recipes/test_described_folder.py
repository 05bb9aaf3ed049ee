"""Described molecules as a task of texts: read back, without leaks, and elicited like any other."""

import json
from pathlib import Path

import pytest

from retort.data.collate import PreparedFolder
from retort.elicitation.rounds import FeedbackConfig
from retort.errors import DataError
from retort.models.backbone import Seq2SeqConfig
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.described_folder import write_described
from retort.recipes.elicit import elicit
from retort.recipes.elicitation_config import DescribedSet, ElicitConfig, SearchConfig

GIVEN = DescribedSet("chebi20", "name", longest=80, protect=("t5chem_yields",))


def silent(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def folder(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_described(tmp_path_factory.mktemp("described") / "rows", GIVEN, silent)


def test_rows_ask_a_text_and_answer_a_molecule(folder: Path) -> None:
    prepared = PreparedFolder.open(folder, verify=True)
    words = Vocabulary.load(folder / "vocabulary.json")
    split = prepared.split("train")
    texts = [[words.decode(side.tolist()) for side in split.pair(row)] for row in range(50)]
    assert all(prompt.startswith("<text_to_molecule><text>") and prompt.endswith("</text>") for prompt, _ in texts)
    assert not any("<" in answer for _, answer in texts)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    rows = sum(part["rows"] for part in manifest["splits"].values())
    assert rows + sum(manifest["left_out"].values()) == 3300 - 9  # nine have no name; every other one is accounted for
    assert manifest["left_out"]["text longer than 80 characters"] > 100
    held_out = prepared.split("valid")
    answers = {tuple(split.pair(row)[1].tolist()) for row in range(len(split))}
    assert not answers & {tuple(held_out.pair(row)[1].tolist()) for row in range(len(held_out))}


def test_types_are_elicited_as_of_any_task(folder: Path, tmp_path: Path) -> None:
    card = Seq2SeqConfig(d_model=16, d_kv=8, d_ff=16, layers=1, decoder_layers=1, heads=2)
    config = ElicitConfig(
        folder,
        tmp_path,
        (2,),
        ("output", "input"),
        tasks=("text_to_molecule",),
        rows=150,
        model=card,
        feedback=FeedbackConfig(hold_out=(0.1, 0.1), input_size=8, starts=2),
        search=SearchConfig(rows=(1.0,)),
    )
    found = json.loads(elicit(config, silent).read_text("utf-8"))["tasks"]["text_to_molecule"]
    assert {cell["encoding"] for cell in found["cells"]} == {"output", "input"}
    assert found["chosen"]["encoding"] == "output"


def test_what_holds_no_such_texts_is_refused(data_root: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds reactions"):
        write_described(tmp_path, DescribedSet("uspto_50k"), silent)
    with pytest.raises(DataError, match="gives 0 train"):
        write_described(tmp_path, DescribedSet("chebi20", "inchikey", protect=("t5chem_yields",)), silent)
