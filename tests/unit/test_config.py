"""Configurations: every key must exist, every value must fit, every override is applied, nothing is guessed."""

import dataclasses
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Optional

import pytest

from retort.config import apply_override, as_dict, build, describe, load, option
from retort.errors import ConfigError, InputFileError


@dataclass(frozen=True)
class Optimizer:
    peak_learning_rate: float = option(1e-3, help="highest rate")
    betas: tuple[float, float] = option((0.9, 0.98), help="momenta")


@dataclass(frozen=True)
class Part:
    name: str = option(help="what it is called")
    weight: float = option(1.0, help="share")


@dataclass(frozen=True)
class Experiment:
    output: Path = option(help="folder to write")
    kind: Literal["small", "large"] = option("small", help="size")
    steps: int = option(10, help="optimizer steps")
    resume: bool = option(False, help="go on")
    tags: tuple[str, ...] = option(factory=tuple, help="free words")
    optimizer: Optimizer = field(default_factory=Optimizer, metadata={"help": "how to descend"})
    parts: tuple[Part, ...] = option((), help="what to mix")
    named: Mapping[str, Part] = option(factory=dict, help="by name")
    second: Part | None = option(None, help="maybe")
    third: Optional[Part] = option(None, help="maybe, in the old spelling")  # noqa: UP045


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "experiment.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_file_becomes_a_frozen_value(tmp_path: Path) -> None:
    text = """
        output = "runs/é"
        kind = "large"
        tags = ["a", "b"]
        optimizer = {peak_learning_rate = 0.5}
        parts = [{name = "x"}, {name = "y", weight = 2}]
        named.z.name = "z"
        second.name = "s"
    """
    config = load(Experiment, written(tmp_path, text))
    expected = Experiment(
        output=Path("runs/é"),
        kind="large",
        tags=("a", "b"),
        optimizer=Optimizer(0.5),
        parts=(Part("x"), Part("y", 2.0)),
        named={"z": Part("z")},
        second=Part("s"),
    )
    assert config == expected
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.steps = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "key", "hint"),
    [
        ({"step": 3}, "'step'", "Did you mean 'steps'?"),
        ({"optimizer": {"peak_learning_rat": 1.0}}, "'optimizer.peak_learning_rat'", "'peak_learning_rate'"),
        ({"parts": [{"name": "x"}, {"name": "y", "wight": 1}]}, "'parts.1.wight'", "Did you mean 'weight'?"),
        ({"named": {"z": {"name": "z", "wight": 1}}}, "'named.z.wight'", "Did you mean 'weight'?"),
        ({"second": {"name": "s", "wight": 1}}, "'second.wight'", "Did you mean 'weight'?"),
        ({"third": {"name": "s", "wight": 1}}, "'third.wight'", "Did you mean 'weight'?"),
    ],
)
def test_unknown_keys_are_errors_at_every_depth(values: dict[str, Any], key: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(Experiment, {"output": "runs"} | values, "here.toml")
    assert f"here.toml: unknown key {key}" in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"steps": "many"}, r"steps: .*\(got 'many'\)"),
        ({"steps": 1.5}, r"steps: .*\(got 1\.5\)"),
        ({"kind": "medium"}, r"kind: .*\(got 'medium'\)"),
        ({"optimizer": {"betas": [0.9]}}, r"optimizer\.betas"),
        ({"parts": [{"weight": 1}]}, r"parts\.0\.name"),
        ({"optimizer": 3}, "optimizer"),
    ],
)
def test_values_that_do_not_fit_are_named(values: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        build(Experiment, {"output": "runs"} | values, "here.toml")


def test_a_required_key_is_missed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="output: Field required"):
        load(Experiment, written(tmp_path, "steps = 3"))


def test_overrides_win_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, 'output = "runs"\nsteps = 3\n[optimizer]\npeak_learning_rate = 1.0\n')
    overrides = ["steps=5", "optimizer.peak_learning_rate=2e-3", "output=a=b", "resume=true", 'tags=["x", "y"]']
    config = load(Experiment, path, overrides)
    assert config.steps == 5
    assert config.optimizer.peak_learning_rate == 0.002
    assert config.output == Path("a=b")
    assert config.resume is True
    assert config.tags == ("x", "y")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("a=1", {"a": 1}),
        ("a=1e-3", {"a": 0.001}),
        ("a=true", {"a": True}),
        ("a=plain text", {"a": "plain text"}),
        ("a=data/file.csv", {"a": "data/file.csv"}),
        ('a="1"', {"a": "1"}),
        ("a=", {"a": ""}),
        ("a.b.c=1", {"a": {"b": {"c": 1}}}),
    ],
)
def test_override_values_are_toml_or_text(override: str, expected: dict[str, Any]) -> None:
    values: dict[str, Any] = {}
    apply_override(values, override)
    assert values == expected


@pytest.mark.parametrize("override", ["steps", "=3", "steps.x=3"])
def test_overrides_that_make_no_sense_are_refused(override: str) -> None:
    with pytest.raises(ConfigError, match="override"):
        apply_override({"steps": 3}, override)


def test_an_override_of_an_unknown_key_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'optimizer\.beta'"):
        load(Experiment, written(tmp_path, 'output = "runs"'), ["optimizer.beta=1"])


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"absent\.toml.*No such file"):
        load(Experiment, tmp_path / "absent.toml")
    with pytest.raises(InputFileError, match="Is a directory"):
        load(Experiment, tmp_path)
    with pytest.raises(ConfigError, match=r"experiment\.toml is not valid TOML.*line 1"):
        load(Experiment, written(tmp_path, "steps = = 3"))
    (tmp_path / "latin.toml").write_bytes('output = "é"'.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.toml is not UTF-8"):
        load(Experiment, tmp_path / "latin.toml")


def test_the_resolved_config_survives_json() -> None:
    config = Experiment(Path("runs/x"), parts=(Part("x"),), named={"z": Part("z")})
    plain = json.loads(json.dumps(as_dict(config)))
    assert plain["output"] == "runs/x"
    assert build(Experiment, {k: v for k, v in plain.items() if v is not None}, "memory") == config


def test_help_lists_every_key_with_default_and_words() -> None:
    rows = {key: (default, words) for key, default, words in describe(Experiment)}
    assert rows["output"] == ("required", "folder to write")
    assert rows["steps"] == ("10", "optimizer steps")
    assert rows["optimizer.peak_learning_rate"] == ("0.001", "highest rate")
    assert rows["tags"] == ("()", "free words")
    assert "optimizer" not in rows


@dataclass(frozen=True)
class _Inner:
    width: int = option(4, help="a width")


@dataclass(frozen=True)
class _Outer:
    inner: _Inner | None = option(None, help="a table or nothing")
    several: tuple[_Inner, ...] = option((), help="tables")


@pytest.mark.parametrize("values", [{}, {"inner": {"width": 2}}, {"several": [{"width": 1}, {}]}])
def test_tables_that_may_be_absent_are_filled_without_pydantic_too(
    values: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_pydantic = build(_Outer, values, "here")
    monkeypatch.setitem(sys.modules, "pydantic", None)
    assert build(_Outer, values, "here") == with_pydantic
    with pytest.raises(ConfigError, match=r"inner\.width"):
        build(_Outer, {"inner": {"width": "wide"}}, "here")
