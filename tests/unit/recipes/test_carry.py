"""Prepared data in one file: the same rows come out, fewer if asked, and damage is seen."""

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from retort.data.collate import PreparedFolder
from retort.errors import ConfigError, DataError, InputFileError, OutputError, UnknownNameError
from retort.prompting.vocabulary import Vocabulary
from retort.recipes.carry import Share, main, pack, unpack
from retort.recipes.joined import join


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    folder = tmp_path / "prepared"
    folder.mkdir()
    vocabulary = Vocabulary.build([])
    vocabulary.save(folder / "vocabulary.json")
    random = np.random.default_rng(0)
    for split, rows, copies in (("train", 40, 3), ("valid", 6, 1)):
        sequences = [np.append(random.integers(2, 500, n), 1) for n in random.integers(0, 30, 2 * rows * copies)]
        np.save(folder / f"{split}.tokens.npy", np.concatenate(sequences).astype(np.uint16))
        np.save(folder / f"{split}.offsets.npy", np.cumsum([0, *map(len, sequences)]).astype(np.int64))
        np.save(folder / f"{split}.tasks.npy", (np.arange(rows) % 2).astype(np.uint8))
        np.save(folder / f"{split}.sources.npy", (np.arange(rows) % 3).astype(np.uint8))
    manifest = {
        "format": "retort-prepared",
        "version": 1,
        "copies": {"train": 3, "valid": 1},
        "tasks": ["forward_prediction", "retrosynthesis"],
        "sources": ["x", "y", "z"],
        "vocabulary_sha256": vocabulary.sha256,
        "splits": {"train": {"rows": 40}, "valid": {"rows": 6}},
        "files": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder


def test_everything_comes_out_as_it_went_in(tmp_path: Path, prepared: Path) -> None:
    file = pack(prepared, tmp_path / "data.tar.xz")
    carried = unpack(file, tmp_path / "there")
    for path in prepared.glob("*.npy"):
        a, b = np.load(path), np.load(carried / path.name)
        assert a.dtype == b.dtype
        assert a.tolist() == b.tolist()
    assert (carried / "vocabulary.json").read_bytes() == (prepared / "vocabulary.json").read_bytes()
    assert pack(prepared, tmp_path / "again.tar.xz").read_bytes() == file.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.tar.xz", "data.tar.xz", "prepared", "there"]


def test_a_share_of_rows_and_copies_is_carried(
    tmp_path: Path, prepared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "data.tar.xz"
    assert main(["pack", str(prepared), str(file), "copies=2", "rows=15"]) == 0
    assert main(["unpack", str(file), str(tmp_path / "there")]) == 0
    assert capsys.readouterr().out.split() == [str(file), str(tmp_path / "there")]
    here, there = (PreparedFolder.open(folder).split("train") for folder in (prepared, tmp_path / "there"))
    assert (len(there), there.copies) == (15, 2)
    rows = np.sort(np.random.default_rng(0).permutation(40)[:15])
    assert there.sources is not None
    assert (there.tasks.tolist(), there.sources.tolist()) == ((rows % 2).tolist(), (rows % 3).tolist())
    for place, row in enumerate(rows.tolist()):
        for copy in range(2):
            a = here.pair(row, epoch=copy - row)
            b = there.pair(place, epoch=copy - place)
            assert [x.tolist() for x in a] == [x.tolist() for x in b]


def test_later_copies_of_one_task_and_source_are_carried(tmp_path: Path, prepared: Path) -> None:
    file = tmp_path / "data.tar.xz"
    words = ["skip=1", 'tasks=["retrosynthesis"]', 'sources=["x", "z"]']
    assert main(["pack", str(prepared), str(file), *words]) == 0
    here, there = (
        PreparedFolder.open(folder).split("train") for folder in (prepared, unpack(file, tmp_path / "there"))
    )
    rows = [row for row in range(40) if row % 2 == 1 and row % 3 != 1]
    assert (len(there), there.copies) == (len(rows), 2)
    for place, row in enumerate(rows):
        for copy in (1, 2):
            a, b = here.pair(row, epoch=copy - row), there.pair(place, epoch=copy - 1 - place)
            assert [x.tolist() for x in a] == [x.tolist() for x in b]


def test_what_does_not_fit_is_refused(tmp_path: Path, prepared: Path) -> None:
    for share, problem in (
        (Share(copies=4), "has 3 copies of a row, not 4"),
        (Share(copies=2, skip=2), "has 3 copies of a row, not 4"),
        (Share(rows=15, sources=("x",)), "has 14 such rows, not 15"),
        (Share(rows=0), "has 40 such rows, not 0"),
    ):
        with pytest.raises(ConfigError, match=problem):
            pack(prepared, tmp_path / "data.tar.xz", share)
    with pytest.raises(UnknownNameError, match="source 'w'"):
        pack(prepared, tmp_path / "data.tar.xz", Share(sources=("w",)))
    with pytest.raises(InputFileError, match="cannot unpack"):
        unpack(tmp_path / "none.tar.xz", tmp_path / "there")
    file = pack(prepared, tmp_path / "data.tar.xz")
    cut = tmp_path / "cut.tar.xz"
    cut.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(InputFileError, match="cannot unpack"):
        unpack(cut, tmp_path / "there")
    for words in (["pick", str(prepared), str(file)], ["pack", str(prepared), str(file), "copy=1"]):
        assert main(words) == 2


def test_joined_folders_keep_every_row_in_the_copies_it_has(tmp_path: Path, prepared: Path) -> None:
    """The richer folder's rows replace those of its task and source; poorer rows repeat their copies in turn."""
    shares = {"few": Share(copies=2), "rich": Share(tasks=("retrosynthesis",), sources=("y",))}
    for name, share in shares.items():
        unpack(pack(prepared, tmp_path / f"{name}.tar.xz", share), tmp_path / name)
    folder = join([tmp_path / "few", tmp_path / "rich"], tmp_path / "joined")
    PreparedFolder.open(folder, verify=True)
    whole, joined = (PreparedFolder.open(path).split("train") for path in (prepared, folder))
    assert (len(joined), joined.copies) == (len(whole), 3)
    assert whole.sources is not None
    assert joined.sources is not None
    rich = (whole.tasks == 1) & (whole.sources == 1)
    order = [*np.flatnonzero(~rich), *np.flatnonzero(rich)]
    for place, row in enumerate(order):
        assert (joined.tasks[place], joined.sources[place]) == (whole.tasks[row], whole.sources[row])
        for copy in range(3):
            expected = copy if rich[row] else copy % 2
            a = whole.pair(int(row), epoch=expected - int(row))
            b = joined.pair(place, epoch=copy - place)
            assert [x.tolist() for x in a] == [x.tolist() for x in b]
    valid, again = (PreparedFolder.open(path).split("valid") for path in (prepared, folder))
    assert valid.tokens.tolist() == again.tokens.tolist()
    with pytest.raises(OutputError, match="exists"):
        join([tmp_path / "few", tmp_path / "rich"], folder)
    other = json.loads((tmp_path / "rich/manifest.json").read_text())
    (tmp_path / "rich/manifest.json").write_text(json.dumps({**other, "vocabulary_sha256": "0"}))
    with pytest.raises(DataError, match="another vocabulary"):
        join([tmp_path / "few", tmp_path / "rich"], tmp_path / "not")


def test_a_pack_that_would_write_elsewhere_is_refused(tmp_path: Path) -> None:
    pack = tmp_path / "pack.tar.xz"
    (tmp_path / "inside").write_text("words", "utf-8")
    with tarfile.open(pack, "w:xz") as archive:
        archive.add(tmp_path / "inside", "../outside")
    with pytest.raises(InputFileError, match="no plain file within it"):
        unpack(pack, tmp_path / "folder")
    assert not (tmp_path / "outside").exists()
