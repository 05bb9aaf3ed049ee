"""Clusters of vectors: the same after a reload, named alike between rounds, refused where there are none to find."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from retort.elicitation import storage
from retort.elicitation.checks import (
    Floats,
    IdenticalRowsError,
    LabelError,
    NonFiniteError,
    TooFewRowsError,
    VectorError,
)
from retort.elicitation.clustering import (
    Clustering,
    adjusted_rand,
    agreement,
    align,
    cluster,
    contingency,
    entropy,
    normalised_entropy,
    sizes,
    stability,
)
from retort.errors import ConfigError, ModelError, RetortError

CENTRES = np.array([[0, 0], [9, 0], [0, 9], [9, 9]], np.float32)


@pytest.fixture(scope="module")
def vectors() -> Floats:
    noise = np.random.default_rng(0).standard_normal((80, 2))
    return (np.repeat(CENTRES, 20, axis=0) + noise).astype(np.float32)


def test_separate_groups_are_found(vectors: Floats) -> None:
    found = cluster(vectors, 4)
    assert adjusted_rand(found.assign(vectors), np.repeat(np.arange(4), 20)) == 1.0
    assert found.assign(found.centroids).tolist() == [0, 1, 2, 3]
    assert (found.types, found.seed, found.n_init) == (4, 0, 10)


def test_inertia_is_the_sum_of_squared_distances(vectors: Floats) -> None:
    found = cluster(vectors, 3, seed=1)
    squares = (vectors - found.centroids[found.assign(vectors)]) ** 2
    assert found.inertia == pytest.approx(float(squares.sum()), rel=1e-4)


def test_assignment_is_that_of_the_library(vectors: Floats) -> None:
    fitted = KMeans(5, n_init=3, random_state=2).fit(vectors)
    assert (cluster(vectors, 5, 2, 3).assign(vectors) == fitted.labels_).all()


def test_the_same_seed_gives_the_same_clusters(vectors: Floats) -> None:
    first, second = (cluster(vectors, 6, seed=3, n_init=1) for _ in range(2))
    assert (first.centroids == second.centroids).all()


def test_a_common_offset_costs_no_digits(vectors: Floats) -> None:
    found = Clustering(CENTRES, 0, 1, 0.0)
    far = Clustering(CENTRES + np.float32(4096), 0, 1, 0.0)
    near = np.round(vectors * 64) / 64  # exact in float32 on both sides
    assert (far.assign(near + np.float32(4096)) == found.assign(near)).all()


def test_of_equally_near_centroids_the_first_is_taken() -> None:
    assert Clustering(np.array([[1.0], [-1.0]], np.float32), 0, 1, 0.0).assign([[0.0]]).tolist() == [0]


def test_a_stored_clustering_gives_the_same_labels(vectors: Floats, tmp_path: Path) -> None:
    found = cluster(vectors, 4, seed=5, n_init=2)
    found.save(tmp_path / "new" / "types.npz")
    loaded = Clustering.load(tmp_path / "new" / "types.npz")
    assert (loaded.assign(vectors) == found.assign(vectors)).all()
    assert (loaded.seed, loaded.n_init, loaded.inertia) == (5, 2, found.inertia)


def test_stored_clusterings_are_refused_without_centroids(tmp_path: Path) -> None:
    for name, content in (
        ("none", {}),
        ("flat", {"centroids": np.zeros(3)}),
        ("nan", {"centroids": np.full((2, 2), np.nan)}),
    ):
        storage.write(tmp_path / name, "retort-clustering", 1, {"seed": 0, "n_init": 1, "inertia": 0.0}, content)
        with pytest.raises(ModelError, match="no centroids"):
            Clustering.load(tmp_path / name)


def test_renumbering_moves_names_and_nothing_else(vectors: Floats) -> None:
    found = cluster(vectors, 4)
    names = np.array([2, 0, 3, 1])
    assert (found.renumbered(names).assign(vectors) == names[found.assign(vectors)]).all()
    with pytest.raises(LabelError, match="not a permutation"):
        found.renumbered([0, 0, 1, 2])


@pytest.mark.parametrize(
    ("rows", "types", "error"),
    [
        (np.zeros((3, 2)), 4, TooFewRowsError),
        (np.zeros((30, 2)), 4, IdenticalRowsError),
        (np.repeat([[0.0], [-0.0], [1.0]], 9, axis=0), 3, IdenticalRowsError),
        (np.full((30, 2), np.inf), 4, NonFiniteError),
        (np.zeros(30), 4, VectorError),
        (np.zeros((30, 2)), 1, ConfigError),
    ],
)
def test_what_cannot_be_clustered_is_refused(rows: Floats, types: int, error: type[RetortError]) -> None:
    with pytest.raises(error) as raised:
        cluster(rows, types)
    assert raised.value.message
    assert raised.value.hint


def test_vectors_of_another_size_have_no_type(vectors: Floats) -> None:
    with pytest.raises(ModelError, match="size 2, not 1"):
        cluster(vectors, 3).assign(vectors[:, :1])


def test_as_many_types_as_rows_is_the_limit() -> None:
    rows = np.eye(4, dtype=np.float32)
    assert sorted(cluster(rows, 4).assign(rows).tolist()) == [0, 1, 2, 3]


def test_sizes_and_entropy() -> None:
    counts = sizes([0, 0, 2, 2], 4)
    assert counts.tolist() == [2, 0, 2, 0]
    assert entropy(counts) == pytest.approx(np.log(2))
    assert normalised_entropy(counts) == pytest.approx(0.5)
    assert normalised_entropy([3, 3, 3]) == pytest.approx(1.0)
    assert entropy([7, 0]) == 0.0
    with pytest.raises(LabelError):
        entropy([0, 0])
    with pytest.raises(LabelError, match="label 4 of row 1"):
        sizes([0, 4], 4)


labelled = st.integers(2, 7).flatmap(
    lambda k: st.tuples(
        st.just(k),
        arrays.arrays(np.int64, st.integers(1, 60), elements=st.integers(0, k - 1)),
        st.permutations(range(k)),
    )
)


@given(case=labelled)
def test_renamed_labels_are_aligned_back(case: tuple[int, np.ndarray, list[int]]) -> None:
    types, reference, names = case
    renamed = np.asarray(names)[reference]
    found = align(renamed, reference, types)
    assert sorted(found.tolist()) == list(range(types))
    assert (found[renamed] == reference).all()
    assert agreement(renamed, reference, types) == 1.0


@given(case=labelled, data=st.data())
def test_alignment_does_not_depend_on_the_numbers(case: tuple[int, np.ndarray, list[int]], data: st.DataObject) -> None:
    types, reference, names = case
    labels = data.draw(arrays.arrays(np.int64, len(reference), elements=st.integers(0, types - 1)))
    renamed = np.asarray(names)[labels]
    assert agreement(renamed, reference, types) == agreement(labels, reference, types)
    assert agreement(labels, reference, types) >= contingency(labels, reference, types).trace() / len(labels)
    assert adjusted_rand(renamed, reference) == pytest.approx(adjusted_rand_score(reference, labels))


def test_most_rows_agree_under_the_alignment() -> None:
    labels, reference = [0, 0, 0, 1, 1, 2], [1, 1, 2, 2, 2, 0]
    assert contingency(labels, reference, 3).tolist() == [[0, 2, 1], [0, 0, 2], [1, 0, 0]]
    assert align(labels, reference, 3).tolist() == [1, 2, 0]
    assert agreement(labels, reference, 3) == pytest.approx(5 / 6)


def test_labels_of_other_rows_are_not_aligned() -> None:
    with pytest.raises(LabelError, match=r"shape \[2\], not \[3\]"):
        align([0, 1, 1], [0, 1], 2)


@pytest.mark.parametrize("bootstrap", [True, False])
def test_separate_groups_are_stable_and_noise_is_not(vectors: Floats, bootstrap: bool) -> None:
    noise = np.random.default_rng(1).standard_normal((200, 6))
    firm = stability(vectors, 4, range(4), n_init=10, bootstrap=bootstrap)
    loose = stability(noise, 7, range(4), bootstrap=bootstrap)
    assert firm.mean == firm.lowest == 1.0
    assert firm.runs == 4
    assert loose.lowest <= loose.mean < 0.7


def test_one_run_says_nothing_of_stability(vectors: Floats) -> None:
    with pytest.raises(ConfigError, match="at least two"):
        stability(vectors, 4, [0])
