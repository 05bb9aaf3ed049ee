"""The whole of Mol-Instructions' reaction tasks, published in SELFIES."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from retort.data.files import EXTRA, json_rows
from retort.data.records import TextRow
from retort.data.source import Source
from retort.errors import InputFileError, MissingExtraError

_STEMS = ("forward_reaction_prediction", "retrosynthesis", "reagent_prediction")
_SELFIES = re.compile(r"(?:\[[^\]\s]+\]|[.>])+")


def _read(path: Path) -> Iterator[TextRow]:
    to_smiles = _decoder()
    for file in _files(path):
        for line, row in enumerate(json_rows(file), 1):
            yield TextRow(
                id=f"mol_instructions_full:{file.stem}:{line}",
                split=row["metadata"]["split"],
                kind=row["metadata"]["task"],
                input=to_smiles(row["input"]),
                output=to_smiles(row["output"]),
                instruction=row["instruction"],
            )


def _files(path: Path) -> list[Path]:
    found = (
        [path] if path.is_file() else [path / f"{stem}.json" for stem in _STEMS if (path / f"{stem}.json").is_file()]
    )
    if not found:
        raise InputFileError(f"{path} holds none of {', '.join(f'{stem}.json' for stem in _STEMS)}.", SOURCE.how_to_get)
    return found


def _decoder() -> Callable[[str], str]:
    try:
        import selfies
    except ImportError as error:
        raise MissingExtraError("reading SELFIES", EXTRA) from error

    def to_smiles(text: str) -> str:
        """Decode each molecule; what is no SELFIES, or cannot be decoded, stays as it is and fails to parse."""
        if not _SELFIES.fullmatch(text):
            return text
        try:
            return ">>".join(selfies.decoder(side) for side in text.split(">>"))
        except selfies.DecoderError:
            return text

    return to_smiles


SOURCE = Source(
    name="mol_instructions_full",
    title="Mol-Instructions, all reaction tasks, SELFIES decoded to SMILES (path to the unpacked folder)",
    origin="Fang et al. 2023 (Mol-Instructions), https://huggingface.co/datasets/zjunlp/Mol-Instructions",
    licence="CC BY 4.0",
    rows={"train": 377_452, "test": 3_000},
    kind="texts",
    published_split=True,
    how_to_get="curl -LO https://huggingface.co/datasets/zjunlp/Mol-Instructions/resolve/main/data/"
    "Molecule-oriented_Instructions.zip && unzip Molecule-oriented_Instructions.zip; needs the extra [data]; then "
    "path = the unpacked folder, or one of its reaction files.",
    read=_read,
    note="Row counts as reported by users of the set, checksum unknown. Built from patent reactions: train rows may "
    "hold protected products. Row i of the reagent file is the reaction of row i of the forward file.",
)
