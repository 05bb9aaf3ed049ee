"""A stage: what it draws, trains and reports."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from retort.chem.graphs import molecular_graph
from retort.data.molecule_rows import RowFolder, write_rows
from retort.errors import ConfigError, DataError, ModelError, UnknownNameError
from retort.models.adapters import Policy
from retort.models.causal import CausalConfig, MultimodalCausal, build_causal
from retort.models.device import Precision
from retort.models.graph_encoder import GraphEncoderConfig
from retort.models.lora_settings import LoraSettings
from retort.models.molecule_reader import MoleculeReaderConfig
from retort.models.multimodal import MultimodalModel
from retort.models.multimodal_batch import Collator
from retort.prompting.dialogue import (
    OWN_TEMPLATE,
    Dialogue,
    EncodedRow,
    RunningText,
    Turn,
    VocabularyTokens,
    encode_dialogue,
    encode_running_text,
)
from retort.prompting.molecules import MOLECULE
from retort.prompting.vocabulary import Vocabulary
from retort.training.stages import Draws, Stage, StageTraining, run_stage

VOCABULARY = Vocabulary.build([])
TOKENS = VocabularyTokens(VOCABULARY)
MOLECULES = ["CCO", "CCN", "c1ccccc1", "CC(=O)O", "O", "CCCCCC", "C#N", "CCl"]
READER = MoleculeReaderConfig(encoder=GraphEncoderConfig(layers=2, width=12))
TRAINING = StageTraining(places_per_batch=128, limit=64)
LORA = LoraSettings(rank=2, alpha=4, dropout=0.0)


def spelled(smiles: str) -> EncodedRow:
    turns = (Turn("user", MOLECULE), Turn("assistant", smiles))
    return encode_dialogue(Dialogue(turns, (smiles,)), OWN_TEMPLATE, TOKENS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RowFolder:
    spelled_out = [spelled(smiles) for smiles in MOLECULES]
    texts = [encode_running_text(RunningText(smiles), TOKENS) for smiles in MOLECULES]
    rows = {
        "train": {"graph_to_smiles": spelled_out * 3, "smiles_text": texts, "nothing": []},
        "valid": {"graph_to_smiles": spelled_out[:3], "smiles_text": [], "nothing": spelled_out[:1]},
    }
    graphs = {smiles: molecular_graph(smiles) for smiles in MOLECULES}
    return write_rows(tmp_path_factory.mktemp("rows"), rows, graphs, VOCABULARY, {})


def model() -> MultimodalModel:
    torch.manual_seed(0)
    card = CausalConfig(
        vocabulary_size=len(VOCABULARY), width=16, inner_width=24, layers=1, heads=2, key_value_heads=2, positions=64
    )
    return MultimodalCausal(build_causal(card), READER)


def stage(**changes: object) -> Stage:
    given = {"name": "a", "mixture": {"graph_to_smiles": 3.0, "smiles_text": 1.0}, "places": 1500, **changes}
    return Stage(**given)  # type: ignore[arg-type]


def draws(folder: RowFolder, some: Stage, limit: int = 64) -> Draws:
    return Draws(folder, some, Collator(folder.graphs, READER.tokens, 0, limit), seed=0)


def test_kinds_are_drawn_by_their_shares_and_rows_in_turn(folder: RowFolder) -> None:
    source = draws(folder, stage())
    rows = [source.take() for _ in range(800)]
    assert sum(source.drawn.values()) == 800
    assert source.drawn["graph_to_smiles"] / 800 == pytest.approx(0.75, abs=0.05)
    once = draws(folder, stage(mixture={"smiles_text": 1.0}))
    first = sorted(once.take().ids for _ in MOLECULES)
    assert first == sorted(encode_running_text(RunningText(smiles), TOKENS).ids for smiles in MOLECULES)
    assert [draws(folder, stage()).take() for _ in range(2)] == rows[:1] * 2


def test_batches_hold_at_most_their_places(folder: RowFolder) -> None:
    source = draws(folder, stage())
    stream = source.batches(60)
    for _ in range(50):
        rows = next(stream)
        assert len(rows) * max(map(source.width, rows)) <= 60
    assert len(next(stream)) > 1


def test_rows_without_labels_are_counted_and_left_out(folder: RowFolder) -> None:
    """Of a limit of seven places, a question about six atoms leaves no room for the answer."""
    source = draws(folder, stage(mixture={"graph_to_smiles": 1.0}), limit=7)
    rows = [source.take() for _ in range(60)]
    assert all(any(row.learned) for row in rows)
    assert not {row.molecules for row in rows} & {("c1ccccc1",), ("CCCCCC",)}
    assert source.silent > 5
    assert source.silent + len(rows) == sum(source.drawn.values())
    assert source.cut >= source.silent
    with pytest.raises(DataError, match="most rows have nothing to learn"):
        draws(folder, stage(mixture={"graph_to_smiles": 1.0}), limit=2).take()


@pytest.mark.parametrize("policy", [Policy("projector"), Policy("adapters", lora=LORA), Policy("all", encoders=True)])
def test_a_stage_trains_what_it_says_and_reports_it(folder: RowFolder, policy: Policy) -> None:
    net = model()
    before = {name: p.clone() for name, p in net.named_parameters()}
    report = run_stage(net, folder, stage(policy=policy, peak_learning_rate=0.01), TRAINING)
    moved = {name for name, p in net.named_parameters() if name in before and not torch.equal(before[name], p)}
    named = {name.replace(".base_layer.", ".") for name in report.trained}
    assert {name for name in moved if name in before} <= named
    assert report.steps > 10
    assert report.places >= 1500
    assert report.last_loss < report.first_loss
    assert set(report.before) == {"graph_to_smiles"} == set(report.after)  # of the other kind nothing is held out
    assert report.after["graph_to_smiles"] < report.before["graph_to_smiles"]
    assert not net.training


def test_the_same_seed_gives_the_same_stage(folder: RowFolder) -> None:
    assert run_stage(model(), folder, stage(), TRAINING) == run_stage(model(), folder, stage(), TRAINING)


class CutError(Exception):
    """A run is cut off."""


def cut_after(net: MultimodalModel, steps: int) -> None:
    """Let a model fail in training after so many steps."""
    left = iter(range(steps))

    def fail(module: torch.nn.Module, _: object) -> None:
        if module.training and next(left, None) is None:
            raise CutError

    net.register_forward_pre_hook(fail)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    "policy", [Policy("adapters", lora=LoraSettings(rank=2, dropout=0.2)), Policy("all", encoders=True)]
)
def test_a_stage_that_was_cut_off_ends_as_if_it_had_not_been(
    folder: RowFolder, policy: Policy, precision: Precision, tmp_path: Path
) -> None:
    training, memory = replace(TRAINING, save_places=300, precision=precision), tmp_path / "state.pt"
    whole, wanted = model(), stage(policy=policy, peak_learning_rate=0.01)
    expected = run_stage(whole, folder, wanted, training)
    for steps in (4, 7):
        broken = model()
        cut_after(broken, steps)
        with pytest.raises(CutError):
            run_stage(broken, folder, wanted, training, memory)
        assert memory.is_file()
    net = model()
    cut_after(net, expected.steps - 4)  # more than that are done and remembered
    assert run_stage(net, folder, wanted, training, memory) == expected
    assert not memory.exists()
    for (name, value), other in zip(net.state_dict().items(), whole.state_dict().values(), strict=True):
        assert torch.equal(value, other), name


def test_bf16_is_another_arithmetic_of_the_same_stage(folder: RowFolder) -> None:
    """Products are of bf16, weights and losses stay in fp32, and what is learned is nearly the same."""
    wanted, nets = stage(policy=Policy("all", encoders=True), peak_learning_rate=0.01), (model(), model())
    exact, rough = (
        run_stage(net, folder, wanted, replace(TRAINING, precision=precision))
        for net, precision in zip(nets, ("fp32", "bf16"), strict=True)
    )
    assert (rough.steps, rough.places, rough.drawn) == (exact.steps, exact.places, exact.drawn)
    assert rough.first_loss != exact.first_loss
    assert rough.first_loss == pytest.approx(exact.first_loss, rel=0.02)
    assert rough.after["graph_to_smiles"] < rough.before["graph_to_smiles"]
    assert {parameter.dtype for parameter in nets[1].parameters()} == {torch.float32}


def test_only_the_same_stage_goes_on(folder: RowFolder, tmp_path: Path) -> None:
    training, memory = replace(TRAINING, save_places=300), tmp_path / "state.pt"
    broken = model()
    cut_after(broken, 5)
    with pytest.raises(CutError):
        run_stage(broken, folder, stage(), training, memory)
    with pytest.raises(ModelError, match="of another stage"):
        run_stage(model(), folder, stage(peak_learning_rate=0.5), training, memory)
    memory.write_bytes(memory.read_bytes()[:100])
    with pytest.raises(ModelError, match="cannot go on from"):
        run_stage(model(), folder, stage(), training, memory)


def test_what_a_stage_cannot_do_is_refused(folder: RowFolder) -> None:
    with pytest.raises(UnknownNameError, match=r"mixture of stage 'a': 'captions'"):
        run_stage(model(), folder, stage(mixture={"captions": 1.0}), TRAINING)
    with pytest.raises(DataError, match="no train row"):
        run_stage(model(), folder, stage(mixture={"nothing": 1.0}), TRAINING)
    with pytest.raises(ModelError, match="gradient has the norm"):
        run_stage(model(), folder, stage(policy=Policy("all"), peak_learning_rate=1e30), TRAINING)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mixture": {}}, "has the mixture"),
        ({"mixture": {"smiles_text": 0.0}}, "has the mixture"),
        ({"places": 0}, "above zero"),
        ({"policy": Policy("frozen")}, "trains nothing"),
    ],
)
def test_impossible_stages_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        stage(**changes)
    with pytest.raises(ConfigError, match="does not hold a row"):
        StageTraining(places_per_batch=10, limit=20)
