"""How time and memory grow with molecules, candidates and atoms; each contest's peer is its smallest size.

Here a figure below one says how many times longer a unit takes at the larger size; one is growth in proportion.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from contest import Contest, Way
from molecules import DRUGS, amide_chain
from retort.inference.predictor import Predictor

MEMORY = """
import resource, sys
from retort.inference.predictor import Predictor
from molecules import DRUGS
predictor = Predictor.load("retort-base", proposer="retrosynthesis_templates")
for start in range(0, int(sys.argv[1]), 16):
    predictor.predict("retrosynthesis", [f"{'C' * (start // 16 % 40)}{smiles}" for smiles in DRUGS], top_k=10)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def contests(_: Path) -> Iterator[Contest]:
    """Yield the contests."""
    fast = Predictor.load("retort-base", proposer="language_model", augmentations=1)
    for work, sizes in (
        ("language model, molecules asked at once", {f"{n}": _ask(fast, DRUGS[:n]) for n in (1, 4, 16)}),
        ("language model, candidates", {f"top {k}": _ask(fast, DRUGS[:4], k) for k in (1, 10, 50)}),
        ("language model, atoms", {f"{n} atoms": _ask(fast, [amide_chain(n)]) for n in (20, 50, 100, 200)}),
    ):
        for name, (way, units) in sizes.items():
            if name != next(iter(sizes)):
                first, first_units = next(iter(sizes.values()))
                ways = {next(iter(sizes)): _repeated(first, units // first_units), name: way}
                yield Contest(f"{work}: {name}", "molecule", units, ways, 3)


def facts() -> dict[str, int]:
    """Return the peak memory in MiB of processes that answered so many molecules by templates."""
    return {f"{n:,} molecules": _peak(n) for n in (16, 160, 1600)}


def _ask(predictor: Predictor, molecules: list[str] | tuple[str, ...], top_k: int = 10) -> tuple[Way, int]:
    return (lambda: predictor.predict("retrosynthesis", list(molecules), top_k=top_k)), len(molecules)


def _repeated(way: Way, times: int) -> Way:
    return lambda: [way() for _ in range(times)]


def _peak(molecules: int) -> int:
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(molecules)], capture_output=True, text=True, check=True, cwd=here
    )
    return int(done.stdout.split()[-1])
