"""Where and how precisely to compute: device, autocast, threads."""

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

from retort.errors import ConfigError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "fp32", "bf16"]


def pick_device(name: DeviceName = "auto") -> torch.device:
    """Return the named device; ``auto`` prefers CUDA, then Apple's GPU, then the CPU.

    Raises:
        ConfigError: The named device is not there.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device 'cuda' is not available.", "Use device = 'auto' or 'cpu'.")
    if name == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("device 'mps' is not available.", "Use device = 'auto' or 'cpu'.")
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Return the context of a forward pass.

    ``auto`` is bf16 on CUDA and fp32 elsewhere: bf16 gains on a CPU with AVX-512-BF16 or AMX, and is many times slower
    than fp32 on one without.
    """
    use_bf16 = precision == "bf16" or (precision == "auto" and device.type == "cuda")
    return torch.autocast(device.type, torch.bfloat16) if use_bf16 else nullcontext()


def has_fast_bf16() -> bool:
    """Say whether training in bf16 gains on the device that ``auto`` picks: CUDA, or a CPU with instructions for it."""
    if pick_device().type != "cpu":
        return pick_device().type == "cuda"
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def set_threads(threads: int) -> None:
    """Use this many CPU threads (0: leave torch's choice) and round denormal numbers to zero, which are slow."""
    if threads > 0:
        torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
