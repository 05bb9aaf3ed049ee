"""Train a multimodal model in stages: rows -> a start -> one folder for each stage, each from the folder before it.

Every stage folder is complete and says what was trained, on what, and from which folder. A run that was cut off goes on
with the first stage whose folder is not there.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retort.config import as_dict, load, option
from retort.data.molecule_rows import RowFolder
from retort.errors import ConfigError, ModelError, UnknownNameError
from retort.models.backbone import BACKBONES, Seq2SeqConfig
from retort.models.causal import CausalConfig, Kind
from retort.models.molecule_reader import MoleculeReaderConfig
from retort.recipes.entry import run_with_config
from retort.recipes.molecule_rows_config import MoleculeRows
from retort.recipes.train import prepare_data
from retort.training.stages import Stage, StageReport, StageTraining, processes

if TYPE_CHECKING:
    from retort.models.multimodal import MultimodalModel

Say = Callable[[str], None]
START = "start"


@dataclass(frozen=True)
class TrainStagesConfig:
    """A chain of stages."""

    output: Path = option(help="folder that receives start/, one folder for each stage, and stages.json")
    rows_folder: Path = option(help="folder of rows with molecules; made from `rows` where it is not there yet")
    stages: tuple[Stage, ...] = option(help="the stages, in order")
    only: tuple[str, ...] = option((), help="names of the stages that are run, in order; all where none is named")
    rows: MoleculeRows | None = option(None, help="how the rows are made")
    prepare: Path | None = option(None, help="configuration of `retort prepare` that makes rows.records where absent")
    language_model: Kind = option("causal", help="causal or seq2seq")
    causal: CausalConfig = field(default_factory=CausalConfig, metadata={"help": "card of a causal model"})
    seq2seq: Seq2SeqConfig = field(default_factory=Seq2SeqConfig, metadata={"help": "card of an encoder-decoder"})
    reader: MoleculeReaderConfig = field(
        default_factory=MoleculeReaderConfig, metadata={"help": "encoders and projectors"}
    )
    graph_encoder: Path | None = option(
        None, help="folder of a pretrained graph encoder, or published weights; fresh weights where absent"
    )
    start_from: Path | None = option(None, help="multimodal folder to start from; the cards above are ignored then")
    training: StageTraining = field(default_factory=StageTraining, metadata={"help": "what all stages share"})

    def __post_init__(self) -> None:
        known = {stage.name: stage for stage in self.stages}
        for name in self.only:
            if name not in known:
                raise UnknownNameError("stage", name, known)
        if self.only:
            object.__setattr__(self, "stages", tuple(known[name] for name in self.only))
            object.__setattr__(self, "only", ())
        names = [START]
        for stage in self.stages:
            if stage.name in names or "/" in stage.name or not stage.name:
                raise ConfigError(f"the name {stage.name!r} of a stage is taken or no name of a folder.")
            if stage.start and stage.start not in names:
                raise ConfigError(f"stage {stage.name!r} starts from {stage.start!r}, which does not come before it.")
            names.append(stage.name)


def train_stages(config: TrainStagesConfig, say: Say = print) -> Path:
    """Run the stages that are not done yet; return the folder of the last one.

    Raises:
        DataError: Rows are absent or damaged.
        ModelError: A folder to start from is absent, damaged, or does not fit the rows or the stage before.
    """
    rows = _rows(config, say)
    before = START
    with processes(config.training).main_process_first():
        if not (config.output / START).exists():
            _write_start(config, rows)
    for stage in config.stages:
        parent, folder = config.output / (stage.start or before), config.output / stage.name
        if folder.exists():
            _refuse_other(folder, stage, parent)
        else:
            report = _run(config, stage, rows, parent, folder)
            if report is not None:
                say(_sentence(stage, report))
        before = stage.name
    if processes(config.training).is_main_process:
        _write_table(config)
    return config.output / before


def _rows(config: TrainStagesConfig, say: Say) -> RowFolder:
    if not (config.rows_folder / "manifest.json").exists():
        if config.rows is None:
            raise ConfigError(f"{str(config.rows_folder)!r} is not there, and `rows` does not say how to make it.")
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise ConfigError(f"{str(config.rows_folder)!r} is not there.", "Make it by one process first.")
        from retort.recipes.molecule_rows import make_molecule_rows

        records = config.rows.records
        if config.prepare is not None and records is not None and not (records / "manifest.json").exists():
            prepare_data(config.prepare, records)
        make_molecule_rows(config.rows, config.rows_folder, say)
    return RowFolder.open(config.rows_folder)


def _write_start(config: TrainStagesConfig, rows: RowFolder) -> None:
    """Write the folder that the first stage starts from."""
    import torch

    from retort.models.multimodal_checkpoint import load_multimodal, save_multimodal
    from retort.prompting.dialogue import OWN_TEMPLATE, VocabularyTokens

    card = {"config": as_dict(config), "stage": None, "mode": _mode(rows)}
    if config.start_from is not None:
        stored = load_multimodal(config.start_from)
        if stored.tokens != VocabularyTokens(rows.vocabulary):
            raise ModelError(f"{str(config.start_from)!r} has another vocabulary than the rows.", _SAME_VOCABULARY)
        save_multimodal(config.output / START, stored.model, stored.tokens, stored.template, card, config.start_from)
        return
    torch.manual_seed(config.training.seed)
    save_multimodal(
        config.output / START,
        _fresh(config, len(rows.vocabulary)),
        VocabularyTokens(rows.vocabulary),
        OWN_TEMPLATE,
        card,
    )


_SAME_VOCABULARY = "Make the rows with rows.vocabulary set to the model's vocabulary.json."


def _fresh(config: TrainStagesConfig, size: int) -> "MultimodalModel":
    from retort.models.causal import build_causal, multimodal_class
    from retort.models.graph_checkpoint import load_graph_encoder
    from retort.models.graph_weights import load_graph_weights

    if config.language_model == "causal":
        network = build_causal(replace(config.causal, vocabulary_size=size))
    else:
        network = BACKBONES.get(config.seq2seq.backbone).build(replace(config.seq2seq, vocabulary_size=size))
    model = multimodal_class(config.language_model)(network, config.reader)
    if config.graph_encoder is not None and config.graph_encoder.is_dir():
        stored = load_graph_encoder(config.graph_encoder)
        if stored.config != config.reader.encoder:
            raise ModelError(f"{str(config.graph_encoder)!r} is {stored.config}, not {config.reader.encoder}.")
        model.reader.graph_encoder.load_state_dict(stored.state_dict())
    elif config.graph_encoder is not None:
        load_graph_weights(model.reader.graph_encoder, config.graph_encoder)
    return model


def _run(config: TrainStagesConfig, stage: Stage, rows: RowFolder, parent: Path, folder: Path) -> StageReport | None:
    """Run a stage; return its report, of several processes in the first alone, which writes the folder."""
    from retort.models.multimodal_checkpoint import load_multimodal, save_multimodal
    from retort.training.stages import run_stage

    stored, accelerator = load_multimodal(parent), processes(config.training)
    model = stored.model
    report = run_stage(model, rows, stage, config.training, folder.with_name(f"{folder.name}.state.pt"))
    if not accelerator.is_main_process:
        accelerator.wait_for_everyone()
        return None
    card = {"config": as_dict(config), "stage": as_dict(stage), "report": asdict(report), "mode": _mode(rows)}
    save_multimodal(folder, model.cpu(), stored.tokens, stored.template, card, parent)
    accelerator.wait_for_everyone()
    return report


def _mode(rows: RowFolder) -> str | None:
    """Return what rows show of a molecule, which whoever asks the model must know; None where they do not say."""
    mode = rows.manifest.get("made_from", {}).get("mode")
    return None if mode is None else str(mode)


def _refuse_other(folder: Path, stage: Stage, parent: Path) -> None:
    """Refuse to take a finished folder for a stage that it is not."""
    from retort.models.checkpoint import read_card
    from retort.models.multimodal_checkpoint import identity

    card = read_card(folder)
    plain: dict[str, Any] = json.loads(json.dumps(as_dict(stage)))
    if card.get("stage") != plain or card.get("parents") != [identity(parent)]:
        raise ModelError(
            f"{str(folder)!r} was made by another stage or from another folder.", "Use another output folder."
        )


def _write_table(config: TrainStagesConfig) -> None:
    """Write what each stage started from, trained and read, as its own card has it."""
    from retort.models.checkpoint import read_card

    cards = {stage.name: read_card(config.output / stage.name) for stage in config.stages}
    table = {
        name: {"parents": card["parents"], "policy": card["stage"]["policy"]["name"], **card["report"]}
        for name, card in cards.items()
    }
    (config.output / "stages.json").write_text(json.dumps(table, indent=1) + "\n", "utf-8")


def _sentence(stage: Stage, report: StageReport) -> str:
    losses = ", ".join(f"{kind} {report.before[kind]:.3f} -> {after:.3f}" for kind, after in report.after.items())
    return (
        f"{stage.name} ({stage.policy.name}, {len(report.trained)} tensors): {report.steps:,} steps, "
        f"{report.places:,} places; held-out loss {losses}; {report.cut} rows cut, {report.silent} without labels"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``python -m retort.recipes.train_stages CONFIG.toml [key=value ...]``; return the exit code."""
    return run_with_config(lambda path, overrides: train_stages(load(TrainStagesConfig, path, overrides)), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
