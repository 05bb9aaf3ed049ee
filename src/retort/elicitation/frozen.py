"""Frozen types: one folder that says what the types of a task are and reads them, today and on another machine.

Layout (version 1)::

    types.json       task, encoding, number and names of types, encoder, provenance, report, SHA-256 of the other files
    projection.npz   what vectors are projected by before they are clustered
    clustering.npz   centroids; the row number is the type id
    probe.npz        the linear annotator on pooled input vectors; absent where a language model scores type tokens
    train.npz        train rows: their numbers in the prepared folder, types, and probabilities out of fold
    encoder/         the encoder's model folder, where it is carried along; else types.json says where it is

The annotator reads inputs alone, so it needs neither projection nor clustering: these give the types of reactions whose
output is known. Loading needs numpy alone.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from retort.elicitation import storage
from retort.elicitation.checks import Floats, LabelError, Labels, type_ids
from retort.elicitation.clustering import Clustering
from retort.elicitation.projection import Projection
from retort.elicitation.vectors import Encoding, TextVectors
from retort.errors import MissingExtraError, ModelError, UsageError
from retort.models import checkpoint
from retort.models.annotator import Annotator, LinearHead, ProbeAnnotator, ScoredAnnotator, type_tokens
from retort.models.pooling import Tokens, encoder_sha256, pooled
from retort.models.protocol import Seq2Seq
from retort.prompting.reaction_types import TypeRange
from retort.prompting.vocabulary import Vocabulary

FORMAT, VERSION = "retort-types", 1
CARD, ENCODER = "types.json", "encoder"
Reading = Literal["probe", "scored"]
_AGAIN = "Elicit the types again with this version of retort."


@dataclass(frozen=True)
class TypesCard:
    """What ``types.json`` says beside format, version and checksums.

    Attributes:
        task: Whose inputs are read.
        encoding: How input and output were joined before clustering.
        types: Number of types, N; ids are 0..N-1.
        reading: Whether a probe or a scoring language model reads the type.
        encoder_sha256: SHA-256 of the weights of the encoder that made the vectors, and that a probe reads.
        encoder: Folder of what reads, that encoder or the language model that scores, relative to this folder or as it
            was named; None where it was never on disk.
        names: Label map: one name per type; empty where types have none.
        scorer_sha256: What identifies the weights of a language model that scores; empty for a probe.
        temperature: Of a scoring language model; a probe keeps its own.
        provenance: Where the types come from: configuration, data checksums, round.
        report: What the annotator and the clustering are worth, on train rows.
    """

    task: str
    encoding: Encoding
    types: int
    reading: Reading
    encoder_sha256: str
    encoder: str | None
    names: tuple[str, ...] = ()
    scorer_sha256: str = ""
    temperature: float = 1.0
    provenance: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def range(self) -> TypeRange:
        """The types as prompts show them."""
        return TypeRange(self.types, names=self.names)


@dataclass(frozen=True, eq=False)
class TrainTypes:
    """The types of the train rows they were elicited from.

    Attributes:
        rows: Numbers of the rows in the prepared folder's train part, int64 [n].
        labels: The cluster of each, which has seen the output; int64 [n].
        out_of_fold: What an annotator that has not seen the row reads from its input, float32 [n, k].
    """

    rows: Labels
    labels: Labels
    out_of_fold: Floats


@dataclass(frozen=True, eq=False)
class FrozenTypes:
    """Types that change no more.

    Attributes:
        card: What they are.
        projection: Applied as :meth:`TextVectors.behind` does.
        clustering: Types as centroids.
        train: The types of the train rows.
        head: The probe; None where a language model scores.
    """

    card: TypesCard
    projection: Projection
    clustering: Clustering
    train: TrainTypes
    head: LinearHead | None

    def of_known(self, texts: TextVectors) -> Labels:
        """Return the types of reactions whose output is known, int64 [n]: an oracle, never for test rows.

        Raises:
            ModelError: The vectors are of another encoder.
        """
        self._refuse_other(texts.origin.encoder, "what made these vectors")
        return self.clustering.assign(texts.behind(self.projection, self.card.encoding).values)

    def save(self, folder: Path, encoder: Path | None = None) -> None:
        """Write the folder, replacing an older one at once.

        Args:
            folder: Where.
            encoder: Model folder to carry along; without it the card's reference stays as it is.

        Raises:
            OutputError: The disk is full or may not be written.
        """
        with checkpoint.replacing(folder) as temporary:
            self.projection.save(temporary / "projection.npz")
            self.clustering.save(temporary / "clustering.npz")
            if self.head is not None:
                settings = {"temperature": self.head.temperature}
                arrays = {"weight": self.head.weight, "bias": self.head.bias}
                storage.write(temporary / "probe.npz", "retort-probe", VERSION, settings, arrays)
            storage.write(temporary / "train.npz", "retort-train-types", VERSION, {}, vars(self.train))
            card = self.card
            if encoder is not None:
                shutil.copytree(encoder, temporary / ENCODER)
                card = replace(card, encoder=ENCODER)
            files = {path.name: checkpoint.file_sha256(path) for path in sorted(temporary.glob("*.npz"))}
            content = {"format": FORMAT, "version": VERSION, **asdict(card), "files": files}
            (temporary / CARD).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> "FrozenTypes":
        """Read a folder.

        Raises:
            ModelError: It is absent, damaged, of another version, or its parts do not fit together.
        """
        card = _card(folder)
        head = _head(folder) if card.reading == "probe" else None
        train = storage.read(folder / "train.npz", "retort-train-types", VERSION)[1]
        found = cls(
            card,
            Projection.load(folder / "projection.npz"),
            Clustering.load(folder / "clustering.npz"),
            _train(train, card.types, folder),
            head,
        )
        counts = {found.clustering.types, card.types, *([] if head is None else [len(head.bias)])}
        if len(counts) > 1:
            raise ModelError(f"the files of {str(folder)!r} are of {sorted(counts)} types.", _AGAIN)
        return found

    def encoder_folder(self, folder: Path) -> Path:
        """Return the encoder's folder of types that lie in ``folder``.

        Raises:
            ModelError: It is named nowhere, or not there.
        """
        named = self.card.encoder
        for place in () if named is None else (folder / named, Path(named)):
            if (place / checkpoint.VOCABULARY).is_file():
                return place
        raise ModelError(
            f"the encoder of the types in {str(folder)!r} is not there: {named}.", "Name its folder with --encoder."
        )

    def annotator(self, encoder: Path, engine: Callable[[Path, Vocabulary], Seq2Seq] | None = None) -> Annotator:
        """Return the annotator of these types.

        Args:
            encoder: The encoder's model folder.
            engine: Opens a language model that scores; a probe needs none.

        Raises:
            MissingExtraError: The probe's encoder needs torch, which is not installed.
            ModelError: The folder is damaged or holds another encoder.
        """
        if self.head is not None:
            return ProbeAnnotator(self.head, self._reader(encoder))
        if engine is None:
            raise ModelError("these types are read by a language model that scores.", "Give what runs it.")
        self._refuse_other(weights_sha256(encoder), repr(str(encoder)), self.card.scorer_sha256)
        vocabulary = Vocabulary.load(encoder / checkpoint.VOCABULARY)
        tokens = type_tokens(vocabulary, self.card.types)
        return ScoredAnnotator(engine(encoder, vocabulary), tokens, self.card.temperature)

    def _reader(self, folder: Path) -> Callable[[Sequence[Tokens]], Floats]:
        try:
            from transformers.utils.logging import disable_progress_bar

            disable_progress_bar()  # standard error is for our own words
            network = checkpoint.load(folder).network
        except ImportError as error:
            raise MissingExtraError("reading types with a probe", "train") from error
        self._refuse_other(encoder_sha256(network), repr(str(folder)))
        return lambda sources: pooled(network, sources)

    def _refuse_other(self, sha256: str, what: str, expected: str = "") -> None:
        expected = expected or self.card.encoder_sha256
        if sha256 != expected:
            raise ModelError(
                f"the types are of the model {expected[:12]}..., {what} is of {sha256[:12]}...",
                "Use the model that made them.",
            )


def weights_sha256(folder: Path) -> str:
    """Return what identifies the weights of a language model's folder, of CTranslate2 or of Hugging Face."""
    model = folder / "model.bin"
    return checkpoint.file_sha256(model) if model.is_file() else checkpoint.weights_sha256(folder)


