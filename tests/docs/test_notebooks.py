"""Notebooks run: their code cells in order, in one namespace; what a cell shows can be shown, and nothing is kept."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from retort.inference.model_folder import DEFAULT_MODEL, embedded_models

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs").rglob("*.ipynb"))

pytestmark = pytest.mark.skipif(DEFAULT_MODEL not in embedded_models(), reason="the embedded model is not built yet")


def run_cell(code: str, namespace: dict[str, Any]) -> Any:
    """Run a cell; return the value of its last line where that is an expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), namespace)
    return None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), namespace)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_cells_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    namespace: dict[str, Any] = {"__name__": "__main__"}
    drawn = 0
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            shown = run_cell("".join(cell["source"]), namespace)
            html = getattr(shown, "_repr_html_", lambda: "")()
            drawn += "<svg" in html
    assert drawn >= 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_is_a_notebook_without_outputs(path: Path) -> None:
    notebook = json.loads(path.read_text("utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    cells = notebook["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) >= 4
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS
