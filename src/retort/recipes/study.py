"""An arm of a study of types: rows -> prompts that tell their types -> training -> decoding; scoring comes after.

``retort benchmark CONFIG.toml`` runs and scores arms; on a machine with torch but neither RDKit nor polars,
``python -m retort.recipes.study CONFIG.toml [KEY=VALUE]...`` trains and decodes one, and its answers are scored
elsewhere (:mod:`retort.recipes.study_scores`). Every arm starts from the same weights and sees the same rows in the
same order; only what its prompts tell differs. An arm of several files of types trains their tasks jointly, on the
tokens of all their arms together. What is done is never done again.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from retort.config import as_dict, load
from retort.data.collate import PreparedFolder
from retort.data.in_memory import write_folder
from retort.errors import ConfigError, DataError, ModelError
from retort.models import checkpoint
from retort.models.protocol import Seq2Seq
from retort.models.recorded import write_answers
from retort.prompting.reaction_types import TypeRange, joint_ranges
from retort.prompting.template import Library, own_library
from retort.prompting.vocabulary import TYPES, Vocabulary
from retort.recipes.entry import UnfinishedError, run_with_config
from retort.recipes.row_types import TypesOfRows
from retort.recipes.study_config import ArmConfig
from retort.recipes.study_prompts import Prompts
from retort.recipes.study_rows import RowsOfTask
from retort.recipes.train import TrainConfig, train
from retort.training.config import TrainingConfig


@dataclass(frozen=True, eq=False)
class Arm:
    """An arm and the rows of its tasks.

    Attributes:
        config: What it is.
        vocabulary: Of the checkpoint it starts from.
        tasks: The rows of each task, in the order of the files of types.
    """

    config: ArmConfig
    vocabulary: Vocabulary
    tasks: tuple[RowsOfTask, ...]

    @classmethod
    def open(cls, config: ArmConfig) -> "Arm":
        """Read what an arm needs.

        Types of several tasks are told apart by an offset in prompts; labels are 0 to N-1 within each task elsewhere.

        Raises:
            ModelError: A file of types or the checkpoint is damaged, or they are of different vocabularies.
            DataError: Two files of types are of one task, all types together are more than a prompt can tell, the file
                of instructions is damaged, or a task has none.
        """
        vocabulary = Vocabulary.load(config.start_from / "vocabulary.json")
        types = [TypesOfRows.load(path) for path in config.type_files]
        for path, found in zip(config.type_files, types, strict=True):
            if found.vocabulary_sha256 != vocabulary.sha256:
                raise ModelError(f"{str(path)!r} is of another vocabulary than {str(config.start_from)!r}.")
        shown, library = shown_ranges(types), _library(config, types)
        prompts = [
            Prompts(config.wording, shown[found.task], vocabulary, config.start_from, library) for found in types
        ]
        rows = (RowsOfTask(config, found, vocabulary, own) for found, own in zip(types, prompts, strict=True))
        return cls(config, vocabulary, tuple(rows))

    def measure(self, *, train: bool) -> None:
        """Measure what the prompts of all tasks need; see :meth:`RowsOfTask.measure`."""
        for rows in self.tasks:
            rows.measure(train=train)


def shown_ranges(types: Sequence[TypesOfRows]) -> dict[str, TypeRange]:
    """Return task -> the range in which prompts show its types, one after another.

    Raises:
        DataError: Two are of one task, or there are more types than tokens for them.
    """
    counts = {found.task: found.train.types for found in types}
    if len(counts) < len(types):
        raise DataError(
            f"{len(types)} files of types are of the task(s) {', '.join(counts)}.", "Name one for each task."
        )
    if sum(counts.values()) > len(TYPES):
        raise DataError(f"{sum(counts.values())} types are more than the {len(TYPES)} that prompts can tell.")
    return joint_ranges(counts)


def _library(config: ArmConfig, types: Sequence[TypesOfRows]) -> Library:
    """Return the instructions that an arm chooses from; raises DataError where a task of it has none."""
    library = own_library() if config.instructions is None else Library.load(config.instructions)
    return library if config.wording == "compact" else library.only(*(found.task for found in types))


def run_arm(config: ArmConfig) -> Path:
    """Train and decode every seed of an arm; return its folder.

    Raises:
        UnfinishedError: A signal ended it; the same call goes on.
        DataError: The rows do not fit the types or the limits of the training.
        ModelError: The types or the checkpoint are damaged.
        ConfigError: The output belongs to another arm.
    """
    arm, seeds = Arm.open(config), undecoded(config)
    _claim(arm)
    if seeds:
        arm.measure(train=True)
        _write_data(arm)
    for seed in seeds:
        place = config.output / f"seed-{seed}"
        _decode(arm, _trained(arm, seed, place), place)
    return config.output


def undecoded(config: ArmConfig) -> list[int]:
    """Return the seeds of an arm that are not decoded in every way yet."""
    files = [f"{beam.name}.npz" for beam in config.beams]
    return [s for s in config.seeds if not all((config.output / f"seed-{s}" / file).is_file() for file in files)]


def _claim(arm: Arm) -> None:
    """Make the folder of an arm, or check that it is this one's; what its file does not say yet had its default."""
    facts = json.loads(json.dumps(_identity(arm)))
    path = arm.config.output / "arm.json"
    if path.is_file():
        defaults = {field.name: field.default for field in fields(ArmConfig) if field.name in facts}
        if {**defaults, **json.loads(path.read_text("utf-8"))} != {**defaults, **facts}:
            raise ConfigError(f"{str(path.parent)!r} belongs to another arm.", "Choose another output folder.")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")


