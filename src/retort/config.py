"""Configurations: frozen dataclasses, read from TOML, checked here and nowhere else.

A dataclass stands beside what it configures and needs nothing but the standard library; :func:`option` gives each
field its help text. :func:`load` reads a file, applies ``key=value`` overrides, refuses unknown keys by name and
validates with pydantic, which is imported only when a configuration is loaded. On a bare training machine without
pydantic the standard library checks the same configurations, one level of nesting in containers deep.
"""

import dataclasses
import tomllib
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from retort.errors import ConfigError, InputFileError, did_you_mean

T = TypeVar("T")


def option(default: Any = dataclasses.MISSING, *, help: str, factory: Any = dataclasses.MISSING) -> Any:  # noqa: A002
    """Declare a configuration field with its help text; without a default the field is required."""
    metadata = {"help": help}
    if factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=factory, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def load(schema: type[T], path: Path, overrides: Sequence[str] = ()) -> T:
    """Read a TOML file into a frozen dataclass.

    Args:
        schema: The dataclass to fill.
        path: The TOML file.
        overrides: ``key=value`` texts; dots descend, e.g. ``training.peak_learning_rate=1e-3``.

    Raises:
        InputFileError: The file is missing.
        ConfigError: The file is not TOML, a key is unknown, or a value does not fit.
    """
    return build(schema, read_values(path, overrides), str(path))


def read_values(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Read a TOML file as plain values on top of those of its ``base``, and apply overrides to them.

    A file that names a ``base``, relative to itself, holds only what differs: tables are merged key by key, lists are
    replaced. Raises as :func:`load`.
    """
    values: dict[str, Any] = {}
    for _, own in reversed(list(chain(path))):
        values = laid_over(values, own)
    for override in overrides:
        apply_override(values, override)
    return values


def chain(path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield a file, the one it builds on, and so on, each with its own values; raises as :func:`load`."""
    seen: list[Path] = []
    while True:
        if path.resolve() in seen:
            raise ConfigError(f"{path} builds on itself.", "Let its base be another file.")
        seen.append(path.resolve())
        values = _own_values(path)
        base = values.pop("base", None)
        yield path, values
        if base is None:
            return
        path = beside(path, str(base))


def beside(file: Path, name: str) -> Path:
    """Return the file that another one names; raises ConfigError where it is not there."""
    path = file.parent / name
    if not path.is_file():
        raise ConfigError(f"{file}: {name!r} is not there.", "Name a file relative to this one.")
    return path


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return values of which the upper ones win; tables are merged key by key, lists are replaced."""
    both = {
        key: laid_over(below[key], above[key])
        for key in below.keys() & above.keys()
        if isinstance(below[key], Mapping) and isinstance(above[key], Mapping)
    }
    return {**below, **above, **both}


def _own_values(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputFileError(f"cannot read configuration {str(path)!r}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}.") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error


def build(schema: type[T], values: Mapping[str, Any], where: str) -> T:
    """Validate plain values against a dataclass; ``where`` names their origin in messages."""
    _refuse_unknown(schema, values, where, ())
    try:
        from pydantic import TypeAdapter, ValidationError
    except ImportError:
        return _fill(schema, values, where, "")
    try:
        return TypeAdapter(schema).validate_python(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{where}: {key}: {first['msg']} (got {first['input']!r}).") from error


def apply_override(values: dict[str, Any], override: str) -> None:
    """Set one dotted key in place; the value is read as TOML, and as plain text where it is not TOML."""
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"override {override!r} is not of the form key=value.")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    set_value(values, key, value)


def set_value(values: dict[str, Any], key: str, value: Any) -> None:
    """Set one dotted key in place; tables on the way are made."""
    *parents, last = key.split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise ConfigError(f"override of {key!r}: {parent!r} is a value, not a table.")
    values[last] = value


def as_dict(config: Any) -> dict[str, Any]:
    """Return a configuration as plain values (paths as text), ready for JSON or TOML."""
    plain = _plain(config)
    assert isinstance(plain, dict)
    return plain


def describe(schema: type[Any], prefix: str = "") -> list[tuple[str, str, str]]:
    """Return ``(dotted key, default, help)`` of every field, depth first."""
    rows: list[tuple[str, str, str]] = []
    hints = get_type_hints(schema)
    for field in dataclasses.fields(schema):
        nested = _dataclass_in(hints[field.name])
        if nested is not None and get_origin(hints[field.name]) is None:
            rows += describe(nested, f"{prefix}{field.name}.")
        else:
            rows.append((prefix + field.name, _default_text(field), field.metadata.get("help", "")))
    return rows


def _default_text(field: "dataclasses.Field[Any]") -> str:
    if field.default is not dataclasses.MISSING:
        return str(field.default)
    return "required" if field.default_factory is dataclasses.MISSING else str(field.default_factory())


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def _refuse_unknown(hint: Any, value: Any, where: str, trail: tuple[str, ...]) -> None:
    """Walk a type hint and a value side by side; raise ConfigError at the first key that no field bears."""
    if dataclasses.is_dataclass(hint) and isinstance(value, Mapping):
        hints = get_type_hints(hint)
        for key, inner in value.items():
            if key not in hints:
                raise ConfigError(f"{where}: unknown key {'.'.join((*trail, str(key)))!r}.", did_you_mean(key, hints))
            _refuse_unknown(hints[key], inner, where, (*trail, str(key)))
    elif get_origin(hint) in (Union, types.UnionType):
        for choice in get_args(hint):
            _refuse_unknown(choice, value, where, trail)
    elif isinstance(value, Mapping) and len(get_args(hint)) == 2:
        for key, inner in value.items():
            _refuse_unknown(get_args(hint)[1], inner, where, (*trail, str(key)))
    elif isinstance(value, (list, tuple)) and get_args(hint):
        for place, inner in enumerate(value):
            _refuse_unknown(get_args(hint)[0], inner, where, (*trail, str(place)))


def _fill(schema: type[T], values: Mapping[str, Any], where: str, trail: str) -> T:
    """Fill a dataclass with the standard library alone; unknown keys were refused before."""
    hints = get_type_hints(schema)
    given = {key: _converted(hints[key], value, where, trail + key) for key, value in values.items()}
    for field in dataclasses.fields(schema):  # type: ignore[arg-type]
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and field.name not in given:
            raise ConfigError(f"{where}: key {trail + field.name!r} is missing.")
    return schema(**given)


def _converted(hint: Any, value: Any, where: str, key: str) -> Any:
    """Return a plain value as what a type hint asks for, or raise ConfigError."""
    for choice in get_args(hint) if get_origin(hint) is types.UnionType else (hint,):
        kind = get_origin(choice) or choice
        if dataclasses.is_dataclass(choice) and isinstance(choice, type) and isinstance(value, Mapping):
            return _fill(choice, value, where, f"{key}.")
        if kind is tuple and isinstance(value, list):
            inner = (get_args(choice) or (Any,))[0]
            return tuple(_converted(inner, item, where, f"{key}.{place}") for place, item in enumerate(value))
        if kind is Path and isinstance(value, str):
            return Path(value)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if choice is Any or (kind is Literal and value in get_args(choice)):
            return value
        if isinstance(kind, type) and isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
    raise ConfigError(f"{where}: {key}: {value!r} is not {getattr(hint, '__name__', hint)}.")


def _dataclass_in(hint: Any) -> Any:
    """Return the dataclass inside ``X``, ``X | None``, ``tuple[X, ...]`` or ``dict[str, X]``, if there is one."""
    if dataclasses.is_dataclass(hint):
        return hint
    return next((c for c in map(_dataclass_in, get_args(hint)) if c is not None), None)
