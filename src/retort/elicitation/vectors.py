"""Reaction vectors: what the encoder of a language model makes of the two sides of a reaction.

Every text is encoded by itself and its last hidden states are averaged over its own tokens, never over padding, so a
vector does not depend on which rows share its batch (it does in the published code). Encodings follow SLM4CRP
(arXiv 2404.09606): ``output``, ``difference``, ``concat_text``, ``dot_product``; ``concat_vectors`` and ``input`` are
ours. The vectors know no chemistry but the encoder's, and nothing of what the token ids spell: a type token in a
prompt would be read like any other token.

Legend: ``b`` rows of a batch, ``s`` tokens, ``n`` rows, ``d`` hidden size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from retort.data.collate import PreparedSplit, Rows
from retort.elicitation.checks import Floats
from retort.elicitation.projection import Projection
from retort.errors import DataError, UnknownNameError
from retort.models.pooling import Tokens, encoder_sha256, pooled, sha256_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Encoding = Literal["input", "output", "difference", "concat_text", "concat_vectors", "dot_product"]
ENCODINGS: tuple[Encoding, ...] = ("output", "difference", "concat_text", "concat_vectors", "dot_product")
PUBLISHED: tuple[Encoding, ...] = ("output", "difference", "concat_text", "dot_product")
CONTROL: Encoding = "input"  # its types can always be read and say nothing of the output
Pair: TypeAlias = "tuple[Tokens, Tokens]"


def encoding_named(name: str) -> Encoding:
    """Return the encoding of a name; raises UnknownNameError where there is none."""
    for known in get_args(Encoding):
        if name == known:
            found: Encoding = known
            return found
    raise UnknownNameError("encoding", name, get_args(Encoding))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where vectors come from.

    Attributes:
        encoder: SHA-256 of the encoder's weights, or the name of a fingerprint.
        rows: SHA-256 of the token ids or texts that were encoded, in order.
        projections: What was applied after pooling, first to last.
    """

    encoder: str
    rows: str
    projections: tuple[str, ...] = ()

    def projected(self, projection: Projection) -> "Origin":
        """Return the origin of the projected vectors."""
        return replace(self, projections=(*self.projections, projection.label))


@dataclass(frozen=True, eq=False)
class ReactionVectors:
    """One vector per reaction.

    Attributes:
        values: float32 [n, d].
        encoding: How input and output were joined.
        origin: What made them.
    """

    values: Floats
    encoding: str
    origin: Origin

    def __len__(self) -> int:
        return len(self.values)

    def projected(self, projection: Projection) -> "ReactionVectors":
        """Return the vectors behind a projection; raises as :meth:`Projection.apply`."""
        return replace(self, values=projection.apply(self.values), origin=self.origin.projected(projection))


@dataclass(frozen=True, eq=False)
class TextVectors:
    """Pooled vectors of the texts of reactions, from which every encoding follows.

    Attributes:
        inputs: Of the inputs, float32 [n, d].
        outputs: Of the outputs, float32 [n, d].
        joined: Of input and output read in one pass, float32 [n, d]; None where it was not asked for.
        origin: What made them.
    """

    inputs: Floats
    outputs: Floats
    joined: Floats | None
    origin: Origin

    def projected(self, projection: Projection) -> "TextVectors":
        """Return each text's vector behind a projection: the published order, which projects before it combines.

        After a combination is the other place for one: :meth:`ReactionVectors.projected`. The two differ for
        ``dot_product`` and ``concat_vectors``, and by a shift for ``difference``.
        """
        joined = None if self.joined is None else projection.apply(self.joined)
        origin = self.origin.projected(projection)
        return TextVectors(projection.apply(self.inputs), projection.apply(self.outputs), joined, origin)

    def reaction(self, encoding: Encoding) -> ReactionVectors:
        """Return the reaction vectors of an encoding.

        ``input`` [n, d] ignores the output, for controls and for annotators; ``difference`` is output minus input
        [n, d]; ``concat_vectors`` is input, then output [n, 2 d]; ``dot_product`` is a number per row [n, 1].

        Raises:
            DataError: ``concat_text`` is asked for and the joined texts were not encoded.
        """
        if encoding == "concat_text" and self.joined is None:
            raise DataError("the joined texts were not encoded.", "Call pooled_texts with joined=True.")
        return ReactionVectors(self._combined(encoding), encoding, self.origin)

    def behind(self, projection: Projection, encoding: Encoding) -> ReactionVectors:
        """Return the reaction vectors behind a projection, in the place where each kind belongs.

        A random one is applied to the texts and then they are combined, as published; any other to the combination.
        Raises as :meth:`reaction` and :meth:`Projection.apply`.
        """
        if projection.kind == "random":
            return self.projected(projection).reaction(encoding)
        return self.reaction(encoding).projected(projection)

    def _combined(self, encoding: Encoding) -> Floats:
        if encoding == "difference":
            change: Floats = self.outputs - self.inputs
            return change
        if encoding == "concat_vectors":
            return np.concatenate([self.inputs, self.outputs], axis=1)
        if encoding == "dot_product":
            products: Floats = np.einsum("nd,nd->n", self.inputs, self.outputs, dtype=np.float64).astype(np.float32)
            return products[:, None]
        if encoding == "concat_text" and self.joined is not None:
            return self.joined
        return self.inputs if encoding == "input" else self.outputs


