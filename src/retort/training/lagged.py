"""Numbers that a device is still computing, read without waiting for what is asked of it afterwards."""

import torch
from torch import Tensor


class Lagged:
    """A number on its way to the CPU.

    Reading an element of a CUDA tensor waits for all that is queued behind it too; here only the number is waited for.
    """

    def __init__(self, value: Tensor) -> None:
        """Send a scalar on its way."""
        self._value = value.detach().to("cpu", non_blocking=True)
        self._arrival = torch.cuda.Event() if value.is_cuda else None  # type: ignore[no-untyped-call]
        if self._arrival is not None:
            self._arrival.record()

    def read(self) -> float:
        """Wait for the number and return it."""
        if self._arrival is not None:
            self._arrival.synchronize()
        return float(self._value)
