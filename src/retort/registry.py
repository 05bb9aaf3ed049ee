"""Being in the folder is being registered.

A registry is a folder of modules: the name of an entry is the name of its file. Listing the names imports
nothing; a look-up imports one file. Other distributions add entries by entry points of the registry's group.
"""

import importlib
import importlib.util
import pkgutil
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from retort.errors import UnknownNameError

T = TypeVar("T")


@dataclass(frozen=True)
class Registry(Generic[T]):
    """The entries of one folder.

    Args:
        kind: What an entry is called in messages, e.g. ``"task"``.
        package: Dotted name of the folder, e.g. ``"retort.prompting.tasks"``.
        attribute: Name that every module of the folder binds, e.g. ``"TASK"``.
    """

    kind: str
    package: str
    attribute: str

    @cached_property
    def _files(self) -> frozenset[str]:
        spec = importlib.util.find_spec(self.package)
        paths = list(spec.submodule_search_locations or []) if spec else []
        return frozenset(m.name for m in pkgutil.iter_modules(paths) if not m.name.startswith("_"))

    @cached_property
    def _plugins(self) -> dict[str, Any]:
        return {point.name: point for point in entry_points(group=f"retort.{self.kind}s")}

    def names(self) -> list[str]:
        """Return every registered name, sorted, without importing an entry."""
        return sorted(self._files | self._plugins.keys())

    def get(self, name: str) -> T:
        """Import and return one entry.

        Raises:
            UnknownNameError: No entry bears the name or has it among its ``aliases``.
        """
        if name in self._files:
            entry: T = getattr(importlib.import_module(f"{self.package}.{name}"), self.attribute)
            return entry
        if name in self._plugins:
            plugin: T = self._plugins[name].load()
            return plugin
        return self._by_alias(name)

    def _by_alias(self, alias: str) -> T:
        entries = {name: self.get(name) for name in self.names()}
        aliases = {a: entry for entry in entries.values() for a in getattr(entry, "aliases", ())}
        if alias in aliases:
            return aliases[alias]
        raise UnknownNameError(self.kind, alias, [*entries, *aliases])
