"""Size and shape of the package's code, by the rules of the house."""

import ast
import statistics
from pathlib import Path

import pytest

LONGEST_FUNCTION = 60
MEDIAN_FUNCTION = 10
FILE_P90 = 300


@pytest.fixture(scope="module")
def trees(source_root: Path) -> dict[str, ast.Module]:
    return {
        str(path.relative_to(source_root)): ast.parse(path.read_text("utf-8"))
        for path in sorted(source_root.rglob("*.py"))
    }


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end, docstring included."""
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def test_every_module_says_what_it_is_for(trees: dict[str, ast.Module]) -> None:
    assert len(trees) >= 20
    assert [name for name, tree in trees.items() if not ast.get_docstring(tree)] == []


def test_no_function_is_long(trees: dict[str, ast.Module]) -> None:
    long = {
        f"{name}:{f.lineno} {f.name}": length(f)
        for name, tree in trees.items()
        for f in functions(tree)
        if length(f) > LONGEST_FUNCTION
    }
    assert long == {}


def test_most_functions_are_short(trees: dict[str, ast.Module]) -> None:
    assert statistics.median(length(f) for tree in trees.values() for f in functions(tree)) <= MEDIAN_FUNCTION


def test_most_files_are_short(source_root: Path) -> None:
    lengths = sorted(len(path.read_text("utf-8").splitlines()) for path in source_root.rglob("*.py"))
    assert lengths[int(0.9 * (len(lengths) - 1))] <= FILE_P90


def test_names_say_what_things_do(trees: dict[str, ast.Module]) -> None:
    vague = {"utils", "util", "helpers", "common", "misc"}
    assert [name for name in trees if vague & set(Path(name).with_suffix("").parts)] == []
    classes = [node.name for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert [name for name in classes if name.endswith("Manager")] == []


def test_no_exception_is_swallowed_blindly(trees: dict[str, ast.Module]) -> None:
    """A bare ``except:`` or ``except Exception: pass`` hides failures that ought to be counted."""
    blind = [
        f"{name}:{node.lineno}"
        for name, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (ast.unparse(node.type) in {"Exception", "BaseException"} and _does_nothing(node)))
    ]
    assert blind == []


def _does_nothing(handler: ast.ExceptHandler) -> bool:
    return all(isinstance(statement, (ast.Pass, ast.Continue)) for statement in handler.body)


def test_no_test_mocks_our_own_code(repository: Path) -> None:
    """Fakes are products (``models/toy.py``); a mock would only prove what the test itself says."""
    imported = {
        (path.name, name)
        for path in (repository / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert len(imported) > 100
    assert {
        pair for pair in imported if pair[1].split(".")[0] in {"mock", "pytest_mock"} or "unittest" in pair[1]
    } == set()
