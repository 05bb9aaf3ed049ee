"""What all tests share: one thread, one seed for hypothesis, and the data root where there is one."""

import os
from pathlib import Path

for _library in ("OMP", "OPENBLAS", "MKL", "RAYON"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")
os.environ.setdefault("POLARS_MAX_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

# Same examples on every machine, and no verdict from a clock.
settings.register_profile(
    "house",
    derandomize=True,
    deadline=None,
    max_examples=100,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Return the folder named by RETORT_DATA; skip the test where there is none."""
    root = os.environ.get("RETORT_DATA", "")
    if not root:
        pytest.skip("RETORT_DATA is not set: this test reads published data")
    if not Path(root).is_dir():
        pytest.fail(f"RETORT_DATA={root!r} is not a folder")
    return Path(root)


@pytest.fixture(scope="session")
def source_root() -> Path:
    """Return the folder ``src/retort`` of this checkout."""
    return Path(__file__).resolve().parent.parent / "src" / "retort"


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the folder that holds ``pyproject.toml``."""
    return Path(__file__).resolve().parent.parent
