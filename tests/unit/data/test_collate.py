"""Prepared folders and batches: written here by hand, so that the format is checked from both sides."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retort.data.batches import BatchLimits, fixed_subset, plan_epoch, sorted_batches
from retort.data.collate import PreparedFolder, PreparedSplit, collate
from retort.data.mixture import Mixture
from retort.errors import ConfigError, DataError, UnknownNameError
from retort.prompting.vocabulary import Vocabulary

LIMITS = BatchLimits(tokens=400, source=60, target=40)


def random_split(rows: int = 300, copies: int = 2, seed: int = 0) -> PreparedSplit:
    """Make rows whose source lengths are 2..60 and target lengths 2..40; the first token tells row and copy apart."""
    random = np.random.default_rng(seed)
    sequences = [
        np.append(random.integers(2, 900, random.integers(1, longest)), 1).astype(np.uint16)
        for longest in (60, 40) * (rows * copies)
    ]
    offsets = np.concatenate([[0], np.cumsum([len(s) for s in sequences])]).astype(np.int64)
    tasks = (np.arange(rows) % 3 == 0).astype(np.uint8)
    return PreparedSplit(np.concatenate(sequences), offsets, tasks, ("forward_prediction", "retrosynthesis"), copies)


def write(folder: Path, split: PreparedSplit) -> None:
    files = {}
    for part in ("tokens", "offsets", "tasks"):
        path = folder / f"train.{part}.npy"
        np.save(path, getattr(split, part))
        files[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest = {
        "format": "retort-prepared",
        "version": 1,
        "copies": {"train": split.copies, "valid": 1},
        "tasks": list(split.task_names),
        "splits": {"train": {"rows": len(split)}},
        "files": files,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def alter_manifest(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


def test_a_folder_reads_back(tmp_path: Path) -> None:
    split = random_split(rows=7, copies=3)
    write(tmp_path, split)
    read = PreparedFolder.open(tmp_path, verify=True).split("train")
    assert (len(read), read.copies, read.task_names) == (7, 3, ("forward_prediction", "retrosynthesis"))
    start = split.offsets[2 * (4 * 3 + 2)]
    source, target = read.pair(4, epoch=4)  # copy (4 + 4) mod 3 = 2
    assert source.tolist() == split.tokens[start : start + len(source)].tolist()
    assert source[-1] == target[-1] == 1
    assert read.pair(4, epoch=1)[1].tolist() == target.tolist()
    assert read.pair(4, epoch=2)[0].tolist() != source.tolist()
    sources, targets = read.lengths(4)
    assert (sources[4], targets[4]) == (len(source), len(target))


def test_an_absent_or_foreign_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a prepared folder"):
        PreparedFolder.open(tmp_path)
    write(tmp_path, random_split(rows=3))
    alter_manifest(tmp_path, version=2)
    with pytest.raises(DataError, match="'retort-prepared' version 2"):
        PreparedFolder.open(tmp_path)


def test_a_missing_split_is_not_another_split(tmp_path: Path) -> None:
    write(tmp_path, random_split(rows=3))
    with pytest.raises(UnknownNameError, match="valid"):
        PreparedFolder.open(tmp_path).split("valid")


def test_damage_is_found(tmp_path: Path) -> None:
    write(tmp_path, random_split(rows=3))
    tokens = tmp_path / "train.tokens.npy"
    content = bytearray(tokens.read_bytes())
    content[-1] ^= 1
    tokens.write_bytes(content)
    with pytest.raises(DataError, match=r"'train\.tokens\.npy' .* is damaged"):
        PreparedFolder.open(tmp_path, verify=True)
    tokens.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="cannot be read"):
        PreparedFolder.open(tmp_path).split("train")
    np.save(tokens, np.ones(5, np.uint16))
    with pytest.raises(DataError, match="do not fit together"):
        PreparedFolder.open(tmp_path).split("train")
    tokens.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        PreparedFolder.open(tmp_path, verify=True)


@pytest.mark.parametrize("epoch", [0, 1])
def test_an_epoch_visits_every_row_once_within_the_budget(epoch: int) -> None:
    split = random_split()
    plan = plan_epoch(split, LIMITS, epoch=epoch, seed=3)
    assert sorted(np.concatenate(plan.batches).tolist()) == list(range(300))
    assert plan.too_long == 0
    sources, targets = split.lengths(epoch)
    padded = [len(rows) * (sources[rows].max() + targets[rows].max()) for rows in plan.batches]
    assert max(padded) <= LIMITS.tokens
    used = sum(int(sources[rows].sum() + targets[rows].sum()) for rows in plan.batches)
    assert used / sum(padded) > 0.7  # 300 rows only; real sets pad less


def test_plans_are_given_by_seed_and_epoch() -> None:
    split = random_split()

    def order(epoch: int, seed: int) -> list[list[int]]:
        return [rows.tolist() for rows in plan_epoch(split, LIMITS, epoch=epoch, seed=seed).batches]

    assert order(0, 3) == order(0, 3)
    assert order(0, 3) != order(1, 3)
    assert order(0, 3) != order(0, 4)


def test_rows_that_are_too_long_are_counted() -> None:
    split = random_split()
    sources, targets = split.lengths()
    limits = BatchLimits(tokens=400, source=30, target=20)
    plan = plan_epoch(split, limits, epoch=0, seed=0)
    fitting = np.flatnonzero((sources <= 30) & (targets <= 20)).tolist()
    assert sorted(np.concatenate(plan.batches).tolist()) == fitting
    assert plan.too_long == 300 - len(fitting) > 0
    with pytest.raises(DataError, match="none of 300 rows fits"):
        plan_epoch(split, BatchLimits(tokens=400, source=1, target=1), epoch=0, seed=0)
    with pytest.raises(ConfigError, match="a batch of 99 tokens cannot hold"):
        BatchLimits(tokens=99, source=60, target=40)


def test_task_weights_repeat_and_thin_out_rows() -> None:
    split = random_split()
    weights = {"retrosynthesis": 2.5, "forward_prediction": 0.25}
    counts: Counter[int] = Counter()
    for epoch in range(20):
        counts.update(
            np.concatenate(plan_epoch(split, LIMITS, epoch=epoch, seed=0, mixture=Mixture(weights)).batches).tolist()
        )
    retro = [counts[row] / 20 for row in range(300) if row % 3 == 0]
    forward = [counts[row] / 20 for row in range(300) if row % 3]
    assert min(retro) >= 2
    assert max(retro) <= 3
    assert np.mean(retro) == pytest.approx(2.5, abs=0.05)
    assert np.mean(forward) == pytest.approx(0.25, abs=0.05)
    with pytest.raises(UnknownNameError, match="retro"):
        plan_epoch(split, LIMITS, epoch=0, seed=0, mixture=Mixture({"retro": 1.0}))
    with pytest.raises(ConfigError, match="must not be negative"):
        plan_epoch(split, LIMITS, epoch=0, seed=0, mixture=Mixture({"retrosynthesis": -1.0}))


def test_collation_pads_and_masks() -> None:
    split = random_split()
    rows = [5, 17, 201]
    batch = collate(split, rows, epoch=1)
    sources, targets = split.lengths(1)
    assert batch.source.shape == batch.source_mask.shape == (3, max(sources[rows]))
    assert batch.labels.shape == (3, max(targets[rows]))
    assert batch.tokens == int(sources[rows].sum() + targets[rows].sum())
    for i, row in enumerate(rows):
        source, target = split.pair(row, 1)
        width, height = len(source), len(target)
        assert batch.source[i, :width].tolist() == source.tolist()
        assert batch.source[i, width:].tolist() == [0] * (batch.source.shape[1] - width)
        assert batch.source_mask[i].tolist() == [1] * width + [0] * (batch.source.shape[1] - width)
        assert batch.labels[i, :height].tolist() == target.tolist()
        assert batch.labels[i, height:].tolist() == [-100] * (batch.labels.shape[1] - height)


def test_the_evaluation_subset_is_fixed_and_balanced() -> None:
    split = random_split()
    chosen = fixed_subset(split, 20)
    assert chosen.tolist() == fixed_subset(split, 20).tolist() == sorted(set(chosen.tolist()))
    assert Counter(split.tasks[chosen].tolist()) == {0: 20, 1: 20}
    assert len(fixed_subset(split, 10**6)) == 300
    plan = sorted_batches(split, chosen, LIMITS)
    assert sorted(np.concatenate(plan.batches).tolist()) == chosen.tolist()
    shorter = sorted_batches(split, chosen, BatchLimits(tokens=400, source=30, target=20))
    assert shorter.too_long + sum(map(len, shorter.batches)) == 40
    assert shorter.too_long > 0


def test_batches_are_padded_to_a_multiple_within_the_budget() -> None:
    split, limits = random_split(), BatchLimits(tokens=800, source=60, target=40, multiple=16)
    plan = plan_epoch(split, limits, epoch=0, seed=1)
    assert sorted(np.concatenate(plan.batches).tolist()) == list(range(300))
    shapes = set()
    for rows in plan.batches:
        batch = collate(split, rows, multiple=16)
        assert batch.source.numel() + batch.labels.numel() <= 800
        shapes |= {batch.source.shape[1], batch.labels.shape[1]}
        plain = collate(split, rows)
        assert batch.tokens == plain.tokens
        width = plain.source.shape[1]
        assert batch.source[:, :width].tolist() == plain.source.tolist()
        assert int(batch.source_mask[:, width:].sum()) == 0
        assert set(batch.labels[:, plain.labels.shape[1] :].flatten().tolist()) <= {-100}
    assert all(size % 16 == 0 for size in shapes)
    with pytest.raises(ConfigError, match="cannot hold"):
        BatchLimits(tokens=100, source=60, target=40, multiple=16)


def test_sources_of_rows_are_read_where_the_folder_keeps_them(tmp_path: Path) -> None:
    write(tmp_path, random_split(rows=4))
    np.save(tmp_path / "train.sources.npy", np.array([0, 1, 1, 0], np.uint8))
    assert PreparedFolder.open(tmp_path).split("train").sources is None
    alter_manifest(tmp_path, sources=["x", "y"], source_weights={"y": 0.5})
    split = PreparedFolder.open(tmp_path).split("train")
    assert split.sources is not None
    assert (split.sources.tolist(), split.source_names, split.source_weights) == ([0, 1, 1, 0], ("x", "y"), {"y": 0.5})
    for wrong in ([0, 1, 1], [0, 1, 2, 0]):
        np.save(tmp_path / "train.sources.npy", np.array(wrong, np.uint8))
        with pytest.raises(DataError, match="do not fit together"):
            PreparedFolder.open(tmp_path).split("train")


def test_denoising_takes_its_sentinels_from_the_vocabulary(tmp_path: Path) -> None:
    write(tmp_path, random_split(rows=3))
    alter_manifest(tmp_path, tasks=["forward_prediction", "span_denoising"])
    vocabulary = Vocabulary.build([])
    vocabulary.save(tmp_path / "vocabulary.json")
    split = PreparedFolder.open(tmp_path).split("train")
    assert [vocabulary.tokens[i] for i in split.sentinels] == [f"<extra_id_{i}>" for i in range(100)]
    Vocabulary(vocabulary.tokens[:50]).save(tmp_path / "vocabulary.json")
    with pytest.raises(DataError, match="lacks <extra_id_0>"):
        PreparedFolder.open(tmp_path).split("train")
