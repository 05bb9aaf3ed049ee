"""An arm of a study of types: rows -> prompts that tell their types -> training -> decoding; scoring comes after.

``retort benchmark CONFIG.toml`` runs and scores arms; on a machine with torch but neither RDKit nor polars,
``python -m retort.recipes.study CONFIG.toml [KEY=VALUE]...`` trains and decodes one, and its answers are scored
elsewhere (:mod:`retort.recipes.study_scores`). Every arm starts from the same weights and sees the same rows in the
same order; only what its prompts tell differs. What is done is never done again.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from retort.config import as_dict, load
from retort.data.collate import PreparedFolder
from retort.data.in_memory import Ids, Row, write_folder
from retort.elicitation.checks import Doubles
from retort.elicitation.knowledge import Told, told
from retort.errors import ConfigError, ModelError
from retort.models import checkpoint
from retort.models.protocol import Seq2Seq
from retort.models.recorded import write_answers
from retort.prompting.reaction_types import Telling, TypeRange, ways_of_telling
from retort.prompting.task import Question
from retort.prompting.vocabulary import CLASSES, TYPES, Vocabulary
from retort.recipes.entry import UnfinishedError, run_with_config
from retort.recipes.row_types import Part, TypesOfRows
from retort.recipes.study_config import ArmConfig, Beam
from retort.recipes.study_prompts import Prompts
from retort.recipes.train import TrainConfig, train

WATCHED = "valid_a"


@dataclass(frozen=True, eq=False)
class Arm:
    """An arm and its rows.

    Attributes:
        config: What it is.
        types: The types of all rows.
        vocabulary: Of the checkpoint it starts from.
        prompts: How its questions are written.
    """

    config: ArmConfig
    types: TypesOfRows
    vocabulary: Vocabulary
    prompts: Prompts

    @classmethod
    def open(cls, config: ArmConfig) -> "Arm":
        """Read what an arm needs.

        Raises:
            ModelError: The file of types or the checkpoint is damaged, or they are of different vocabularies.
        """
        types, vocabulary = TypesOfRows.load(config.row_types), Vocabulary.load(config.start_from / "vocabulary.json")
        if types.vocabulary_sha256 != vocabulary.sha256:
            raise ModelError(f"{str(config.row_types)!r} is of another vocabulary than {str(config.start_from)!r}.")
        shown = TypeRange(types.train.types)
        return cls(config, types, vocabulary, Prompts(config.wording, shown, vocabulary, config.start_from))

    @property
    def judged(self) -> Part:
        """The held-out rows that are judged."""
        return self.types.held_out(self.config.part).first(self.config.held_out)

    def told(self, part: Part) -> Told:
        """Return what is told of the train rows and of a held-out part; raises as :func:`told`."""
        train = self.types.train.take(range(min(self.config.rows, len(self.types.train))))
        return told(self.config.knowledge, train, part.types, inputs=self.types.encoding == "input")

    def questions(self, part: Part) -> list[Question]:
        """Return what is asked of a held-out part, without class or type."""
        return [self.question(source) for source, _ in part.pairs]

    def question(self, source: Ids) -> Question:
        """Return the question that token ids ask, without class or type."""
        text = self.vocabulary.decode([int(token) for token in source])
        return Question(self.types.task, _bare(text, self.types.task))

    def wordings(self, part: Part, beam: Beam) -> list[list[tuple[Question, float]]]:
        """Return the ways in which each row of a part is asked, with their weights."""
        known = self.told(part)
        shares = part.types.read if beam.telling == "mixture" else known.held_out
        return [
            asked(question, None if shares is None else shares[i], self.telling(beam), beam.top_types, known.classes)
            for i, question in enumerate(self.questions(part))
        ]

    def telling(self, beam: Beam) -> Telling:
        """Return how held-out rows are told."""
        return "shares" if self.config.knowledge == "soft" else beam.telling

    @cached_property
    def canonical(self) -> list[Question]:
        """The questions of the train rows in their canonical spelling, without class or type."""
        split = PreparedFolder.open(self.config.prepared).split("train")
        return [self.question(split.pair(row, -row)[0]) for row in self.types.rows[: self.config.rows].tolist()]

    @property
    def watched(self) -> Part:
        """The rows that training watches."""
        return self.types.held_out(WATCHED).first(self.config.watched)

    def measure(self) -> None:
        """Measure what prompts need: the nearest instruction of every row, where that is asked for."""
        if self.config.wording == "nearest":
            questions = (*self.canonical, *self.questions(self.watched), *self.questions(self.judged))
            self.prompts.measure(questions)


def asked(
    question: Question, shares: "Doubles | None", telling: Telling, top_types: int, classes: bool
) -> list[tuple[Question, float]]:
    """Return the ways of asking a question of whose types (or classes) the shares [k] are known; one where none are."""
    if shares is None:
        return [(question, 1.0)]
    if classes:
        return [(replace(question, reaction_class=int(shares.argmax()) + 1), 1.0)]
    ways = ways_of_telling(shares.tolist(), telling, top_types)
    return [(replace(question, reaction_types=labels), weight) for labels, weight in ways]


def run_arm(config: ArmConfig) -> Path:
    """Train and decode every seed of an arm; return its folder.

    Raises:
        UnfinishedError: A signal ended it; the same call goes on.
        DataError: The rows do not fit the types or the limits of the training.
        ModelError: The types or the checkpoint are damaged.
        ConfigError: The output belongs to another arm.
    """
    arm = Arm.open(config)
    _claim(arm)
    arm.measure()
    _write_data(arm)
    for seed in config.seeds:
        place = config.output / f"seed-{seed}"
        if all((place / f"{beam.name}.npz").is_file() for beam in config.beams):
            continue
        _decode(arm, _trained(arm, seed, place), place)
    return config.output


def _claim(arm: Arm) -> None:
    """Make the folder of an arm, or check that it is this one's."""
    facts = json.loads(json.dumps(_identity(arm)))
    path = arm.config.output / "arm.json"
    if path.is_file():
        if json.loads(path.read_text("utf-8")) != facts:
            raise ConfigError(f"{str(path.parent)!r} belongs to another arm.", "Choose another output folder.")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")