def _card(folder: Path) -> TypesCard:
    try:
        values = json.loads((folder / CARD).read_text("utf-8"))
        kind, version, files = values.pop("format"), values.pop("version"), dict(values.pop("files"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{str(folder)!r} is no folder of frozen types: {CARD}: {error}.", _AGAIN) from error
    if (kind, version) != (FORMAT, VERSION):
        raise ModelError(f"{str(folder)!r} is {kind!r} version {version!r}, not {FORMAT!r} version {VERSION}.", _AGAIN)
    for name, expected in files.items():
        if not (folder / name).is_file() or checkpoint.file_sha256(folder / name) != expected:
            raise ModelError(f"{str(folder / name)!r} is missing or damaged.", "Copy the folder again.")
    try:
        card = TypesCard(**{**values, "names": tuple(values["names"])})
        fits = (
            card.encoding in get_args(Encoding) and card.reading in get_args(Reading) and card.range.count == card.types
        )
    except (TypeError, KeyError, UsageError) as error:
        raise ModelError(f"{str(folder / CARD)!r} does not say what it must: {error}.", _AGAIN) from error
    if not fits:
        raise ModelError(f"{str(folder / CARD)!r} names {card.encoding!r}, {card.reading!r}.", _AGAIN)
    return card


def _head(folder: Path) -> LinearHead:
    settings, arrays = storage.read(folder / "probe.npz", "retort-probe", VERSION)
    weight, bias = arrays.get("weight"), arrays.get("bias")
    if weight is None or bias is None or weight.ndim != 2 or bias.shape != weight.shape[1:]:
        raise ModelError(f"the arrays of {str(folder / 'probe.npz')!r} do not fit together.", _AGAIN)
    return LinearHead(weight, bias, float(settings["temperature"]))


def _train(arrays: Mapping[str, Any], types: int, folder: Path) -> TrainTypes:
    try:
        rows, chances = arrays["rows"], arrays["out_of_fold"]
        labels = type_ids(arrays["labels"], types, len(rows))
    except (KeyError, TypeError, LabelError) as error:
        raise ModelError(f"{str(folder / 'train.npz')!r} does not fit the types: {error}", _AGAIN) from error
    if chances.shape != (len(rows), types):
        raise ModelError(f"{str(folder / 'train.npz')!r} has probabilities of the shape {list(chances.shape)}.", _AGAIN)
    return TrainTypes(rows.astype(np.int64), labels, chances.astype(np.float32))
