"""Nothing of the machine that wrote it, and no row of anybody's data, is in the repository."""

import lzma
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

# Absolute paths below the usual homes and work folders of machines; a URL's path is preceded by a letter.
_ABSOLUTE = re.compile(r"(?<![\w.\-~>)\]}])/(?:home|root|work|workspace|Users|scratch|mnt|opt)/\w[\w.\-]*")
_BETWEEN = re.compile(r"[\s,\"'`|]+")
DATA_FOLDER = "shared" + "/data"
MAY_NAME_IT = {"Makefile", ".ci/run"}
LARGEST_TEXT = 120_000  # bytes; data come larger, code and pages do not
DATA_SUFFIXES = {".parquet", ".xz", ".csv", ".tsv", ".smi", ".jsonl", ".gz", ".zip", ".pt", ".ckpt", ".safetensors"}


@pytest.fixture(scope="module")
def files(repository: Path) -> dict[str, Path]:
    """Name -> path of every file that is tracked or would be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this is not a git checkout: what is tracked is unknown")
    names = [name for name in done.stdout.split("\0") if name and (repository / name).is_file()]
    assert len(names) >= 40
    return {name: repository / name for name in names}


@pytest.fixture(scope="module")
def texts(files: dict[str, Path]) -> dict[str, str]:
    """Name -> content of every file that is text."""
    contents = {name: path.read_bytes() for name, path in files.items()}
    return {name: data.decode("utf-8", "replace") for name, data in contents.items() if b"\0" not in data[:8192]}


def test_no_file_names_a_path_of_a_machine(texts: dict[str, str]) -> None:
    found = {name: _ABSOLUTE.findall(text) for name, text in texts.items() if _ABSOLUTE.search(text)}
    assert found == {}


def test_no_weights_name_a_path_of_a_machine(files: dict[str, Path]) -> None:
    """Settings stand as bytes within NumPy archives, where no search through the tree finds them."""
    words: dict[str, str] = {}
    for name, path in files.items():
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                words[name] = " ".join(
                    a.tobytes().decode(errors="ignore") for a in arrays.values() if a.dtype == np.uint8
                )
    assert any('"task"' in text for text in words.values())
    assert [name for name, text in words.items() if _ABSOLUTE.search(text)] == []


def test_only_the_makefile_and_ci_know_where_data_may_lie(texts: dict[str, str]) -> None:
    assert {name for name, text in texts.items() if DATA_FOLDER in text} <= MAY_NAME_IT


def test_no_data_file_is_tracked(files: dict[str, Path]) -> None:
    """Weights are the one exception: the embedded ones, and the checkpoint that training continues."""
    ours = {name: path for name, path in files.items() if not name.startswith(("src/retort/weights/", "checkpoints/"))}
    assert [name for name in ours if Path(name).suffix in DATA_SUFFIXES] == []
    pictures = {".png", ".svg"}
    large = [n for n, p in ours.items() if p.stat().st_size > LARGEST_TEXT and p.suffix not in pictures]
    assert large == []


def test_no_mapped_reaction_of_the_published_files_is_copied(texts: dict[str, str], data_root: Path) -> None:
    written = {reaction for text in texts.values() for reaction in mapped_reactions(text)}
    published: set[str] = set()
    for path in sorted((data_root / "uspto_50k").glob("*.csv.xz")):
        published |= mapped_reactions(lzma.decompress(path.read_bytes()).decode("utf-8", "replace"))
    assert len(published) > 10_000
    assert written & published == set()


def mapped_reactions(text: str) -> set[str]:
    """Return the words of a text that look like reactions with atom maps."""
    return {word for word in _BETWEEN.split(text) if ">" in word and ":1]" in word}


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("see " + "/home" + "/ada/models", True),
        ("root = '" + "/work" + "/main'", True),
        ("https://example.org/home/page", False),
        ("../shared", False),
        ("benchmarks/work/x", False),
    ],
)
def test_the_pattern_sees_paths_and_not_addresses(text: str, seen: bool) -> None:
    assert bool(_ABSOLUTE.search(text)) is seen
