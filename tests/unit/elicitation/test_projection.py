"""Projections: what each keeps, that the published order is the same, and that a stored one gives the same numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch

from retort.elicitation import storage
from retort.elicitation.checks import Floats, NonFiniteError
from retort.elicitation.projection import Kind, Projection, fit_projection, pca, random_projection
from retort.errors import ConfigError, ModelError


@pytest.fixture(scope="module")
def vectors() -> Floats:
    random = np.random.default_rng(0)
    return (random.standard_normal((60, 3)) @ random.standard_normal((3, 8)) + 5).astype(np.float32)


def test_none_returns_what_it_gets(vectors: Floats) -> None:
    assert (fit_projection("none", vectors).apply(vectors) == vectors).all()


def test_as_many_components_as_dimensions_that_vary_keep_all_distances(vectors: Floats) -> None:
    projection = fit_projection("pca", vectors, 3)
    kept = projection.apply(vectors)
    before, after = (np.linalg.norm(v[:, None] - v[None], axis=2) for v in (vectors, kept))
    assert projection.explained == pytest.approx(1.0, abs=1e-5)
    assert after == pytest.approx(before, abs=1e-3)
    assert kept.mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-4)


def test_components_come_by_variance_and_twice_the_same(vectors: Floats) -> None:
    kept = pca(vectors, 3).apply(vectors)
    assert (np.diff(kept.var(axis=0)) < 0).all()
    assert (pca(vectors, 3).apply(vectors) == kept).all()


def test_fewer_rows_than_columns_and_constant_vectors_are_projected(vectors: Floats) -> None:
    assert pca(vectors[:4], 4).apply(vectors).shape == (60, 4)
    constant = np.ones((5, 3), np.float32)
    assert np.ptp(pca(constant, 2).apply(constant), axis=0).tolist() == [0.0, 0.0]


def test_the_random_one_is_a_linear_layer_and_comes_from_its_seed(vectors: Floats) -> None:
    projection = fit_projection("random", vectors, 2, seed=7)
    assert projection.weight is not None
    assert np.abs(projection.weight).max() <= 1 / np.sqrt(8)
    assert (random_projection(8, 2, 7).apply(vectors) == projection.apply(vectors)).all()
    assert (random_projection(8, 2, 8).apply(vectors) != projection.apply(vectors)).any()


def test_projecting_the_mean_is_the_mean_of_projected_tokens(vectors: Floats) -> None:
    """The published code projects every token and averages after that."""
    projection = random_projection(8, 2, 1)
    layer = torch.nn.Linear(8, 2)
    assert projection.weight is not None
    assert projection.bias is not None
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(projection.weight.T))
        layer.bias.copy_(torch.from_numpy(projection.bias))
        published = layer(torch.from_numpy(vectors)).mean(0).numpy()
    assert projection.apply(vectors.mean(0, keepdims=True))[0] == pytest.approx(published, abs=1e-5)


@pytest.mark.parametrize("kind", ["none", "pca", "random"])
def test_a_stored_projection_gives_the_same_numbers(vectors: Floats, kind: Kind, tmp_path: Path) -> None:
    projection = fit_projection(kind, vectors, 2, seed=3)
    projection.save(tmp_path / "p.npz")
    loaded = Projection.load(tmp_path / "p.npz")
    assert (loaded.apply(vectors) == projection.apply(vectors)).all()
    assert (loaded.kind, loaded.seed, loaded.label) == (projection.kind, projection.seed, projection.label)


def test_what_cannot_be_projected_is_refused(vectors: Floats, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Ask for 1 to 8"):
        pca(vectors, 9)
    with pytest.raises(NonFiniteError):
        pca(np.full((3, 2), np.nan), 1)
    with pytest.raises(ModelError, match="size 8, not 7"):
        random_projection(8).apply(vectors[:, :7])
    weight = np.zeros((3, 2), np.float32)
    storage.write(tmp_path / "p", "retort-projection", 1, {"kind": "pca"}, {"weight": weight, "bias": weight})
    with pytest.raises(ModelError, match="do not fit"):
        Projection.load(tmp_path / "p")
