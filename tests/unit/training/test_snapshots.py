"""The last weights are kept, older ones and those of lost steps go."""

from pathlib import Path

from retort.training import snapshots


def make(output: Path, *steps: int) -> None:
    for step in steps:
        snapshots.place(output, step).mkdir(parents=True)


def names(output: Path) -> list[str]:
    return [folder.name for folder in snapshots.kept(output)]


def test_the_newest_are_kept(tmp_path: Path) -> None:
    assert names(tmp_path) == []
    make(tmp_path, 40, 7, 12_345_678, 300)
    assert names(tmp_path) == ["step-0000007", "step-0000040", "step-0000300", "step-12345678"]
    snapshots.drop_oldest(tmp_path, 5)
    assert len(names(tmp_path)) == 4
    snapshots.drop_oldest(tmp_path, 2)
    assert names(tmp_path) == ["step-0000300", "step-12345678"]


def test_snapshots_of_lost_steps_go(tmp_path: Path) -> None:
    make(tmp_path, 10, 20, 30)
    snapshots.drop_after(tmp_path, 20)
    assert names(tmp_path) == ["step-0000010", "step-0000020"]
    snapshots.drop_after(tmp_path, 0)
    assert names(tmp_path) == []
