"""All that stands between molecules and a language model: encoders and their projectors.

The graph encoder is always there; a conformer encoder may stand beside it. Each has a projector, and a molecule's
tokens are those of its graph followed by those of its shape.

Legend: ``g`` molecules, ``n`` tokens of all molecules, ``w`` width of the language model.
"""

from dataclasses import dataclass, field

from torch import Tensor, nn

from retort.models.conformer_encoder import ConformerEncoder, ConformerEncoderConfig
from retort.models.graph_batch import GraphBatch
from retort.models.graph_encoder import GraphEncoderConfig, build_graph_encoder
from retort.models.projector import Projector, ProjectorConfig, merged


@dataclass(frozen=True, slots=True)
class ShapeConfig:
    """The second view of a molecule, by a conformer."""

    encoder: ConformerEncoderConfig = field(
        default_factory=ConformerEncoderConfig, metadata={"help": "the conformer encoder"}
    )
    projector: ProjectorConfig = field(
        default_factory=lambda: ProjectorConfig(granularity="graph"), metadata={"help": "its projector"}
    )


@dataclass(frozen=True, slots=True)
class MoleculeReaderConfig:
    """How molecules become tokens of a language model."""

    encoder: GraphEncoderConfig = field(default_factory=GraphEncoderConfig, metadata={"help": "the graph encoder"})
    projector: ProjectorConfig = field(default_factory=ProjectorConfig, metadata={"help": "its projector"})
    shape: ShapeConfig | None = field(default=None, metadata={"help": "a conformer encoder beside it; none by default"})

    def tokens(self, atoms: int) -> int:
        """Return how many tokens a molecule of so many atoms becomes."""
        return self.projector.tokens(atoms) + (self.shape.projector.tokens(atoms) if self.shape else 0)


class MoleculeReader(nn.Module):
    """Molecules -> tokens of a language model."""

    def __init__(self, config: MoleculeReaderConfig, model_width: int) -> None:
        super().__init__()
        self.config = config
        self.graph_encoder = build_graph_encoder(config.encoder)
        self.projector = Projector(config.projector, config.encoder.width, model_width)
        shape = config.shape
        self.conformer_encoder = ConformerEncoder(shape.encoder) if shape else None
        self.conformer_projector = Projector(shape.projector, shape.encoder.width, model_width) if shape else None

    def forward(self, batch: GraphBatch) -> tuple[Tensor, Tensor]:
        """Return the tokens [n, w] of all molecules, one after another, and how many each has [g]."""
        parts = [self.projector(self.graph_encoder(batch), batch)]
        if self.conformer_encoder is not None and self.conformer_projector is not None:
            parts.append(self.conformer_projector(self.conformer_encoder(batch), batch))
        return merged(parts)