def _identity(arm: Arm) -> dict[str, object]:
    """Return what the answers of an arm depend on; further seeds and ways of decoding may be added later."""
    values = {key: value for key, value in as_dict(arm.config).items() if key not in ("output", "seeds", "beams")}
    types = [rows.types.sha256 for rows in arm.tasks]
    files = [sha256(path.read_bytes()).hexdigest() for path in arm.config.type_files]
    instructions = arm.config.instructions
    more = {} if instructions is None else {"instructions_sha256": checkpoint.file_sha256(instructions)}
    return {
        **values,
        **more,
        "row_types_sha256": only_or_all(files),
        "types": only_or_all(types),
        "start": checkpoint.weights_sha256(arm.config.start_from),
    }


def only_or_all(values: Sequence[str]) -> str | list[str]:
    """Return the value of the one task of an arm, or those of all its tasks."""
    return values[0] if len(values) == 1 else list(values)


def _write_data(arm: Arm) -> None:
    """Write the prepared folder of an arm where it is not there yet."""
    folder = arm.config.output / "data"
    if (folder / "manifest.json").is_file():
        return
    splits = {
        "train": {rows.task: rows.train() for rows in arm.tasks},
        "valid": {rows.task: rows.valid() for rows in arm.tasks},
    }
    wordings = {rows.task: rows.prompts.facts(rows.task) for rows in arm.tasks}
    with checkpoint.replacing(folder) as temporary:
        write_folder(temporary, arm.vocabulary, splits, knowledge=arm.config.knowledge, wordings=wordings)


def _trained(arm: Arm, seed: int, place: Path) -> Path:
    """Return the checkpoint of one seed, trained if it is not there yet."""
    config = arm.config
    final = place / "final"
    if (final / checkpoint.CARD).is_file():
        return final
    data = config.output / "data"
    training = joint_training(replace(config.training, seed=seed), PreparedFolder.open(data))
    folder = train(TrainConfig(data, place, training, start_from=config.start_from))
    if folder != final:
        raise UnfinishedError(f"the training of {str(place)!r} was stopped.", "The same command goes on.")
    return final


def joint_training(training: TrainingConfig, folder: PreparedFolder) -> TrainingConfig:
    """Return the training of an arm of several tasks: the budget of each, and as many tokens of each.

    An arm of three tasks sees as many tokens as the arms of these tasks together. Rows of a task are visited so often
    that each task takes an equal share of the tokens; ``task_weights`` of the configuration say otherwise.
    """
    split = folder.split("train")
    count = len(split.task_names)
    if count == 1:
        return training
    sizes = np.bincount(split.tasks, weights=np.sum(split.lengths(), axis=0), minlength=count)
    equal = {name: float(sizes.mean() / size) for name, size in zip(split.task_names, sizes, strict=True)}
    return replace(
        training,
        total_tokens=None if training.total_tokens is None else count * training.total_tokens,
        budget_minutes=None if training.budget_minutes is None else count * training.budget_minutes,
        warmup_tokens=count * training.warmup_tokens,
        task_weights=training.task_weights or equal,
    )


def _decode(arm: Arm, final: Path, place: Path) -> None:
    """Decode the judged rows of all tasks in every way that has no answers yet."""
    config, model = arm.config, _engine(arm, final)
    for beam in config.beams:
        path = place / f"{beam.name}.npz"
        if path.is_file():
            continue
        asked = set[tuple[int, ...]]().union(*(rows.sources(beam) for rows in arm.tasks))
        sources = sorted(asked, key=lambda ids: (len(ids), ids))
        answers = model.generate(
            sources, beam_size=beam.beam_size, num_hypotheses=beam.beam_size, max_length=config.max_length
        )
        part = path.with_name(f".{path.name}")
        write_answers(part, sources, answers, config.max_length)
        part.replace(path)


def _engine(arm: Arm, final: Path) -> Seq2Seq:
    """Return what decodes: CTranslate2 in float32 on a CPU that has it, else torch."""
    from retort.models.device import pick_device

    config, network = arm.config, checkpoint.load(final).network
    device = pick_device(config.training.device)
    if device.type == "cpu" and find_spec("ctranslate2"):
        from retort.inference.conversion import write_ctranslate2
        from retort.inference.engines.ctranslate2 import CTranslate2Engine

        with checkpoint.replacing(final.with_name("converted")) as temporary:
            write_ctranslate2(network, arm.vocabulary, temporary, "float32")
        folder, threads = final.with_name("converted"), config.training.threads or None
        return CTranslate2Engine(folder, arm.vocabulary, compute_type="float32", threads=threads)
    from retort.models.decoding import TorchSeq2Seq
    from retort.models.seq2seq import Seq2SeqModel

    model = Seq2SeqModel(network.to(device))
    return TorchSeq2Seq(model, batch_size=config.batch_size, precision=config.training.precision)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run_with_config(lambda path, overrides: run_arm(load(ArmConfig, path, overrides)), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
