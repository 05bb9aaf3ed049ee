"""What the tests of planning share: a planner without weights."""

import pytest

pytest.importorskip("syntheseus", reason="needs the extra [search]")

from retort.inference.planning.toy_planner import write_toy_planner
from retort.inference.predictor import Predictor


@pytest.fixture(scope="session")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor.load(str(write_toy_planner(tmp_path_factory.mktemp("planner") / "toy")))
