"""Messages name the value, hints name the next step, exit codes tell misuse from failure."""

import pytest

from retort import errors
from retort.errors import MissingExtraError, RetortError, UnknownNameError, UsageError, did_you_mean


def test_the_nearest_name_is_proposed() -> None:
    assert did_you_mean("retrosynthesys", ["retrosynthesis", "forward_prediction"]) == "Did you mean 'retrosynthesis'?"


def test_without_a_near_name_all_are_listed_sorted() -> None:
    assert did_you_mean("xyz", ["beta", "alpha"]) == "Known: alpha, beta."
    assert did_you_mean("xyz", []) == "None is registered."


def test_known_names_may_come_from_a_generator() -> None:
    error = UnknownNameError("task", "retro", (name for name in ["retrosynthesis", "yield"]))
    assert str(error) == "unknown task 'retro'. Did you mean 'retrosynthesis'?"


def test_message_and_hint_make_one_line() -> None:
    error = RetortError("row 3 is damaged.", "Write it again.")
    assert str(error) == "row 3 is damaged. Write it again."
    assert str(RetortError("row 3 is damaged.")) == "row 3 is damaged."


def test_a_missing_extra_says_what_to_install() -> None:
    assert "pip install 'retort[train]'" in str(MissingExtraError("training", "train"))


def test_every_error_belongs_to_the_tree() -> None:
    found = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, Exception)]
    assert len(found) >= 10
    assert all(issubclass(e, RetortError) and e.__doc__ for e in found)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("UsageError", 2),
        ("UnknownNameError", 2),
        ("ConfigError", 2),
        ("InputFileError", 2),
        ("MissingExtraError", 2),
        ("ChemistryError", 1),
        ("DataError", 1),
        ("ModelError", 1),
        ("OutputError", 1),
    ],
)
def test_exit_codes(name: str, code: int) -> None:
    assert getattr(errors, name).exit_code == code
    assert issubclass(getattr(errors, name), UsageError) is (code == 2)
