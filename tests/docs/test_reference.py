"""The reference pages say what the code says."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from retort.data.source import SOURCES
from retort.evaluation.metric import METRICS
from retort.prompting.task import TASKS
from retort.prompting.template import TEMPLATES


def test_the_pages_in_the_repository_are_up_to_date(generate: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


def test_checking_sees_missing_and_changed_pages(generate: ModuleType, tmp_path: Path) -> None:
    assert generate.main(["--check", "--folder", str(tmp_path)]) == 1
    assert list(tmp_path.iterdir()) == []
    assert generate.main(["--folder", str(tmp_path)]) == 0
    assert generate.main(["--check", "--folder", str(tmp_path)]) == 0
    page = tmp_path / "reference" / "metrics.md"
    page.write_text(page.read_text() + "more\n")
    assert generate.stale(tmp_path) == ["reference/metrics.md"]


def test_every_entry_has_its_section(generate: ModuleType) -> None:
    pages = ((TASKS, "tasks"), (METRICS, "metrics"), (SOURCES, "sources"), (TEMPLATES, "templates"))
    for registry, page in pages:
        text = generate.PAGES[f"reference/{page}.md"]()
        assert [name for name in registry.names() if f"## `{name}`" not in text] == []


def test_every_function_of_figures_has_its_section(generate: ModuleType, source_root: Path) -> None:
    text = generate.PAGES["reference/metrics.md"]()
    files = [path for path in sorted((source_root / "evaluation").glob("*.py")) if path.stem != "upstream"]
    made = {path.stem: re.findall(r"^def (\w+_scores)\(", path.read_text("utf-8"), re.MULTILINE) for path in files}
    making = [(module, name) for module, names in made.items() for name in names]
    assert len(making) >= 7
    assert [pair for pair in making if f"retort.evaluation.{pair[0]}`" not in text or pair[1] not in text] == []


def test_every_configuration_key_is_described(generate: ModuleType) -> None:
    schemas = list(generate.config_schemas())
    assert len(schemas) >= 1
    for line in generate.config_page().splitlines():
        if line.startswith("| `"):
            assert line.split("|")[-2].strip(), f"no description: {line}"


def test_a_study_says_what_was_published_and_what_was_not_run(generate: ModuleType) -> None:
    text = generate.PAGES["reproduction/slm4crp.md"]()
    assert "a pattern comparison" in text
    assert text.count("| Table 1: ") == 23
    assert text.count("| Table 2: ") == 5
    for line in text.splitlines():
        if line.startswith("| Table"):
            assert line.count(" | ") == 8, line
            assert line.split(" | ")[-1].removesuffix(" |").strip(), f"no verdict: {line}"
