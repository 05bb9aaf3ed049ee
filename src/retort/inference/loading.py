"""Build the proposers that a model folder describes; each kind and engine is imported only when it is needed."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from retort.errors import ModelError
from retort.inference.foreign_vocabulary import ForeignVocabulary
from retort.inference.model_folder import ModelCard, ModelFolder, ProposerEntry
from retort.inference.proposer import Proposer
from retort.inference.training_answers import NEAREST
from retort.models.protocol import Seq2Seq, Words
from retort.prompting.prompt_card import PROMPTS
from retort.prompting.vocabulary import Vocabulary

if TYPE_CHECKING:
    from retort.inference.proposers.language_model import LanguageModel

OF_FILES = {
    "template_ranker": "TemplateRanker",
    "template_placer": "TemplatePlacer",
    "answer_ranker": "AnswerRanker",
    "boosted_trees": "BoostedTrees",
    "boosted_values": "ValueTrees",
    "value_network": "ValueProposer",
    "candidate_means": "PopularCandidates",
    "popularity": "Popularity",
    "nearest_template": "NearestTemplate",
}
"""Kinds of proposers that are one file -> the class that reads it, in the module named after the kind."""


def load_proposers(folder: ModelFolder, names: Iterable[str], augmentations: int | None) -> dict[str, Proposer]:
    """Load proposers by their names in ``model.json``.

    Args:
        folder: The model.
        names: What to load.
        augmentations: Spellings per question of language models; None keeps the model's own number.

    Raises:
        ModelError: A kind or engine is unknown, or a file is missing or damaged.
    """
    return {name: _load(folder, name, augmentations) for name in names}


def shown_name(card: ModelCard, name: str) -> str:
    """Return what candidates call a proposer: its kind, or its own name where a task merges several of that kind."""
    kind = card.proposers[name].kind
    teams = [team.proposers for team in card.tasks.values() if name in team.proposers]
    alike = (other for team in teams for other in team if other != name and card.proposers[other].kind == kind)
    return name if any(alike) else kind


def _load(folder: ModelFolder, name: str, augmentations: int | None) -> Proposer:
    entry, shown = folder.card.proposers[name], shown_name(folder.card, name)
    if entry.kind == "language_model":
        return _language_model(folder, name, entry, augmentations, shown)
    if entry.kind == "typed_language_model":
        return _typed(folder, name, entry, _language_model(folder, name, entry, augmentations, shown))
    if entry.kind in NEAREST:
        from retort.inference.proposers.nearest_reaction import NearestReaction

        return NearestReaction.load(_ranker_file(folder, name, entry), shown, entry.kind)
    if entry.kind not in OF_FILES:
        raise ModelError(f"model {folder.card.name!r}: proposer {name!r} is of the unknown kind {entry.kind!r}.")
    module = import_module(f"retort.inference.proposers.{entry.kind}")
    proposer: Proposer = getattr(module, OF_FILES[entry.kind]).load(_ranker_file(folder, name, entry), shown)
    return proposer


def _ranker_file(folder: ModelFolder, name: str, entry: ProposerEntry) -> Path:
    if entry.file is None:
        raise ModelError(f"model {folder.card.name!r}: proposer {name!r} names no file.")
    return folder.file(entry.file)


def _typed(folder: ModelFolder, name: str, entry: ProposerEntry, model: "LanguageModel") -> Proposer:
    from retort.elicitation.frozen import FrozenTypes
    from retort.inference.proposers.typed_language_model import TypedLanguageModel, TypeReader

    if entry.types is None:
        raise ModelError(f"model {folder.card.name!r}: proposer {name!r} names no folder of types.")
    types = FrozenTypes.load(folder.folder(entry.types))
    encoder = types.encoder_folder(folder.path / entry.types)
    vocabulary = Vocabulary.load(encoder / "vocabulary.json")
    annotator = types.annotator(encoder, lambda path, words: _engine("ctranslate2", path, words))
    reader = TypeReader(types.card.task, annotator, vocabulary, types.card.range)
    return TypedLanguageModel(model, reader, entry.telling, entry.top_types)


def _language_model(
    folder: ModelFolder, name: str, entry: ProposerEntry, augmentations: int | None, shown: str
) -> "LanguageModel":
    from retort.inference.proposers.language_model import Decoding, LanguageModel

    if entry.folder is None:
        raise ModelError(f"model {folder.card.name!r}: proposer {name!r} names no folder.")
    path = folder.folder(entry.folder)
    decoding = Decoding(augmentations or entry.augmentations, entry.beam_size)
    if (path / PROMPTS).is_file():
        words = ForeignVocabulary.load(path)
        foreign = _engine(entry.engine, path, words, entry.patience)
        return LanguageModel(foreign, words, decoding, shown, words.card.prompt)
    vocabulary = Vocabulary.load(path / "vocabulary.json")
    if entry.engine == "multimodal":
        from retort.inference.engines.multimodal import MultimodalEngine

        reader = MultimodalEngine(path, vocabulary, decoding.max_target_tokens)
        return LanguageModel(reader, vocabulary, decoding, shown, reader.prompt)
    return LanguageModel(_engine(entry.engine, path, vocabulary, entry.patience), vocabulary, decoding, shown)


def _engine(engine: str, path: Path, vocabulary: Words, patience: float = 1.0) -> Seq2Seq:
    if engine == "ctranslate2":
        from retort.inference.engines.ctranslate2 import CTranslate2Engine

        return CTranslate2Engine(path, vocabulary, patience=patience)
    if engine == "transformers":
        from retort.inference.engines.transformers import TransformersEngine

        return TransformersEngine(path, vocabulary)
    if engine == "toy":
        from retort.models.toy import ToySeq2Seq

        return ToySeq2Seq(vocabulary)
    if engine == "recorded":
        from retort.models.recorded import RecordedSeq2Seq

        return RecordedSeq2Seq(sorted(path.glob("*.npz")))
    raise ModelError(
        f"{str(path)!r}: unknown engine {engine!r}.", "Known: ctranslate2, transformers, multimodal, recorded, toy."
    )