def _identity(arm: Arm) -> dict[str, object]:
    """Return what the answers of an arm depend on; further seeds and ways of decoding may be added later."""
    values = {key: value for key, value in as_dict(arm.config).items() if key not in ("output", "seeds", "beams")}
    files = {"types": arm.types.sha256, "start": checkpoint.weights_sha256(arm.config.start_from)}
    return {**values, "row_types": sha256(arm.config.row_types.read_bytes()).hexdigest(), **files}


def _write_data(arm: Arm) -> None:
    """Write the prepared folder of an arm where it is not there yet."""
    config, watched, folder = arm.config, arm.watched, arm.config.output / "data"
    if (folder / "manifest.json").is_file():
        return
    split, known = PreparedFolder.open(config.prepared).split("train"), arm.told(watched)
    train: list[Row] = [
        _row(arm, [split.pair(number, copy - number) for copy in range(split.copies)], known, place)
        for place, number in enumerate(arm.types.rows[: config.rows].tolist())
    ]
    valid: list[Row] = [
        [(arm.vocabulary.encode(arm.prompts.text(ways[0][0])), target)]
        for ways, (_, target) in zip(arm.wordings(watched, Beam()), watched.pairs, strict=True)
    ]
    with checkpoint.replacing(folder) as temporary:
        splits = {"train": train, "valid": valid}
        facts = {"knowledge": config.knowledge, "wordings": arm.prompts.facts(arm.types.task)}
        write_folder(temporary, arm.types.task, arm.vocabulary, splits, **facts)


def _row(arm: Arm, pairs: Row, known: Told, place: int) -> Row:
    """Return all spellings of a train row, each telling what is known of it."""
    canonical = arm.canonical[place].given
    shares = None if known.train is None else known.train[place]
    telling = arm.telling(Beam())
    told_pairs: list[tuple[Ids, Ids]] = []
    for source, target in pairs:
        ((question, _),) = asked(arm.question(source), shares, telling, 1, known.classes)
        told_pairs.append((arm.vocabulary.encode(arm.prompts.text(question, canonical)), target))
    return told_pairs


def _trained(arm: Arm, seed: int, place: Path) -> Path:
    """Return the checkpoint of one seed, trained if it is not there yet."""
    config = arm.config
    final = place / "final"
    if (final / checkpoint.CARD).is_file():
        return final
    training = replace(config.training, seed=seed)
    folder = train(TrainConfig(config.output / "data", place, training, start_from=config.start_from))
    if folder != final:
        raise UnfinishedError(f"the training of {str(place)!r} was stopped.", "The same command goes on.")
    return final


def _decode(arm: Arm, final: Path, place: Path) -> None:
    """Decode the judged rows in every way that has no answers yet."""
    config, model = arm.config, _engine(arm, final)
    for beam in config.beams:
        path = place / f"{beam.name}.npz"
        if path.is_file():
            continue
        texts = {arm.prompts.text(question) for ways in arm.wordings(arm.judged, beam) for question, _ in ways}
        sources = sorted({tuple(arm.vocabulary.encode(text)) for text in texts}, key=lambda ids: (len(ids), ids))
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


def _bare(text: str, task: str) -> str:
    """Return a prompt without its task, class and types."""
    text = text.removeprefix(f"<{task}>")
    while (mark := text.partition(">")[0] + ">") in _MARKS:
        text = text.removeprefix(mark)
    return text


_MARKS = frozenset((*CLASSES, *TYPES))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit code."""
    return run_with_config(lambda path, overrides: run_arm(load(ArmConfig, path, overrides)), arguments)


if __name__ == "__main__":
    raise SystemExit(main())
