"""The chain of stages on real rows: rows, start, stages, going on after a cut, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from retort.chem.reaction import Reaction
from retort.data.molecule_rows import RowFolder
from retort.data.prepare import read_records, write_records
from retort.data.records import Record
from retort.errors import ConfigError, DataError, ModelError
from retort.models.adapters import Policy
from retort.models.backbone import Seq2SeqConfig
from retort.models.causal import CausalConfig
from retort.models.checkpoint import read_card
from retort.models.graph_checkpoint import save_graph_encoder
from retort.models.graph_encoder import GraphEncoderConfig, build_graph_encoder
from retort.models.lora_settings import LoraSettings
from retort.models.molecule_reader import MoleculeReaderConfig
from retort.models.multimodal_checkpoint import identity, load_multimodal
from retort.prompting.dialogue import MOLECULE_ID
from retort.recipes.molecule_rows import make_molecule_rows
from retort.recipes.molecule_rows_config import MoleculeRows
from retort.recipes.train_stages import TrainStagesConfig, train_stages
from retort.training.stages import Stage, StageTraining

ENCODER = GraphEncoderConfig(layers=1, width=8)
STAGES = (
    Stage("alignment", {"graph_to_smiles": 1.0}, Policy("projector"), places=700),
    Stage("pretraining", {"graph_to_smiles": 1.0, "graph_to_name": 1.0}, Policy("all"), places=700),
    Stage("tuning", {"retrosynthesis": 1.0}, Policy("adapters", lora=LoraSettings(rank=2)), places=700),
)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a few reactions as `retort prepare` would."""
    folder = tmp_path_factory.mktemp("records")
    made = []
    for number in range(12):
        chain = "C" * (number + 1)
        reaction = Reaction((f"{chain}Br", "CN"), ("CCO",), (f"{chain}NC",))
        part = ("train", "valid_a", "test", "valid_b")[number % 4]
        made.append(Record(f"made:{number}", "made", part, reaction))
    write_records(folder / "records.parquet", made)
    return folder


