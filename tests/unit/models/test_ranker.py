"""The numpy ranker computes what the torch network computes, and its file can be trusted."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from retort.errors import ModelError, OutputError
from retort.models.ranker import Ranker, RankerMeta, SparseRows, quantize, top_k
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
