"""What the processes of one run agree on and add up; each function does nothing where there is one process."""

from collections.abc import Sequence
from typing import TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, gather_object
from torch import Tensor

T = TypeVar("T")


def agreed(accelerator: Accelerator, value: T) -> T:
    """Return the main process's value, so that all processes take the same turn."""
    if accelerator.num_processes == 1:
        return value
    agreed_value: T = broadcast_object_list([value])[0]
    return agreed_value


def gathered(accelerator: Accelerator, value: T) -> Sequence[T]:
    """Return the values of all processes, in the order of their ranks."""
    if accelerator.num_processes == 1:
        return [value]
    values: list[T] = gather_object([value])
    return values


def summed(accelerator: Accelerator, tensor: Tensor) -> Tensor:
    """Return the sum of the processes' tensors, on the CPU."""
    if accelerator.num_processes == 1:
        return tensor
    total = tensor.to(accelerator.device)
    torch.distributed.all_reduce(total)
    return total.cpu()


def largest(accelerator: Accelerator, tensor: Tensor) -> Tensor:
    """Return the larger of the processes' numbers, place by place."""
    if accelerator.num_processes > 1:
        torch.distributed.all_reduce(tensor, torch.distributed.ReduceOp.MAX)
    return tensor