@pytest.fixture(scope="module")
def rows(data_root: Path, records: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows") / "rows"
    make_molecule_rows(wanted(records), folder, lambda _: None)
    return folder


def wanted(records: Path, **changes: object) -> MoleculeRows:
    given = {
        "tasks": ("retrosynthesis", "reagent_prediction"),
        "molecules": ("pcdes",),
        "described": ("chebi20",),
        "procedures": ("ord_uspto",),
        "protect": ("t5chem_yields",),
    }
    return MoleculeRows(records, limit=40, valid_share=0.2, **{**given, **changes})  # type: ignore[arg-type]


def chain(output: Path, rows: Path, **changes: object) -> TrainStagesConfig:
    card = CausalConfig(width=16, inner_width=16, layers=1, heads=2, key_value_heads=2, positions=600)
    given = {
        "stages": STAGES,
        "causal": card,
        "reader": MoleculeReaderConfig(encoder=ENCODER),
        "training": StageTraining(places_per_batch=600, limit=300, evaluate_rows=4),
        **changes,
    }
    return TrainStagesConfig(output=output, rows_folder=rows, **given)  # type: ignore[arg-type]


def test_rows_are_those_of_their_sources(rows: Path) -> None:
    folder = RowFolder.open(rows)
    counts = folder.manifest["rows"]
    assert counts["retrosynthesis"] == {"train": 3, "valid": 3}  # test and the other held-out parts stay out
    for kind in ("smiles_text", "graph_to_smiles", "molecule_captioning", "graph_to_name", "name_to_smiles"):
        assert sum(counts[kind].values()) <= 40
        assert counts[kind]["train"] > counts[kind]["valid"] > 0
    row = folder.row(folder.table("train", "reagent_prediction"), 0)
    assert len(row.molecules) == 3 == row.ids.count(MOLECULE_ID)  # two reactants and a product
    words = folder.vocabulary.decode([i for i, learned in zip(row.ids, row.learned, strict=True) if learned])
    assert words == "CCO"
    question = [folder.vocabulary.tokens[i] for i in row.ids if i >= 0]
    assert question[:2] == ["<reserved_1>", "<reagent_prediction>"]
    assert not folder.row(folder.table("train", "smiles_text"), 0).molecules


def test_procedures_have_molecules_in_the_place_of_names(data_root: Path, rows: Path) -> None:
    folder = RowFolder.open(rows)
    counts, left_out = folder.manifest["rows"]["procedure"], folder.manifest["left_out"]
    assert counts["train"] > 10
    table = folder.table("train", "procedure")
    found = [folder.row(table, index) for index in range(len(table))]
    assert all(len(row.molecules) == row.ids.count(MOLECULE_ID) >= 2 for row in found)
    learned = [[i for i, told in zip(row.ids, row.learned, strict=True) if told] for row in found]
    assert all(len(ids) == len(row.ids) - len(row.molecules) for ids, row in zip(learned, found, strict=True))
    assert sum(counts.values()) + sum(n for why, n in left_out.items() if why.startswith("ord_uspto: fewer")) <= 40


def test_molecules_of_held_out_reactions_are_left_out_and_counted(
    data_root: Path, records: Path, rows: Path, tmp_path: Path
) -> None:
    before = RowFolder.open(rows)
    leak = before.row(before.table("train", "graph_to_smiles"), 0).molecules[0]
    held_out = Record("held:0", "held", "test", Reaction(("CBr",), (), (leak,)))
    write_records(tmp_path / "records.parquet", [*read_records(records / "records.parquet"), held_out])
    said: list[str] = []
    folder = make_molecule_rows(wanted(tmp_path), tmp_path / "rows", said.append)
    assert folder.manifest["left_out"]["pcdes: leak: a molecule of held/test"] == 1
    assert folder.manifest["protected"]["held/test"] == 1
    assert "held/test" in said[0]
    tables = [folder.table(split, "graph_to_smiles") for split in ("train", "valid")]
    assert leak not in {folder.row(table, i).molecules[0] for table in tables for i in range(len(table))}
    was = sum(before.manifest["rows"]["graph_to_smiles"].values())
    assert sum(len(table) for table in tables) == was - 1


def test_a_molecule_is_in_one_split_whatever_the_kind(rows: Path) -> None:
    folder = RowFolder.open(rows)
    seen: dict[str, set[str]] = {}
    for split in ("train", "valid"):
        table = folder.table(split, "graph_to_smiles")
        seen[split] = {folder.row(table, index).molecules[0] for index in range(len(table))}
    assert not seen["train"] & seen["valid"]


@pytest.mark.parametrize(("mode", "listed"), [("graph", 1), ("string", 0), ("both", 1)])
def test_modes_of_rows(data_root: Path, records: Path, tmp_path: Path, mode: str, listed: int) -> None:
    config = wanted(records, molecules=(), described=(), procedures=(), tasks=("retrosynthesis",), mode=mode)
    folder = make_molecule_rows(config, tmp_path / "rows", lambda _: None)
    row = folder.row(folder.table("train", "retrosynthesis"), 0)
    assert len(row.molecules) == listed
    bare = [folder.vocabulary.tokens[i] for i in row.ids if i >= 0]
    assert ("N" in bare[: bare.index("<reserved_2>")]) is (mode != "graph")


def test_a_chain_of_three_stages(rows: Path, tmp_path: Path) -> None:
    """Every folder starts from the one before, trained what its policy names, and the table says so."""
    said: list[str] = []
    last = train_stages(chain(tmp_path, rows), said.append)
    assert last == tmp_path / "tuning"
    table = json.loads((tmp_path / "stages.json").read_text("utf-8"))
    assert [table[stage.name]["policy"] for stage in STAGES] == ["projector", "all", "adapters"]
    parents = ["start", "alignment", "pretraining"]
    assert [table[stage.name]["parents"] for stage in STAGES] == [[identity(tmp_path / name)] for name in parents]
    for before, stage in zip(parents, STAGES, strict=True):
        old, new = (load_multimodal(tmp_path / name).model.state_dict() for name in (before, stage.name))
        plain = {name.replace(".base_layer.", "."): tensor for name, tensor in new.items()}
        moved = {name for name in old if not torch.equal(old[name], plain[name])}
        trained = set(table[stage.name]["trained"])
        tied = {"network.lm_head.weight"}
        assert moved - tied <= trained
        assert any(name.startswith("reader.projector.") for name in moved)
        assert any(name.startswith("network.") for name in moved) is (stage.policy.name == "all")
    assert len(said) == 3


def test_a_chain_goes_on_where_it_was_cut_off(rows: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    said: list[str] = []
    train_stages(chain(whole, rows, stages=STAGES[:2]), lambda _: None)
    train_stages(chain(parts, rows, stages=STAGES[:1]), lambda _: None)
    train_stages(chain(parts, rows, stages=STAGES[:2]), said.append)
    assert len(said) == 1
    for name in ("alignment", "pretraining"):
        assert identity(whole / name) == identity(parts / name)


def test_stages_may_branch(rows: Path, tmp_path: Path) -> None:
    direct = replace(STAGES[2], name="direct", start="start")
    train_stages(chain(tmp_path, rows, stages=(STAGES[0], direct)), lambda _: None)
    assert read_card(tmp_path / "direct")["parents"] == [identity(tmp_path / "start")]


def test_another_stage_does_not_pass_for_a_finished_one(rows: Path, tmp_path: Path) -> None:
    train_stages(chain(tmp_path, rows, stages=STAGES[:1]), lambda _: None)
    with pytest.raises(ModelError, match="made by another stage"):
        train_stages(chain(tmp_path, rows, stages=(replace(STAGES[0], places=2000),)), lambda _: None)


def test_an_encoder_decoder_runs_the_same_chain(rows: Path, tmp_path: Path) -> None:
    card = Seq2SeqConfig(d_model=16, d_kv=8, d_ff=16, layers=1, decoder_layers=1, heads=2)
    config = chain(tmp_path, rows, language_model="seq2seq", seq2seq=card)
    assert read_card(train_stages(config, lambda _: None))["language_model"] == "seq2seq"
    texts = (replace(STAGES[0], mixture={"smiles_text": 1.0}),)
    with pytest.raises(DataError, match="without question or answer"):
        train_stages(replace(config, output=tmp_path / "texts", stages=texts), lambda _: None)


def test_a_pretrained_graph_encoder_is_taken_over(rows: Path, tmp_path: Path) -> None:
    torch.manual_seed(99)
    encoder = build_graph_encoder(ENCODER)
    save_graph_encoder(tmp_path / "encoder", encoder, {})
    config = chain(tmp_path / "chain", rows, stages=STAGES[:1], graph_encoder=tmp_path / "encoder")
    found = load_multimodal(train_stages(config, lambda _: None)).model.reader.graph_encoder.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in encoder.state_dict().items())
    other = replace(config, output=tmp_path / "other", reader=MoleculeReaderConfig(encoder=GraphEncoderConfig(width=4)))
    with pytest.raises(ModelError, match="width=8"):
        train_stages(other, lambda _: None)


def test_a_chain_may_start_from_the_end_of_another(rows: Path, tmp_path: Path) -> None:
    first = train_stages(chain(tmp_path / "a", rows, stages=STAGES[:1]), lambda _: None)
    train_stages(chain(tmp_path / "b", rows, stages=STAGES[2:], start_from=first), lambda _: None)
    assert read_card(tmp_path / "b" / "start")["parents"] == [identity(first)]


def test_impossible_chains_are_refused(rows: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'alignment' of a stage is taken"):
        chain(tmp_path, rows, stages=(STAGES[0], STAGES[0]))
    with pytest.raises(ConfigError, match="does not come before it"):
        chain(tmp_path, rows, stages=(replace(STAGES[0], start="tuning"),))
    with pytest.raises(ConfigError, match="does not say how to make it"):
        train_stages(chain(tmp_path / "x", tmp_path / "absent"), lambda _: None)
    with pytest.raises(ConfigError, match=r"needs rows\.records"):
        MoleculeRows(tasks=("retrosynthesis",))
    with pytest.raises(ConfigError, match="neither tasks, molecules nor procedures"):
        MoleculeRows()
