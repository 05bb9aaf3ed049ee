"""Self-supervised pretraining of a graph encoder: guess the elements of hidden atoms and the types of hidden bonds.

Attribute masking of Hu et al. (ICLR 2020, arXiv:1905.12265). A hidden atom is one learned vector, whatever it is; a
hidden bond sends no word of itself in any layer. What the encoder has learned is reported beside the best guess that
reads no molecule, the most frequent element of the train molecules.

Legend: ``a`` atoms, ``e`` directed edges, ``d`` width, ``n`` hidden ones.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from retort.chem.molecular_graph import ATOM_COLUMNS, BOND_COLUMNS, GraphTable
from retort.models.graph_batch import GraphBatch
from retort.models.graph_encoder import GraphEncoder
from retort.training.graph_settings import GraphPretraining
from retort.training.ranker import rate

_CARBON = 5  # place of carbon among the elements


@dataclass(frozen=True, slots=True)
class Guesses:
    """What became of the hidden atoms, or bonds, of held-out molecules.

    Attributes:
        n: How many were hidden.
        accuracy: Share guessed right, 0..1.
        majority: Share that the most frequent kind of the train molecules would get right.
        n_minority: How many are of another kind than the most frequent one.
        minority_accuracy: Share of those guessed right; the majority guess has 0.
    """

    n: int
    accuracy: float
    majority: float
    n_minority: int
    minority_accuracy: float

    @classmethod
    def count(cls, guessed: Tensor, true: Tensor, frequent: int) -> "Guesses":
        """Compare guesses [n] with the truth [n]; ``frequent`` is the most frequent kind of the train molecules."""
        right, rare = guessed == true, true != frequent
        n, n_minority = len(true), int(rare.sum())
        return cls(
            n,
            float(right.sum()) / max(1, n),
            1 - n_minority / max(1, n) if n else 0.0,
            n_minority,
            float((right & rare).sum()) / max(1, n_minority),
        )


@dataclass(frozen=True, slots=True)
class GraphReport:
    """One look at held-out molecules: hidden atoms, hidden bonds, and the mean loss of both in nats."""

    atoms: Guesses
    bonds: Guesses
    loss: float


@dataclass(frozen=True, slots=True)
class Hidden:
    """What is hidden in a batch: atoms [a] and directed edges [e], both bool."""

    atoms: Tensor
    edges: Tensor


class MaskedGraphModel(nn.Module):
    """A graph encoder with what it needs to guess hidden parts; only the encoder is kept afterwards."""

    def __init__(self, encoder: GraphEncoder) -> None:
        super().__init__()
        width = encoder.config.width
        self.encoder = encoder
        self.hidden_atom = nn.Parameter(torch.zeros(width))
        self.element = nn.Linear(width, ATOM_COLUMNS["element"])
        self.bond_type = nn.Linear(width, BOND_COLUMNS["type"])

    def forward(self, batch: GraphBatch, hidden: Hidden) -> tuple[Tensor, Tensor]:
        """Return logits of the elements of hidden atoms [n, 119] and of the types of hidden bonds [n, 5]."""
        start = torch.where(hidden.atoms[:, None], self.hidden_atom, self.encoder.embed(batch))
        states = self.encoder.pass_messages(start, batch, (~hidden.edges).to(start.dtype))
        ends = batch.edges[:, hidden.edges][:, ::2]  # both directions of a bond stand together
        return self.element(states[hidden.atoms]), self.bond_type(states[ends[0]] + states[ends[1]])


def truth(batch: GraphBatch, hidden: Hidden) -> tuple[Tensor, Tensor]:
    """Return the elements of hidden atoms and the types of hidden bonds; int64 [n] each."""
    return batch.atoms[hidden.atoms, 0], batch.bonds[hidden.edges, 0][::2]


def hide(batch: GraphBatch, settings: GraphPretraining, generator: torch.Generator) -> Hidden:
    """Draw what is hidden: every atom and every bond by itself, a bond in both directions."""
    atoms = torch.rand(len(batch.atoms), generator=generator) < settings.atom_share
    bonds = torch.rand(len(batch.bonds) // 2, generator=generator) < settings.bond_share
    return Hidden(atoms, bonds.repeat_interleave(2))


def pretrain(
    encoder: GraphEncoder,
    train: GraphTable,
    valid: GraphTable,
    settings: GraphPretraining,
    watch: Callable[[int, float, GraphReport, float], None],
) -> GraphReport:
    """Train an encoder in place; return the report on the held-out molecules after the last epoch.

    Args:
        encoder: Changed in place; in evaluation mode afterwards.
        train: Molecules to learn from.
        valid: Held-out molecules; what is hidden of them is the same at every look.
        settings: How to train.
        watch: Called after every epoch with its number from 1, mean train loss, report and seconds since the start.
    """
    torch.manual_seed(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    model = MaskedGraphModel(encoder)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    steps = settings.epochs * -(-len(train) // settings.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, steps))
    frequent = majority(train)
    order = np.random.default_rng(settings.seed)
    start = time.perf_counter()
    for epoch in range(1, settings.epochs + 1):
        model.train()
        total = 0.0
        for batch in batches(train, settings.batch_size, order.permutation(len(train))):
            hidden = hide(batch, settings, generator)
            loss = masked_loss(model(batch, hidden), truth(batch, hidden))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
        report = look(model, valid, settings, frequent)
        watch(epoch, total / len(train), report, time.perf_counter() - start)
    return report


def masked_loss(logits: tuple[Tensor, Tensor], true: tuple[Tensor, Tensor]) -> Tensor:
    """Return the mean cross-entropy of hidden atoms plus that of hidden bonds, in nats; 0 where nothing is hidden."""
    losses = [
        functional.cross_entropy(guesses, kinds, reduction="sum") / max(1, len(kinds))
        for guesses, kinds in zip(logits, true, strict=True)
    ]
    return torch.stack(losses).sum()


@torch.no_grad()
def look(
    model: MaskedGraphModel, valid: GraphTable, settings: GraphPretraining, frequent: tuple[int, int]
) -> GraphReport:
    """Let a model guess what is hidden of held-out molecules; ``frequent`` as :func:`majority` returns it."""
    model.eval()
    generator = torch.Generator().manual_seed(settings.seed)
    answers: list[tuple[Tensor, ...]] = []
    loss = 0.0
    for batch in batches(valid, settings.batch_size, np.arange(len(valid))):
        hidden = hide(batch, settings, generator)
        (atoms, bonds), (elements, types) = logits, true = model(batch, hidden), truth(batch, hidden)
        answers.append((atoms.argmax(1), elements, bonds.argmax(1), types))
        loss += float(masked_loss(logits, true)) * len(batch) / len(valid)
    atoms, elements, bonds, types = (torch.cat(column) for column in zip(*answers, strict=True))
    return GraphReport(Guesses.count(atoms, elements, frequent[0]), Guesses.count(bonds, types, frequent[1]), loss)


def majority(table: GraphTable) -> tuple[int, int]:
    """Return the most frequent element and bond type of the molecules of a table."""
    elements = np.bincount(table.atoms[:, 0], minlength=_CARBON + 1)
    types = np.bincount(table.bonds[:, 0], minlength=1)
    return int(elements.argmax()), int(types.argmax())


def batches(table: GraphTable, size: int, order: NDArray[np.int64] | Sequence[int]) -> Iterator[GraphBatch]:
    """Yield the graphs of a table in an order, so many at a time."""
    for start in range(0, len(order), size):
        yield GraphBatch.collate([table[int(index)] for index in order[start : start + size]])
