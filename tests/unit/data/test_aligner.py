"""Aligners: mappings are checked against the record, and a bad child process is an error, not a wait."""

import sys
from pathlib import Path

import pytest

from retort.chem.reaction import Reaction
from retort.data.aligner import build_aligner, same_molecules
from retort.data.aligners.rxnmapper import BATCH, RxnMapper
from retort.errors import ConfigError, DataError

AMIDE = Reaction(("CC(=O)Cl", "CCN(CC)CC", "NC"), (), ("CNC(C)=O",))
MAPPED = "[CH3:1][C:2](=[O:3])Cl.[NH2:4][CH3:5]>>[CH3:5][NH:4][C:2]([CH3:1])=[O:3]"
READY = "say({'ready': '1'})"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MAPPED, MAPPED),
        (MAPPED.replace(">>", ".CCN(CC)CC>>"), MAPPED),  # a reagent is left out
        (MAPPED.replace(">>", ".[CH3:9]CN(CC)CC>>"), MAPPED),  # as is one whose number is not in the product
        (MAPPED.replace("[NH2:4][CH3:5]", "[NH2:4][CH2:5]C"), None),  # another reactant
        (MAPPED.replace("[NH:4]", "[N:4](C)"), None),  # another product
        (MAPPED.replace("Cl.", "Cl.[CH3:1][C:2](=[O:3])Cl."), None),  # one map number, two atoms
        (MAPPED.replace("[CH3:5]", "[CH3:4]"), None),
        ("CC(=O)Cl.NC>>CNC(C)=O", None),  # no maps at all
        ("[CH3:1]", None),
        ("[CH3:1>>[CH3:1]", None),
        ("", None),
    ],
)
def test_a_mapping_is_held_against_the_record(text: str, expected: str | None) -> None:
    assert same_molecules(AMIDE, text) == expected


def test_stereo_must_agree() -> None:
    record = Reaction(("C[C@H](N)O",), (), ("C[C@H](N)Cl",))
    text = "[CH3:1][C@H:2]([NH2:3])O>>[CH3:1][C@H:2]([NH2:3])Cl"
    assert same_molecules(record, text) == text
    assert same_molecules(record, text.replace("@", "@@")) is None


@pytest.mark.parametrize(("name", "needs"), [("template", "templates"), ("rxnmapper", "aligner_python")])
def test_what_an_aligner_needs_is_asked_for(name: str, needs: str) -> None:
    with pytest.raises(ConfigError, match=needs):
        build_aligner(name)


def child(tmp_path: Path, *lines: str) -> Path:
    """Write a stand-in for an interpreter: it runs these lines, whatever script it is given."""
    path = tmp_path / "python"
    prelude = ["import json, sys, time", "def say(message): print(json.dumps(message), flush=True)"]
    path.write_text("\n".join([f"#!{sys.executable}", *prelude, *lines]) + "\n")
    path.chmod(0o755)
    return path


def test_answers_come_in_batches_and_are_checked(tmp_path: Path) -> None:
    answering = [
        READY,
        "for line in sys.stdin:",
        f"    texts = [{MAPPED!r}, None, 'CC>>CC', 7] * 99",
        "    say({'mapped': texts[:len(json.loads(line)['reactions'])]})",
    ]
    mapper = RxnMapper(child(tmp_path, *answering))
    found = mapper.align([AMIDE] * (BATCH + 4))
    assert found == [MAPPED, None, None, None] * (BATCH // 4 + 1)
    assert mapper.align([AMIDE]) == [MAPPED]
    mapper.close()
    assert mapper.align([AMIDE]) == [MAPPED]
    mapper.close()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["sys.exit('no such module')"], "ended with code 1: no such module"),
        (["say({'error': 'ImportError: rxnmapper'})"], "could not start: ImportError: rxnmapper"),
        (["print('hello', flush=True)"], "not JSON"),
        (["say([])"], "instead of 'ready'"),
        ([READY, "sys.stdin.readline()", "sys.exit(3)"], "ended with code 3: it said nothing"),
        ([READY, "sys.stdin.readline()", "say({'mapped': []})"], "to 1 reactions"),
        ([READY, "sys.stdin.readline()", "say({'mapped': 5})"], "to 1 reactions"),
    ],
)
def test_a_bad_child_is_an_error(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        RxnMapper(child(tmp_path, *lines)).align([AMIDE])


@pytest.mark.parametrize(("lines", "start", "batch"), [([], 0.5, 300), ([READY], 300, 0.5)])
def test_a_silent_child_is_an_error(tmp_path: Path, lines: list[str], start: float, batch: float) -> None:
    mapper = RxnMapper(child(tmp_path, *lines, "time.sleep(600)"), start, batch)
    with pytest.raises(DataError, match=r"no answer within 0\.5 s"):
        mapper.align([AMIDE])


def test_an_interpreter_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot start"):
        RxnMapper(tmp_path / "nothing").align([AMIDE])


def test_our_own_interpreter_lacks_the_package_and_says_so() -> None:
    """The module of the aligner bears the package's name; it must not be taken for the package."""
    with pytest.raises(DataError, match="No module named 'rxnmapper'") as caught:
        RxnMapper(Path(sys.executable)).align([AMIDE])
    assert "Install rxnmapper" in caught.value.hint
