"""What tests of the server share: the toy model, settings with a folder of their own, a client within the process."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from retort.inference.predictor import Predictor
from retort.inference.toy_model import write_toy_model
from retort.serving.app import create_app
from retort.serving.settings import ServeConfig


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_model(tmp_path_factory.mktemp("served") / "toy")


@pytest.fixture
def settings(toy: Path, tmp_path: Path) -> ServeConfig:
    return ServeConfig(model=str(toy), jobs=tmp_path / "jobs", window_milliseconds=1.0)


@pytest.fixture
def predictor(toy: Path) -> Predictor:
    return Predictor.load(str(toy))


@pytest.fixture
def connect(settings: ServeConfig, toy: Path) -> Iterator[Callable[..., TestClient]]:
    """Start a server with other settings, or another model, and return a client of it."""
    with ExitStack() as stack:

        def start(*, key: str | None = None, predictor: Predictor | None = None, **values: Any) -> TestClient:
            app = create_app(predictor or Predictor.load(str(toy)), replace(settings, **values), key)
            return stack.enter_context(TestClient(app, base_url="http://localhost"))

        yield start


@pytest.fixture
def client(connect: Callable[..., TestClient]) -> TestClient:
    return connect()
