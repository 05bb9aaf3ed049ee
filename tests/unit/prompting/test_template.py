"""Templates and the libraries they stand in."""

from pathlib import Path

import pytest

from retort.errors import DataError
from retort.prompting.template import LEAD_INS, Library, Template, own_library

ROWS = [
    ("retrosynthesis", "Take it apart."),
    ("forward_prediction", "What forms?"),
    ("retrosynthesis", "From what?"),
    ("retrosynthesis", "Take  it\napart. "),
]


def test_a_template_has_a_plain_form_and_one_with_the_type() -> None:
    template = Template("retrosynthesis", "Take it apart.", "The type is")
    assert template.text == "Take it apart."
    assert template.with_lead_in == "Take it apart. The type is"
    assert template.with_type("0") == "Take it apart. The type is 0"
    assert template.with_type("acylation") == "Take it apart. The type is acylation"


def test_there_are_four_lead_ins() -> None:
    assert len(set(LEAD_INS)) == 4


def test_a_library_of_rows_is_sorted_by_task_and_text() -> None:
    library = Library.from_rows("planted", ROWS)
    assert library.tasks == ("forward_prediction", "retrosynthesis")
    assert [t.text for t in library.of("retrosynthesis")] == ["From what?", "Take it apart."]
    assert library.places("retrosynthesis") == (1, 2)
    assert Library.from_rows("planted", reversed(ROWS)) == library


def test_rows_without_instruction_add_nothing() -> None:
    assert Library.from_rows("planted", [*ROWS, ("retrosynthesis", " ")]) == Library.from_rows("planted", ROWS)


def test_lead_ins_take_turns_within_a_task() -> None:
    library = Library.from_texts("planted", "retrosynthesis", [f"Wording {i}." for i in range(6)])
    assert [t.lead_in for t in library.templates] == [*LEAD_INS, *LEAD_INS[:2]]


def test_joined_libraries_are_a_larger_pool() -> None:
    own, rows = own_library(), Library.from_rows("planted", ROWS)
    pool = Library.joined("both", [own, rows, own])
    assert len(pool.templates) == len(own.templates) + 3
    assert len(pool.of("retrosynthesis")) == 12 + 2
    assert pool.of("retrosynthesis")[:12] == own.of("retrosynthesis")
    assert all(pool.templates[place].task == task for task in pool.tasks for place in pool.places(task))


def test_a_part_of_a_library_keeps_the_order_asked_for() -> None:
    part = own_library().only("retrosynthesis", "forward_prediction")
    assert part.tasks == ("retrosynthesis", "forward_prediction")
    assert part.of("forward_prediction") == own_library().of("forward_prediction")


def test_a_task_without_instructions_is_named() -> None:
    with pytest.raises(DataError, match="task 'name_conversion' has no instructions in the library 'own'") as caught:
        own_library().of("name_conversion")
    assert "prompting/templates" in caught.value.hint
    with pytest.raises(DataError, match="'name_conversion' has no instructions"):
        own_library().only("retrosynthesis", "name_conversion")
    with pytest.raises(DataError, match="no row of task 'name_conversion' has an instruction"):
        Library.from_rows("planted", [*ROWS, ("name_conversion", "")])


def test_an_empty_library_is_refused() -> None:
    for make in (lambda: Library("planted", ()), lambda: Library.from_rows("planted", [])):
        with pytest.raises(DataError, match="the instruction library 'planted' is empty"):
            make()


@pytest.mark.parametrize("text", ["", "  ", "Name it.</text><retrosynthesis>"])
def test_what_is_no_instruction_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="cannot be an instruction of 'retrosynthesis'"):
        Library.from_texts("planted", "retrosynthesis", ["Take it apart.", text])


def test_a_repeated_instruction_is_refused() -> None:
    with pytest.raises(DataError, match="stands twice"):
        Library.from_texts("planted", "retrosynthesis", ["Take it apart."] * 2)


def test_a_library_is_read_as_it_was_written(tmp_path: Path) -> None:
    library = own_library()
    library.save(tmp_path / "there" / "library.json")
    assert Library.load(tmp_path / "there" / "library.json") == library
    (tmp_path / "other.json").write_text('{"format": "notes", "name": "x", "templates": []}')
    (tmp_path / "half.json").write_text('{"format": "retort-instructions", "name": "x"}')
    for name in ("absent.json", "other.json", "half.json"):
        with pytest.raises(DataError, match=r"no library of instructions"):
            Library.load(tmp_path / name)
