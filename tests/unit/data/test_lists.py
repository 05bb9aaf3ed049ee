"""Lists of candidates: published ones, ones made of a screen, and the wall between held-out lists and train rows."""

import json
import lzma
from itertools import product
from pathlib import Path

import pytest

from retort.data.labelled import LabelledSource
from retort.data.lists import read_lists
from retort.data.splits import HoldOut
from retort.errors import DataError
from retort.prompting.candidates import reactions_of, split_candidates

LIGANDS, BASES = ["P(C)(C)C", "P(CC)(CC)CC", "P(CCC)(CCC)CCC"], [f"{'C' * n}N" for n in range(1, 13)]
SOLVENTS = ["CCO", "CO", "CC#N"]


def published(base: str, solvent: str, yields: dict[str, float], kind: str = "ligand") -> dict[str, object]:
    """Return a row as it is published: an example in the instruction, base and solvent exchanged."""
    head = "Choose.\nGiven the rest of reaction components:\nreactant: reactant 1\n\n"
    lines = f"reactant 1: CCBr\nreactant 2: CB(O)O\nbase: {solvent}\nsolvent: {base}"
    rest = f"Given the rest of reaction components:\n{lines}  \n"
    names = ",".join(yields)
    ranked = sorted(yields.items(), key=lambda pair: -pair[1])
    return {
        "task": f"{head}{rest}{kind.capitalize()} list for selection:\n{names}\nOptimal {kind}:\n",
        "candidate_rank": [name for name, _ in ranked],
        "yield_details": [[list(pair)] for pair in ranked],
    }


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write 36 lists of ligands, and lists of solvents for the same wells."""
    value = {(i, j, k): 10.0 * i + j + 30 * k for i, j, k in product(range(3), range(12), range(3))}
    ligands = [
        published(BASES[j], SOLVENTS[k], {LIGANDS[i]: value[i, j, k] for i in (1, 0, 2)})
        for j, k in product(range(12), range(3))
    ]
    broken = published("CN", "CCO", {"not a molecule": 1.0, "CP": 2.0})
    folder = tmp_path / "reagent_selection"
    folder.mkdir()
    for kind, rows in (("ligand", [*ligands, broken]), ("reactant", []), ("solvent", [])):
        (folder / f"{kind}_selection.json.xz").write_bytes(lzma.compress(json.dumps(rows).encode()))
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    return tmp_path


def test_published_lists_are_read_in_the_order_of_their_prompt(root: Path) -> None:
    found = read_lists(LabelledSource("reagent_selection", "ligand", "reaction", HoldOut(0.0, 0.4)))
    assert 5 < len(found.test) < 30
    question, candidates = split_candidates(found.test[0].given)
    assert candidates == ("CCP(CC)CC", "CP(C)C", "CCCP(CCC)CCC")
    assert {"CCBr", "CB(O)O"} <= set(question.partition(">>")[0].split("."))
    low, high = (float(found.test[0].answer.split(";")[i]) for i in (1, 0))
    assert high == low + 10
    assert found.wells.dropped["reagent_selection: unreadable list"] == 1


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_no_reaction_of_a_held_out_list_is_a_train_row(root: Path, share: float) -> None:
    found = read_lists(LabelledSource("reagent_selection", "", "reaction", HoldOut(0.0, share)))
    asked = {text for row in found.test for text in reactions_of(row.given)}
    assert asked
    assert not asked & {row.given for row in found.wells.rows}
    assert len(found.popular) == len(found.wells.rows)  # every well is in one list of ligands
    assert len(asked) == found.wells.dropped["reagent_selection: train rows held out with test lists"]


def test_a_kind_that_is_not_there_leaves_nothing_to_ask(root: Path) -> None:
    with pytest.raises(DataError, match="leaves 0 lists"):
        read_lists(LabelledSource("reagent_selection", "colour", "reaction"))


def test_lists_are_made_of_reactions_that_differ_in_one_component(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        f"{i}\tBrc1ccccc1.{ligand}.{base}.CB(O)O>>Cc1ccccc1\t{(i % 9) / 10}"
        for i, (ligand, base) in enumerate(product(LIGANDS, BASES))
    ]
    lines.append(f"99\tBrc1ccccc1.{LIGANDS[0]}.{BASES[0]}.CB(O)O>>Cc1ccccc1\t0.8")  # once more: 0 % before
    folder = tmp_path / "yields/suzuki_random_splits"
    folder.mkdir(parents=True)
    for number in range(10):
        text = "\trxn\ty\n" + "\n".join(lines) + "\n"
        (folder / f"random_split_{number}.tsv.xz").write_bytes(lzma.compress(text.encode()))
    monkeypatch.setenv("RETORT_DATA", str(tmp_path))
    found = read_lists(LabelledSource("suzuki_yields", "", "reaction", HoldOut(0.0, 0.3)))
    sizes = {len(split_candidates(row.given)[1]) for row in found.test}
    assert sizes <= {3, 12}
    asked = {text for row in found.test for text in reactions_of(row.given)}
    train = {row.given: float(row.answer) for row in found.wells.rows}
    assert not asked & train.keys()
    twice = next(text for text in asked | train.keys() if f".{BASES[0]}." in text and "CP(C)C" in text)
    means = train | {
        text: float(value)
        for row in found.test
        for text, value in zip(reactions_of(row.given), row.answer.split(";"), strict=True)
    }
    assert means[twice] == pytest.approx(40.0)
    with pytest.raises(DataError, match="0 rows to learn from"):  # one product in every row
        read_lists(LabelledSource("suzuki_yields", "", "product", HoldOut(0.0, 1.0)))