def pairs_of(split: PreparedSplit, rows: Rows, epoch: int = 0) -> list[Pair]:
    """Return source and target token ids of rows in the spelling of an epoch, each ended by ``</s>``."""
    return [split.pair(row, epoch) for row in rows.tolist()]


def pooled_texts(
    network: "PreTrainedModel", pairs: Sequence[Pair], *, joined: bool = True, tokens_per_batch: int = 16_384
) -> TextVectors:
    """Encode both sides of reactions and, with ``joined``, their concatenation in one pass.

    Args:
        network: Any Hugging Face encoder-decoder; dropout is off while it encodes, and its mode is kept.
        pairs: Token ids of input and output, each ended by the end-of-text token. The joined text is the two one after
            the other, that token in the middle included, and padding only at its end.
        joined: Whether ``concat_text`` will be wanted; it costs as much as the other two texts together.
        tokens_per_batch: Most tokens of a batch, padding included.

    Raises:
        DataError: A text is empty or longer than the encoder can read.
    """
    sources, targets = ([np.asarray(pair[side], np.int64) for pair in pairs] for side in (0, 1))
    origin = Origin(
        encoder_sha256(network), sha256_of(ids.tobytes() for pair in zip(sources, targets, strict=True) for ids in pair)
    )
    both = [np.concatenate(pair) for pair in zip(sources, targets, strict=True)] if joined else None
    inputs, outputs = (pooled(network, texts, tokens_per_batch=tokens_per_batch) for texts in (sources, targets))
    whole = None if both is None else pooled(network, both, tokens_per_batch=tokens_per_batch)
    return TextVectors(inputs, outputs, whole, origin)


def fingerprint_vectors(reactions: Sequence[str], *, bits: int = 2048, radius: int = 2) -> ReactionVectors:
    """Return reaction difference fingerprints, float32 [n, bits]: a reference that no network has touched.

    Hashed Morgan counts of the products minus those of the reactants, chirality told apart, damped as
    ``sign(c) log(1 + |c|)``: the difference half of the ``reaction`` kind of :mod:`retort.chem.fingerprints`, after
    Schneider, Lowe, Sayle and Landrum (J. Chem. Inf. Model. 2015, 55, 39). Reagents between two ``>`` do not count.

    Args:
        reactions: ``reactants>>products`` or ``reactants>reagents>products``, SMILES.
        bits: Length of a vector.
        radius: Bonds around each atom.

    Raises:
        ChemistryError: A molecule cannot be read.
    """
    from retort.chem.fingerprints import Fingerprint

    recipe = Fingerprint("reaction", 2 * bits, radius)
    values = np.ascontiguousarray(recipe.dense(reactions)[:, :bits])
    name = f"Morgan difference, radius {radius}, {bits} bits, chirality, log counts"
    return ReactionVectors(
        values, "fingerprint_difference", Origin(name, sha256_of(f"{r}\n".encode() for r in reactions))
    )
