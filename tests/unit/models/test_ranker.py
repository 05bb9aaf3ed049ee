"""The numpy ranker computes what the torch network computes, and its file can be trusted."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from retort.errors import ModelError, OutputError
from retort.models.ranker import Floats, Ranker, RankerMeta, SparseRows, log_sum, quantize, top_k
from retort.models.ranker_network import RankerNetwork

BITS, HIDDEN, CLASSES = 64, 12, 7
META = RankerMeta("retrosynthesis", "template", {"bits": BITS}, "0" * 64, 20)


def rows(count: int, width: int, seed: int) -> SparseRows:
    rng = np.random.default_rng(seed)
    dense = rng.random((count, width)) * (rng.random((count, width)) < 0.2)
    indptr = np.concatenate([[0], np.cumsum((dense > 0).sum(axis=1))]).astype(np.int64)
    return SparseRows(indptr, np.nonzero(dense)[1].astype(np.int32), dense[dense > 0].astype(np.float32), width)


@pytest.fixture(scope="module")
def network() -> RankerNetwork:
    torch.manual_seed(0)
    network = RankerNetwork(BITS, HIDDEN, rows(CLASSES, 20, 1), dropout=0.5)
    torch.nn.init.normal_(network.free)
    torch.nn.init.normal_(network.described.weight)
    return network.eval()


@pytest.fixture(scope="module")
def ranker(network: RankerNetwork) -> Ranker:
    weights = network.export()
    names = tuple(f"class {i} é" for i in range(CLASSES))
    counts = np.arange(CLASSES, 0, -1).astype(np.int32)
    return Ranker(META, weights.w1, weights.b1, weights.w2, weights.b2, names, counts)


def test_numpy_and_torch_agree(network: RankerNetwork, ranker: Ranker) -> None:
    x = rows(9, BITS, 2)
    with torch.no_grad():
        expected = network(x, torch.arange(CLASSES)).log_softmax(dim=1).numpy()
    assert ranker.log_probabilities(x.dense()) == pytest.approx(expected, abs=1e-5)


def test_chosen_classes_have_the_logits_of_all(network: RankerNetwork) -> None:
    x = rows(4, BITS, 3)
    chosen = torch.tensor([5, 0, 2])
    with torch.no_grad():
        assert torch.allclose(network(x, chosen), network(x, torch.arange(CLASSES))[:, chosen], atol=1e-6)


def test_file_keeps_everything_but_int8_rounding(ranker: Ranker, tmp_path: Path) -> None:
    with_counts = replace(ranker, class_counts=np.arange(CLASSES * 11, dtype=np.int32).reshape(CLASSES, 11))
    with_counts.save(tmp_path / "new" / "a.npz")
    loaded = Ranker.load(tmp_path / "new" / "a.npz")
    assert (loaded.meta, loaded.classes) == (ranker.meta, ranker.classes)
    assert np.array_equal(loaded.counts, ranker.counts)
    assert loaded.class_counts is not None
    assert with_counts.class_counts is not None
    assert np.array_equal(loaded.class_counts, with_counts.class_counts)
    assert np.abs(loaded.w1 - ranker.w1).max() <= np.abs(ranker.w1).max() / 250
    x = rows(9, BITS, 4).dense()
    assert loaded.log_probabilities(x) == pytest.approx(ranker.log_probabilities(x), abs=0.3)
    assert (loaded.log_probabilities(x).argmax(1) == ranker.log_probabilities(x).argmax(1)).mean() > 0.8


def test_saving_again_changes_nothing(ranker: Ranker, tmp_path: Path) -> None:
    ranker.save(tmp_path / "a.npz")
    once = Ranker.load(tmp_path / "a.npz")
    once.save(tmp_path / "b.npz")
    assert np.array_equal(Ranker.load(tmp_path / "b.npz").w2, once.w2)


def test_quantised_columns_have_their_own_scale() -> None:
    weights = np.array([[1.0, 100.0], [-0.5, 25.0]], np.float32)
    values, scale = quantize(weights)
    assert values.tolist() == [[127, 127], [-64, 32]]
    assert scale.tolist() == pytest.approx([1 / 127, 100 / 127])
    assert quantize(np.zeros((2, 2), np.float32))[0].tolist() == [[0, 0], [0, 0]]


def damage_bytes(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def damage_empty(path: Path) -> None:
    path.write_bytes(b"")


def damage_text(path: Path) -> None:
    path.write_text("not a ranker")


def damage_missing(path: Path) -> None:
    path.unlink()


def damage_format(path: Path) -> None:
    change(path, "meta", np.frombuffer(json.dumps({"format": "other", "version": 1}).encode(), np.uint8))


def damage_classes(path: Path) -> None:
    change(path, "classes", np.frombuffer(b"one\ntwo", np.uint8))


def damage_shape(path: Path) -> None:
    change(path, "w2", np.zeros((HIDDEN + 1, CLASSES), np.int8))


def damage_pickle(path: Path) -> None:
    change(path, "classes", np.array([{"a": 1}], dtype=object))


def damage_missing_array(path: Path) -> None:
    change(path, "b2", None)


def change(path: Path, name: str, value: object) -> None:
    with np.load(path) as arrays:
        content = {key: arrays[key] for key in arrays.files if key != name}
    np.savez(path, **content, **({} if value is None else {name: value}))  # type: ignore[arg-type]


@pytest.mark.parametrize("damage", [f for name, f in sorted(globals().items()) if name.startswith("damage_")])
def test_damaged_file_is_refused_by_name(damage: object, ranker: Ranker, tmp_path: Path) -> None:
    path = tmp_path / "broken.npz"
    ranker.save(path)
    assert callable(damage)
    damage(path)
    with pytest.raises(ModelError, match=r"broken\.npz"):
        Ranker.load(path)


def test_unwritable_place_is_an_output_error(ranker: Ranker, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"a\.npz"):
        ranker.save(tmp_path / "file" / "a.npz")


def test_top_k_orders_and_breaks_ties_by_index() -> None:
    scores = np.array([[0.1, 0.9, 0.5, 0.5], [4.0, 3.0, 2.0, 1.0]], np.float32)
    assert top_k(scores, 3).tolist() == [[1, 2, 3], [0, 1, 2]]
    assert top_k(scores, 99).shape == (2, 4)


def test_known_reaction_class_changes_the_ranking(ranker: Ranker) -> None:
    table = np.zeros((CLASSES, 11), np.int32)
    table[:, 1], table[3, 1], table[3, 2] = 50, 0, 50
    conditioned = replace(ranker, class_counts=table)
    even = np.full(CLASSES, -np.log(CLASSES), np.float32)
    assert conditioned.reweight(even, 2).argmax() == 3
    assert conditioned.reweight(even, 1).argmin() == 3
    assert np.exp(conditioned.reweight(even, 2)).sum() == pytest.approx(1)
    assert np.array_equal(conditioned.reweight(even, 7), even)
    assert np.array_equal(ranker.reweight(even, 2), even)


def test_sparse_rows_select_like_a_matrix() -> None:
    some = rows(6, 10, 5)
    order = np.array([4, 0, 4])
    assert np.array_equal(some.take(order).dense(), some.dense()[order])


TYPES, SCALE = 3, 4.0


@pytest.fixture(scope="module")
def typed(ranker: Ranker) -> Ranker:
    """Return the same network with three columns more, each of which matters."""
    columns = np.random.default_rng(6).normal(size=(TYPES, HIDDEN)).astype(np.float32)
    meta = replace(META, types=TYPES, type_scale=SCALE, types_sha256="1" * 64)
    return replace(ranker, meta=meta, w1=np.concatenate([ranker.w1, columns]))


def shares_of(count: int, seed: int) -> Floats:
    return np.random.default_rng(seed).dirichlet(np.ones(TYPES), count).astype(np.float32)


def test_columns_stand_behind_the_fingerprint() -> None:
    some, columns = rows(5, 10, 7), shares_of(5, 8)
    columns[2] = 0
    both = some.beside(columns)
    assert np.array_equal(both.dense(), np.concatenate([some.dense(), columns], axis=1))
    assert np.array_equal(both.take(np.array([3, 2])).dense(), both.dense()[[3, 2]])


def test_types_are_read_as_scaled_columns(typed: Ranker) -> None:
    x, shares = rows(5, BITS, 9).dense(), shares_of(5, 10)
    plain = replace(typed, meta=META)
    expected = plain.log_probabilities(np.concatenate([x, SCALE * shares], axis=1))
    assert typed.log_probabilities(x, shares) == pytest.approx(expected, abs=1e-5)
    assert np.abs(typed.log_probabilities(x, shares[::-1]) - expected).max() > 0.1


def test_types_untold_or_unasked_for_are_an_error(typed: Ranker, ranker: Ranker) -> None:
    x = rows(5, BITS, 9).dense()
    for told, shares in ((typed, None), (typed, shares_of(5, 1)[:, :2]), (ranker, shares_of(5, 1))):
        with pytest.raises(ModelError, match=r"reads [03] types"):
            told.log_probabilities(x, shares)


def test_mixture_adds_what_every_type_gives(typed: Ranker) -> None:
    x, shares = rows(4, BITS, 11).dense(), shares_of(4, 12)
    alone = [np.exp(typed.log_probabilities(x, np.tile(np.eye(TYPES, dtype=np.float32)[i], (4, 1)))) for i in range(3)]
    expected = sum(shares[:, i : i + 1] * alone[i] for i in range(3))
    joint = typed.joint_log_probabilities(x, shares)
    assert np.exp(log_sum(joint)) == pytest.approx(expected, abs=1e-5)
    assert np.exp(joint).sum(axis=2) == pytest.approx(shares, abs=1e-5)


def test_mixture_of_a_certain_type_is_that_type(typed: Ranker) -> None:
    x, certain = rows(4, BITS, 11).dense(), np.eye(TYPES, dtype=np.float32)[[1, 0, 2, 1]]
    mixed = log_sum(typed.joint_log_probabilities(x, certain))
    assert mixed == pytest.approx(typed.log_probabilities(x, certain), abs=1e-5)


def test_file_keeps_types_and_says_nothing_of_none(typed: Ranker, ranker: Ranker, tmp_path: Path) -> None:
    typed.save(tmp_path / "typed.npz")
    ranker.save(tmp_path / "plain.npz")
    loaded = Ranker.load(tmp_path / "typed.npz")
    assert loaded.meta == typed.meta
    assert loaded.w1.shape == (BITS + TYPES, HIDDEN)
    with np.load(tmp_path / "plain.npz") as arrays:
        told = json.loads(arrays["meta"].tobytes())
    assert [name for name in told if "type" in name] == []
