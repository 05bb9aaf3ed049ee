"""Names: what may be one, and how a query by name is answered with and without OPSIN."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from retort.inference.names import HINT, can_read_names, may_be_name, read_names
from retort.inference.predictor import Predictor
from retort.inference.toy_model import write_toy_model

opsin = pytest.mark.skipif(not can_read_names(), reason="py2opsin or Java is not installed")
without = pytest.mark.skipif(find_spec("py2opsin") is not None, reason="py2opsin is installed")


@pytest.mark.parametrize(
    "text", ["ethanol", "4-acetamidophenol", "(2S)-2-aminopropanoic acid", "bicyclo[2.2.1]heptane", "water"]
)
def test_names_look_like_names(text: str) -> None:
    assert may_be_name(text)


@pytest.mark.parametrize(
    "text", ["", "C1CC", "c1ccccc", "C[Si](C)(C)Cl(", "CC(=O)benzene", "CC>>ethanol", "{[][$]CC[$][]}", "x" * 501]
)
def test_broken_smiles_do_not(text: str) -> None:
    assert not may_be_name(text)


@pytest.fixture
def toy(tmp_path: Path) -> Predictor:
    return Predictor.load(str(write_toy_model(tmp_path / "toy")))


@without
def test_without_opsin_a_name_is_invalid_and_the_next_step_is_named(toy: Predictor) -> None:
    name, broken = toy.retrosynthesis(["ethanol", "C1CC"])
    assert name.status == broken.status == "invalid_input"
    assert name.message.endswith(HINT)
    assert HINT not in broken.message
    assert read_names(["ethanol"]) == {}


@opsin
def test_with_opsin_the_answer_says_how_the_name_was_read(toy: Predictor) -> None:
    found = toy.retrosynthesis(["ethanol", "CO", "blubbium", "ethanol"], 1)
    assert [p.status for p in found] == ["ok", "ok", "invalid_input", "ok"]
    assert found[0].message.startswith("Read as a name by OPSIN: CCO.")
    assert found[0].given == "CCO"
    assert found[1].given == "CO"  # SMILES first
    assert found[2].message.endswith("OPSIN does not know it as a name either.")


def test_a_name_is_no_reaction(toy: Predictor) -> None:
    found = toy.reagent_prediction("ethanol")
    assert (found.status, HINT in found.message) == ("invalid_input", False)
