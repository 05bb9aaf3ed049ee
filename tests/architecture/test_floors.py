"""Imports go strictly down the floors, and siblings on one floor do not see each other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

# Units of one floor are siblings. The three modules of the foundation are one unit, and so is the command line.
FLOORS = [
    {"errors", "registry", "config"},
    {"chem"},
    {"prompting"},
    {"data", "evaluation"},
    {"models"},
    {"training"},
    {"elicitation"},
    {"inference"},
    {"recipes"},
    {"cli", "cli_benchmark", "cli_finetune", "cli_index", "cli_plan", "cli_serve", "printing", "serving", "__main__"},
]
FLOOR_OF = {unit: floor for floor, units in enumerate(FLOORS) for unit in units}
FOUNDATION = FLOORS[0]
COMMAND_LINE = {"cli", "cli_benchmark", "cli_finetune", "cli_index", "cli_plan", "cli_serve", "printing", "__main__"}
# Libraries that a unit never names, not even inside a function.
FORBIDDEN = {
    "retort.errors": {"rdkit", "torch", "numpy", "polars", "pydantic"},
    "retort.registry": {"rdkit", "torch", "numpy", "polars", "pydantic"},
    "retort.config": {"rdkit", "torch", "numpy", "polars"},
    "retort.chem": {"torch", "polars", "pydantic", "transformers"},
    "retort.chem.molecular_graph": {"rdkit"},
    "retort.prompting": {"torch", "rdkit", "numpy", "polars", "pydantic", "transformers"},
    "retort.evaluation": {"torch", "transformers", "accelerate"},
    "retort.data.batches": {"rdkit", "polars", "pydantic"},
    "retort.data.collate": {"rdkit", "polars", "pydantic"},
    "retort.data.mixture": {"rdkit", "polars", "pydantic", "torch"},
    "retort.data.molecule_rows": {"rdkit", "polars", "pydantic", "torch"},
    "retort.data.spans": {"rdkit", "polars", "pydantic", "torch"},
    "retort.models": {"rdkit", "polars", "pydantic"},
    "retort.training": {"rdkit", "polars", "pydantic"},
}


def modules(root: Path) -> dict[str, Path]:
    """Dotted name -> file of every module below ``src/retort``."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(("retort", *parts)).removesuffix(".__init__")] = path
    return found


def imports(source: str, module: str, is_package: bool, known: set[str]) -> Iterator[str]:
    """Yield what a module imports, at its top or inside functions, and modules that it names in strings."""
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base]) if base else ".".join(above)
            named = (f"{base}.{alias.name}" for alias in node.names)
            yield from (name if name in known or name == "retort.__version__" else base for name in named)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in known - {"retort"}:
            yield node.value


def unit(module: str) -> str:
    """Return the unit of a module: the name behind ``retort.``; empty for the package itself."""
    return ([*module.split("."), ""])[1]


def may_import(importer: str, imported: str) -> bool:
    """Tell whether the house allows one import within the package."""
    here, there = unit(importer), unit(imported)
    if not here:
        return True  # the package's face may open any door, lazily: test_imports sees to that
    if here == there or {here, there} <= FOUNDATION or {here, there} <= COMMAND_LINE:
        return True
    if there == "__version__" or (here == "cli_serve" and there == "serving"):
        return True  # the commands that start a server stand beside it
    return bool(there) and FLOOR_OF[there] < FLOOR_OF[here]


@pytest.fixture(scope="module")
def house(source_root: Path) -> dict[str, tuple[str, bool]]:
    return {name: (path.read_text("utf-8"), path.name == "__init__.py") for name, path in modules(source_root).items()}


def test_every_module_stands_on_a_floor(house: dict[str, tuple[str, bool]]) -> None:
    assert len(house) >= 20
    assert {unit(name) for name in house} - {""} <= set(FLOOR_OF)


def test_imports_go_down(house: dict[str, tuple[str, bool]]) -> None:
    found = [
        f"{module} -> {target}"
        for module, (source, is_package) in house.items()
        for target in imports(source, module, is_package, set(house))
        if target.split(".")[0] == "retort" and not may_import(module, target)
    ]
    assert found == []


def test_units_name_no_library_above_their_means(house: dict[str, tuple[str, bool]]) -> None:
    found = [
        f"{module} -> {target}"
        for module, (source, is_package) in house.items()
        for prefix, libraries in FORBIDDEN.items()
        if module == prefix or module.startswith(f"{prefix}.")
        for target in imports(source, module, is_package, set(house))
        if target.split(".")[0] in libraries
    ]
    assert found == []


@pytest.mark.parametrize(
    ("module", "source", "expected"),
    [
        ("retort.chem.planted", "from retort.prompting import task", ["retort.prompting.task"]),
        ("retort.chem.planted", "import retort.prompting.task", ["retort.prompting.task"]),
        ("retort.chem.planted", "def f():\n    from retort.prompting.task import Task", ["retort.prompting.task"]),
        ("retort.chem.planted", "from ..prompting import task", ["retort.prompting.task"]),
        ("retort.chem.planted", "X = 'retort.prompting.task'", ["retort.prompting.task"]),
        ("retort.evaluation.planted", "from retort.data.records import Record", ["retort.data.records"]),
        ("retort.errors", "import retort.chem.tokens", ["retort.chem.tokens"]),
        ("retort.prompting.planted", "import retort", ["retort"]),
        ("retort.prompting.planted", "from retort import Predictor", ["retort"]),
        ("retort.prompting.planted", "from retort import __version__", []),
        ("retort.config", "from retort.errors import ConfigError", []),
        ("retort.prompting.tasks.planted", "from ..task import Task\nfrom retort.chem.reaction import Reaction", []),
        ("retort.evaluation.planted", "from . import metric", []),
        ("retort.cli_serve", "from retort.serving.planted import run", []),
        ("retort.cli", "from retort.serving.settings import ServeConfig", ["retort.serving.settings"]),
        ("retort.serving.planted", "from retort.printing import console", ["retort.printing"]),
    ],
)
def test_a_planted_import_is_seen(
    house: dict[str, tuple[str, bool]], module: str, source: str, expected: list[str]
) -> None:
    known = {*house, module}
    seen = [target for target in imports(source, module, False, known) if target.startswith("retort")]
    assert [target for target in seen if not may_import(module, target)] == expected
