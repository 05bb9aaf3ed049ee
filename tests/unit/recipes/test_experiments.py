"""Files of experiments: what builds on what, what wins, and what is refused."""

from pathlib import Path

import pytest

from retort.errors import ConfigError, UsageError
from retort.recipes.experiments import read_experiments

BASE = """
[arm]
prepared = "p"
row_types = "t"
start_from = "s"
seeds = [0, 1, 2]
[arm.training]
total_tokens = 100
device = "cuda"
"""


def write(folder: Path, **files: str) -> Path:
    """Write files whose names are keys, ``__`` for a folder."""
    for name, text in {"base": BASE, **files}.items():
        path = folder / f"{name.replace('__', '/')}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def test_own_values_win_then_the_budget_then_the_command_line(tmp_path: Path) -> None:
    middle = 'base = "../base.toml"\n[arm]\nrows = 7\nwatched = 8\nheld_out = 9\n'
    last = 'base = "middle.toml"\n[arm]\nwatched = 80\n[arm.training]\nwarmup_tokens = 5\n'
    write(tmp_path, a__middle=middle, a__last=last, budget="[arm]\nheld_out = 90\nrows = 70\nseeds = [4]\n")
    (one,) = read_experiments(tmp_path, [f"budget={tmp_path / 'budget.toml'}", "arm.seeds=[5]"])
    assert one.name == "a/last"
    assert one.arm is not None
    assert (one.arm.rows, one.arm.watched, one.arm.held_out, one.arm.seeds) == (70, 80, 90, (5,))
    assert (one.arm.training.total_tokens, one.arm.training.warmup_tokens) == (100, 5)
    assert one.arm.output == Path("runs/benchmark/arms/a/last")


def test_other_files_of_the_folder_are_no_experiments(tmp_path: Path) -> None:
    write(tmp_path, types='prepared = "p"', off='base = "base.toml"', lost='base = "base.toml"\nnot_run = "why"')
    lost, off = read_experiments(tmp_path)
    assert (lost.name, lost.arm, lost.config.not_run) == ("lost", None, "why")
    assert off.arm is not None


def test_a_baseline_is_named_by_its_file(tmp_path: Path) -> None:
    write(tmp_path, off='base = "base.toml"', a__told='base = "../base.toml"\nagainst = "../off.toml"')
    assert [e.against for e in read_experiments(tmp_path)] == ["off", ""]
    assert [e.name for e in read_experiments(tmp_path / "a" / "told.toml")] == ["a/told", "off"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('base = "none.toml"', "'none.toml' is not there"),
        ('base = "x.toml"', "builds on itself"),
        ('base = "base.toml"\nagainst = "none.toml"', "'none.toml' is not there"),
        ('base = "base.toml"\n[arm]\nno_such_key = 1', "no_such_key"),
        ('base = "base.toml"\nno_such_key = 1', "no_such_key"),
        ('base = "base.toml"\n[arm]\noutput = "o"', "arm.output is set"),
        ('base = "base.toml"\nagainst = "off.toml"\n[arm]\nseeds = [0]', "differ in seeds"),
        ('base = "base.toml"\nagainst = "off.toml"\n[arm.training]\ntotal_tokens = 1', "differ in training"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, text: str, words: str) -> None:
    write(tmp_path, off='base = "base.toml"', x=text)
    with pytest.raises(ConfigError, match=words):
        read_experiments(tmp_path / "x.toml")


def test_a_suite_that_does_not_exist_is_answered_with_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, configs__study__base=BASE, configs__study__off='base = "base.toml"')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"'uspto' is no .*configs/study.*no suites yet"):
        read_experiments(Path("uspto"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="'empty' is no configuration, no folder of experiments"):
        read_experiments(Path("empty"))


def test_every_shipped_experiment_is_complete(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    folder = Path("configs/slm4crp")
    experiments = {e.name: e for e in read_experiments(folder)}
    assert len(experiments) > 50
    smaller = read_experiments(folder, [f"budget={folder / 'cpu.toml'}"])
    assert {e.arm.training.device for e in smaller if e.arm} == {"cpu"}
    assert all(e.config.title for e in experiments.values())
    outputs = [e.arm.output for e in experiments.values() if e.arm]
    assert len(set(outputs)) == len(outputs)
    published = [e.config.published for e in experiments.values() if e.config.published]
    assert {row.table for row in published} == {1, 2}
    assert len([row for row in published if row.table == 1]) == 23
    assert len([row for row in published if row.table == 2]) == 5
