"""Devices and precision by name."""

import pytest
import torch

from retort.errors import ConfigError
from retort.models.device import autocast, pick_device, set_threads


def test_a_named_device_is_taken() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type in {"cpu", "cuda", "mps"}


def test_an_absent_device_is_refused() -> None:
    absent = [
        n for n, there in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())) if not there
    ]
    assert absent, "a machine with both kinds of accelerator"
    for name in absent:
        with pytest.raises(ConfigError, match=f"device '{name}' is not available"):
            pick_device(name)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("auto", torch.float32)]
)
def test_precision_of_a_product_on_a_cpu(precision: str, dtype: torch.dtype) -> None:
    a = torch.ones(2, 2)
    with autocast(torch.device("cpu"), precision):  # type: ignore[arg-type]
        assert (a @ a).dtype == dtype


def test_threads_are_set_and_denormals_flushed() -> None:
    before = torch.get_num_threads()
    set_threads(1)
    assert torch.get_num_threads() == 1
    tiny = torch.tensor(1e-40)
    assert float(tiny * 1.0) == 0.0
    set_threads(0)
    assert torch.get_num_threads() == 1
    torch.set_num_threads(before)
