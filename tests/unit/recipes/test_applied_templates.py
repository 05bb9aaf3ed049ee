"""What templates gave is remembered as it was."""

from pathlib import Path

import pytest

from retort.chem.templates import Substrate, Template, extract_template
from retort.errors import DataError
from retort.recipes.applied_templates import AppliedTemplates

MAPPED = "[CH3:1][C:2](=[O:3])O.[NH2:4][CH2:5][CH3:6]>>[CH3:1][C:2](=[O:3])[NH:4][CH2:5][CH3:6]"
FITS, DOES_NOT = Substrate("CCNC(C)=O"), Substrate("c1ccccc1")


@pytest.fixture
def template() -> Template:
    smarts = extract_template(MAPPED)
    assert isinstance(smarts, str)
    return Template(smarts, "retro")


def test_answers_are_those_of_the_template_and_last(template: Template, tmp_path: Path) -> None:
    applied = AppliedTemplates(tmp_path / "deep" / "applied.parquet")
    for _ in range(2):
        assert applied.apply(template, FITS) == template.apply(FITS) == ("CC(=O)O.CCN",)
        assert applied.apply(template, DOES_NOT) == ()
    assert len(applied) == 2
    applied.save()
    again = AppliedTemplates(tmp_path / "deep" / "applied.parquet")
    assert len(again) == 2
    assert again.apply(template, FITS) == ("CC(=O)O.CCN",)
    assert again.apply(template, DOES_NOT) == ()


def test_remembered_answers_are_not_made_again(template: Template, tmp_path: Path) -> None:
    applied = AppliedTemplates(tmp_path / "applied.parquet")
    applied.apply(template, FITS)
    applied.save()
    other = Template("[C:1]>>[C:1]", "retro")  # under the name of the first: what is on file is what is returned
    other.smarts = template.smarts
    assert AppliedTemplates(tmp_path / "applied.parquet").apply(other, FITS) == ("CC(=O)O.CCN",)


def test_little_that_is_new_is_not_written(template: Template, tmp_path: Path) -> None:
    applied = AppliedTemplates(tmp_path / "applied.parquet")
    applied.save()
    applied.apply(template, FITS)
    applied.save(least=2)
    assert not (tmp_path / "applied.parquet").exists()


def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "applied.parquet").write_text("no table")
    with pytest.raises(DataError, match=r"applied\.parquet"):
        AppliedTemplates(tmp_path / "applied.parquet")
