"""Cold starts, each in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from contest import Contest, Way
from molecules import DRUGS
from weights import hugging_face

PEER = """
from transformers import AutoModelForSeq2SeqLM
import torch
model = AutoModelForSeq2SeqLM.from_pretrained({folder!r}).eval()
with torch.no_grad():
    model.generate(torch.tensor([[5, 6, 7, 1]]), num_beams=10, max_new_tokens=20)
"""


def contests(folder: Path) -> Iterator[Contest]:
    """Yield the contests; ``folder`` receives the weights that the peer loads."""
    hugging_face(folder / "hf")
    predict = ("-m", "retort", "predict", "retrosynthesis", DRUGS[0], "--top-k", "3")
    yield Contest(
        "the help text",
        "start",
        1,
        {"python that does nothing": _start("-c", "pass"), "retort --help": _start("-m", "retort", "--help")},
    )
    yield Contest(
        "cold start to the first answer",
        "start",
        1,
        {
            "transformers: load, one beam search of 20 steps": _start("-c", PEER.format(folder=str(folder / "hf"))),
            "retort predict, one spelling": _start(
                *predict, "--proposer", "language_model", "--augmentations", "1", "--format", "json"
            ),
            "retort predict, full": _start(*predict, "--format", "json"),
        },
    )


def _start(*arguments: str) -> Way:
    def run() -> object:
        done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{arguments[:4]}: {done.stderr[-500:]}")
        return done.stdout

    return run
