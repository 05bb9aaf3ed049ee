"""Datasets of the Open Reaction Database as they are published: protocol buffers, read without their schema.

Field numbers are those of ``reaction.proto`` and ``dataset.proto`` of https://github.com/open-reaction-database/ord-schema.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from retort.data.files import conditions, percent
from retort.data.protobuf import Message
from retort.data.records import RawRow
from retort.data.source import Source
from retort.errors import InputFileError

_SUFFIXES = (".pb.gz", ".pb")
_GZIP = b"\x1f\x8b"
_DATASET_NAME, _DATASET_REACTIONS = 1, 3
_IDENTIFIERS, _INPUTS, _NOTES, _OUTCOMES, _PROVENANCE, _REACTION_ID = 1, 2, 5, 8, 9, 10
_TYPE, _VALUE = 1, 3  # of identifiers of reactions and compounds
_REACTION_SMILES, _REACTION_CXSMILES = 2, 6
_COMPOUND_SMILES = 2
_ROLE = 3
_ROLES = {2: "reagent", 3: "solvent", 4: "catalyst"}
_REACTANT_ROLES = {0, 1}  # unspecified compounds count as reactants
_PRODUCT_ROLES = {0, 8}
_PROCEDURE = 9
_DOI, _PATENT = 4, 5
_YIELD, _PERCENTAGE = 3, 8
_YEAR = re.compile(r"(?:19|20)\d\d")


def _read(path: Path) -> Iterator[RawRow]:
    files = [path] if path.is_file() else sorted(f for f in path.rglob("*") if f.name.endswith(_SUFFIXES))
    if not files:
        raise InputFileError(f"{path} holds no file that ends in {' or '.join(_SUFFIXES)}.", SOURCE.how_to_get)
    for file in files:
        dataset = Message(_bytes(file))
        year = _YEAR.search(dataset.text(_DATASET_NAME))
        for reaction in dataset.messages(_DATASET_REACTIONS):
            yield _row(reaction, int(year.group()) if year else None)


def _bytes(file: Path) -> bytes:
    """Return the message of a file, which may be compressed; raises InputFileError where it cannot be read."""
    try:
        data = file.read_bytes()
        return gzip.decompress(data) if data.startswith(_GZIP) else data
    except (OSError, EOFError, zlib.error) as error:
        raise InputFileError(f"cannot read {str(file)!r}: {getattr(error, 'strerror', None) or error}.") from error


def _row(reaction: Message, year: int | None) -> RawRow:
    compounds = _compounds(reaction)
    text = _written(reaction) or _assembled(reaction, compounds)
    provenance = reaction.message(_PROVENANCE)
    return RawRow(
        id=f"ord:{reaction.text(_REACTION_ID)}",
        split="all",
        reaction=text,
        roles="from_maps" if re.search(r":\d+\]", text) else "given",
        origin=provenance.text(_PATENT) or provenance.text(_DOI),
        year=year,
        yield_percent=_yield(reaction),
        label=conditions(**{name: compounds.get(role, ()) for role, name in _ROLES.items()}),
        procedure=reaction.message(_NOTES).text(_PROCEDURE),
    )


def _written(reaction: Message) -> str:
    by_type = {found.integer(_TYPE): found.text(_VALUE) for found in reaction.messages(_IDENTIFIERS)}
    return by_type.get(_REACTION_CXSMILES) or by_type.get(_REACTION_SMILES) or ""


def _assembled(reaction: Message, compounds: dict[int, list[str]]) -> str:
    """Write the reaction from its compounds, where nobody wrote it as SMILES."""
    reactants = [smiles for role, found in compounds.items() if role in _REACTANT_ROLES for smiles in found]
    reagents = [smiles for role, found in compounds.items() if role in _ROLES for smiles in found]
    products = [_smiles(found) for found in _products(reaction) if found.integer(7) in _PRODUCT_ROLES]
    return ">".join(".".join(dict.fromkeys(filter(None, side))) for side in (reactants, reagents, products))


def _compounds(reaction: Message) -> dict[int, list[str]]:
    """Return role -> SMILES of every input component; maps are lists of (1: key, 2: value)."""
    by_role: dict[int, list[str]] = {}
    for entry in reaction.messages(_INPUTS):
        for compound in entry.message(2).messages(1):
            if smiles := _smiles(compound):
                by_role.setdefault(compound.integer(_ROLE), []).append(smiles)
    return by_role


def _products(reaction: Message) -> list[Message]:
    return [product for outcome in reaction.messages(_OUTCOMES) for product in outcome.messages(3)]


def _smiles(compound: Message) -> str:
    found = (i.text(_VALUE) for i in compound.messages(1) if i.integer(_TYPE) == _COMPOUND_SMILES)
    return next(found, "")


def _yield(reaction: Message) -> float | None:
    measured = (m for product in _products(reaction) for m in product.messages(3) if m.integer(2) == _YIELD)
    yields = (percent(m.message(_PERCENTAGE).float32(1)) for m in measured)
    return next((value for value in yields if value is not None), None)


SOURCE = Source(
    name="ord",
    title="Open Reaction Database: one dataset file (.pb.gz or .pb) or a folder of them",
    origin="Open Reaction Database (Kearnes et al. 2021), https://github.com/open-reaction-database/ord-data",
    licence="CC BY-SA 4.0",
    how_to_get="git lfs install && git clone https://github.com/open-reaction-database/ord-data, or files of "
    "https://huggingface.co/datasets/open-reaction-database/ord-data; then path = one .pb.gz or a folder of them.",
    read=_read,
    suffixes=_SUFFIXES,
    note="Grows: counts and checksums depend on the date. Reactions without SMILES are written from their compounds. "
    "Yields outside 0..100 % are left out; year is the one in the dataset's name. Patent datasets hold protected "
    "products: apply the leak rule. Parquet siblings are not read.",
)
