"""Documents cannot rot: the blocks of the README, of the tutorials and of some how-to pages run.

``python`` blocks of one document share a namespace. In ``sh`` blocks every line that starts with ``retort`` is run.
A block below a line ``<!-- not run: REASON -->`` is left out, and how many are is asserted.
"""

import re
import shlex
from pathlib import Path

import pytest

from retort.inference.model_folder import DEFAULT_MODEL, embedded_models

ROOT = Path(__file__).resolve().parents[2]
HOW_TO = ROOT / "docs" / "how-to"
DOCUMENTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs" / "tutorials").glob("*.md")),
    HOW_TO / "explain-an-answer.md",
]
_BLOCK = re.compile(r"(?P<skip><!-- not run: [^\n]+ -->\n)?```(?P<kind>python|sh)\n(?P<code>.*?)```", re.DOTALL)

pytestmark = pytest.mark.skipif(DEFAULT_MODEL not in embedded_models(), reason="the embedded model is not built yet")


def blocks(document: Path) -> list[tuple[str, str]]:
    found = _BLOCK.finditer(document.read_text("utf-8"))
    return [(match["kind"], match["code"]) for match in found if not match["skip"]]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_blocks_run(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    for kind, code in blocks(document):
        if kind == "python":
            exec(compile(code, str(document), "exec"), namespace)
        else:
            run_shell(code)


def run_shell(code: str) -> None:
    from typer.testing import CliRunner

    from retort.cli import app

    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["retort"]:
            result = CliRunner().invoke(app, words[1:])
            assert result.exit_code == 0, f"{line}: {result.output}"


def test_there_are_blocks_to_run() -> None:
    assert sum(len(blocks(document)) for document in DOCUMENTS) >= 4
