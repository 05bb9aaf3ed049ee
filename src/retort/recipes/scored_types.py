"""Turn the annotator of frozen types into a language model that scores type tokens, which answers without torch."""

from dataclasses import replace
from pathlib import Path

from retort.elicitation.frozen import FrozenTypes, weights_sha256
from retort.inference.conversion import write_ctranslate2
from retort.models import checkpoint
from retort.models.annotator import ScoredAnnotator, fit_temperature, judge, type_tokens
from retort.recipes.type_training import TypeTraining


def scored_types(types: FrozenTypes, training: TypeTraining, number: int) -> tuple[FrozenTypes, Path]:
    """Train a language model to say the types, convert and judge it.

    The temperature is fitted on the part that training watched, the report is on the hold-out.

    Args:
        types: Frozen types of all rows that ``training`` knows.
        training: How a language model learns types.
        number: The round whose types they are.

    Returns:
        The types as the model reads them, and the model's folder in CTranslate2's format.

    Raises:
        DataError: No row fits the limits of the training.
        MissingExtraError: torch is not installed.
    """
    from retort.models.decoding import TorchSeq2Seq
    from retort.models.seq2seq import Seq2SeqModel

    labels = types.train.labels
    trained = training(labels, number)
    assert trained.folder is not None
    vocabulary = checkpoint.load(trained.folder).vocabulary
    raw = ScoredAnnotator(TorchSeq2Seq(Seq2SeqModel(trained.network)), type_tokens(vocabulary, training.types))
    watched, held = (
        raw.annotate([training.sources[i] for i in part]).probabilities
        for part in (training.parts.valid, training.parts.test)
    )
    temperature = fit_temperature(watched, labels[training.parts.valid])
    honest = replace(raw, temperature=temperature).annotate([training.sources[i] for i in training.parts.test])
    report = judge(labels[training.parts.test], held.argmax(axis=1), training.types, honest.probabilities)
    folder = trained.folder.parent / "scorer"
    with checkpoint.replacing(folder) as temporary:
        write_ctranslate2(trained.network.to("cpu"), vocabulary, temporary, "float32")
        vocabulary.save(temporary / checkpoint.VOCABULARY)
    card = replace(
        types.card,
        reading="scored",
        scorer_sha256=weights_sha256(folder),
        temperature=temperature,
        report={**types.card.report, "scored": report.as_dict()},
    )
    return replace(types, card=card, head=None), folder
