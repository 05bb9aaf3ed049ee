"""Local templates and the places where they apply, at prediction time: graph -> p(atom, template), in numpy.

One softmax runs over all atoms of a molecule and all templates at once. A template that applies at several atoms has
the probability of these atoms together. The network is a small graph transformer: atoms attend to one another with a
bias for their distance (Ying et al., NeurIPS 2021, arXiv:2106.05234) and sum over their neighbours by kind of bond. On
disk matrices are int8 with one float32 scale per column. No torch, no pickle.

Legend: ``a`` atoms, ``d`` width, ``h`` heads, ``t`` templates.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retort.chem.molecular_graph import ATOM_COLUMNS, MolecularGraph
from retort.config import option
from retort.errors import ModelError
from retort.models.boosted import read_model, write_model
from retort.models.ranker import Floats, quantize

FORMAT, VERSION = "retort-placer", 1
FARTHEST = 9  # atoms that are as many bonds apart, or more, or not joined, are alike
BOND_KINDS = 4  # single, double, triple, aromatic
OFFSETS = np.cumsum([0, *ATOM_COLUMNS.values()])[:-1]
ATOM_VALUES = sum(ATOM_COLUMNS.values())
_EPSILON = 1e-5
_STORED = "weight."


@dataclass(frozen=True, slots=True)
class PlacerSize:
    """The shape of the network."""

    width: int = option(192, help="numbers per atom")
    heads: int = option(6, help="attention heads; they divide the width")
    layers: int = option(5, help="layers")
    inner: int = option(384, help="width inside the two-layer network of each layer")


@dataclass(frozen=True, slots=True)
class PlacerMeta:
    """What a placer is and where it came from.

    Attributes:
        task: Name of the task it answers.
        size: Shape of the network.
        data_sha256: Hash of the training records.
        seed: Seed of the training run.
        training: Further settings of the run, for the record.
    """

    task: str
    size: PlacerSize
    data_sha256: str
    seed: int
    training: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Placer:
    """A trained network with its templates.

    Attributes:
        meta: What it is.
        weights: Parameters by the names of :class:`retort.models.placer_network.PlacerNetwork`, float32; matrices
            [in, out].
        classes: Local template SMARTS, one per column of the output.
        counts: int32 [t], how often each occurs in the training rows.
    """

    meta: PlacerMeta
    weights: Mapping[str, Floats]
    classes: tuple[str, ...]
    counts: NDArray[np.int32]

    def log_probabilities(self, graph: MolecularGraph) -> Floats:
        """Return log p(atom, template | molecule), natural logarithm, [a, t]; all of it together is one."""
        w = self.weights
        x: Floats = w["atoms"][graph.atoms.astype(np.int64) + OFFSETS].sum(axis=1)
        apart, bonded = distances(graph), neighbours(graph)
        for layer in range(self.meta.size.layers):
            x = self._layer(f"layers.{layer}.", x, apart, bonded)
        logits = _normal(x, w["norm.gain"], w["norm.bias"]) @ w["templates"] + w["templates_bias"]
        shifted = logits - logits.max()
        found: Floats = shifted - np.log(np.exp(shifted).sum())
        return found

    def _layer(self, name: str, x: Floats, apart: NDArray[np.int64], bonded: Floats) -> Floats:
        w, (atoms, width), heads = self.weights, x.shape, self.meta.size.heads
        y = _normal(x, w[name + "norm.gain"], w[name + "norm.bias"])
        q, k, v = (y @ w[name + "attend"]).reshape(atoms, 3, heads, -1).transpose(1, 2, 0, 3)  # each [h, a, d / h]
        logits = q @ k.transpose(0, 2, 1) / np.sqrt(width / heads) + w[name + "apart"][apart].transpose(2, 0, 1)
        shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        attended = (shares @ v).transpose(1, 0, 2).reshape(atoms, width) @ w[name + "attended"]
        near = (bonded @ ((y @ w[name + "near"]) * w[name + "kinds"][:, None])).sum(axis=0)
        x = x + attended + near
        inner = np.maximum(_normal(x, w[name + "norm2.gain"], w[name + "norm2.bias"]) @ w[name + "up"], 0)
        changed: Floats = x + inner @ w[name + "down"]
        return changed

    def save(self, path: Path) -> None:
        """Write the quantised network; raises OutputError where the file cannot be written."""
        arrays: dict[str, Any] = {
            "counts": self.counts,
            "classes": np.frombuffer("\n".join(self.classes).encode(), np.uint8),
        }
        for name, values in self.weights.items():
            if values.ndim == 2:
                arrays[_STORED + name], arrays[f"scale.{name}"] = quantize(values)
            else:
                arrays[_STORED + name] = values
        write_model(path, FORMAT, VERSION, asdict(self.meta), arrays)

    @classmethod
    def load(cls, path: Path) -> "Placer":
        """Read a placer file.

        Raises:
            ModelError: The file is missing, damaged, of another format or inconsistent in itself.
        """
        meta, arrays = read_model(path, FORMAT, VERSION)
        try:
            return _from_arrays(meta, arrays)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"cannot use the placer {str(path)!r}: {error}.", "Fetch or train it again.") from error


def distances(graph: MolecularGraph) -> NDArray[np.int64]:
    """Return how many bonds apart atoms are, 0 to ``FARTHEST``, [a, a]."""
    bonded = np.zeros((len(graph), len(graph)), bool)
    bonded[tuple(graph.ends.T.astype(np.int64))] = True
    return spread(bonded | bonded.T)


def spread(bonded: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the distances of atoms in one or several molecules from who is bonded to whom, [..., a, a]."""
    near, found = bonded.astype(np.float32), np.full(bonded.shape, FARTHEST, np.int64)
    reached = np.broadcast_to(np.eye(bonded.shape[-1], dtype=bool), bonded.shape)
    for distance in range(FARTHEST):
        found[reached & (found == FARTHEST)] = distance
        reached = reached | (reached.astype(np.float32) @ near > 0)
    return found


def neighbours(graph: MolecularGraph) -> Floats:
    """Return who is bonded to whom by each kind of bond, 0 or 1, [kinds, a, a]; other kinds count as single."""
    found = np.zeros((BOND_KINDS, len(graph), len(graph)), np.float32)
    kinds = np.where(graph.bonds[:, 0] < BOND_KINDS, graph.bonds[:, 0], 0).astype(np.int64)
    first, second = graph.ends.T.astype(np.int64)
    found[kinds, first, second] = found[kinds, second, first] = 1
    return found


def _normal(x: Floats, gain: Floats, bias: Floats) -> Floats:
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled: Floats = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + _EPSILON)
    return scaled * gain + bias


def _from_arrays(meta: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Placer:
    size = PlacerSize(**meta.pop("size"))
    weights: dict[str, Floats] = {}
    for key, values in arrays.items():
        if key.startswith(_STORED):
            name = key.removeprefix(_STORED)
            scaled = values.astype(np.float32)
            weights[name] = scaled * arrays[f"scale.{name}"] if values.ndim == 2 else scaled
    classes = tuple(arrays["classes"].tobytes().decode().split("\n"))
    shapes = (weights["atoms"].shape, weights["templates"].shape, arrays["counts"].shape)
    if shapes != ((ATOM_VALUES, size.width), (size.width, len(classes)), (len(classes),)):
        raise ValueError(f"the arrays do not fit each other: {shapes}")
    return Placer(PlacerMeta(size=size, **meta), weights, classes, arrays["counts"])
