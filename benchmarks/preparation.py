"""From mapped reaction SMILES to tokens: `retort prepare` against rxn-reaction-preprocessing, each its own process.

Both read the same lines, drop maps, make SMILES canonical, drop duplicates and what cannot be used, split and tokenise.
retort also tells reagents from reactants, makes the keys of its leak rule and writes root-aligned spellings. The peer
has an environment of its own, made by ``make bench-peers``.
"""

import csv
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from contest import Contest, Way
from retort.chem.smiles import canonicalize
from retort.data.prepare import read_records
from retort.data.source import SOURCES
from retort.data.tables import read_table

PEER = Path(__file__).resolve().parent.parent / ".venv-peers" / "rxn-reaction-preprocessing" / "bin"
ROWS = 30_000
CONFIG = """tasks = ["forward_prediction"]
spelling = {{ copies = 1, aligned = 0.0 }}
sources = [{{ name = "reaction_smiles", path = {path!r} }}]
"""


def contests(folder: Path) -> Iterator[Contest]:
    """Yield the contest.

    Raises:
        RetortError: The rows are not there.
        FileNotFoundError: The peer is not there.
    """
    program = PEER / "rxn-data-pipeline"
    if not program.exists():
        raise FileNotFoundError("rxn-reaction-preprocessing is not installed: `make bench-peers`")
    rows = folder / "rows.txt"
    _write_rows(rows)
    theirs, ours = folder / "theirs", folder / "ours"
    (folder / "prepare.toml").write_text(CONFIG.format(path=str(rows)), "utf-8")
    told = (f"data.path={rows}", f"data.proc_dir={theirs}", "rxn_import.data_format=TXT", "preprocess.min_reactants=1")
    ways: dict[str, Way] = {"rxn-reaction-preprocessing": _run(theirs, [str(program), *told])}
    for workers in (1, 2):
        command = [sys.executable, "-m", "retort", "prepare", str(folder / "prepare.toml"), f"output={ours}"]
        ways[f"retort prepare, {workers} process{'es' * (workers > 1)}"] = _run(ours, [*command, f"workers={workers}"])
    yield Contest(
        f"{ROWS:,} mapped reactions to tokens",
        "reaction",
        ROWS,
        ways,
        3,
        warm=False,
        check=lambda _: _agreement(theirs / "rows.processed.csv", ours / "records.parquet"),
    )


def _write_rows(path: Path) -> None:
    table = read_table(SOURCES.get("uspto_50k").root() / "uspto_50k/uspto50k_mapped.csv.xz")
    path.write_text("\n".join(table["mapped_reaction"].head(ROWS).to_list()) + "\n", "utf-8")


def _run(output: Path, command: list[str]) -> Way:
    def run() -> object:
        for place in (output, output.with_name(f"{output.name}.work")):
            shutil.rmtree(place, ignore_errors=True)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stderr[-800:]}")
        return output

    return run


def _agreement(theirs: Path, ours: Path) -> str:
    """Compare the reactions that both kept, precursors together, canonical."""
    with theirs.open(encoding="utf-8") as lines:
        kept = {_key(*row["rxn"].split(">>")) for row in csv.DictReader(lines)}
    records = read_records(ours)
    own = {_key(".".join(r.reaction.precursors), ".".join(r.reaction.products)) for r in records}
    alone = f"{len(kept - own):,} by the peer alone, {len(own - kept):,} by retort alone"
    return f"{len(kept & own):,} reactions kept by both, {alone}"


def _key(precursors: str, product: str) -> str:
    return f"{canonicalize(precursors)}>>{canonicalize(product)}"
