"""Reference types on two families of reactions: amides and ethers are told apart, and the product says which it is."""

from pathlib import Path

import numpy as np
import pytest

from retort.chem.reaction import Reaction
from retort.chem.smiles import components
from retort.data.prepare import write_records
from retort.data.records import Record
from retort.errors import DataError
from retort.recipes.fingerprint_types import FingerprintTypesConfig, write_fingerprint_types
from retort.recipes.row_types import TypesOfRows

FAMILIES = ("{0}CC(=O)O.CCN>>{0}CC(=O)NCC", "{0}CBr.Oc1ccccc1>>{0}COc1ccccc1")
RESTS = [f"{head}{'C' * n}" for head in ("", "F", "N", "CC(C)") for n in range(8)]
PARTS = {"train": RESTS[:24], "valid_a": RESTS[24:28], "test": RESTS[28:]}


def rows(part: str) -> list[Record]:
    found = []
    for i, (rest, family) in enumerate((rest, family) for rest in PARTS[part] for family in (0, 1)):
        before, after = FAMILIES[family].format(rest).split(">>")
        reaction = Reaction(components(before), (), components(after))
        found.append(Record(f"made_up:{part}:{i}", "made_up", part, reaction, reaction_class=1 + family))
    return found


@pytest.fixture
def config(tmp_path: Path) -> FingerprintTypesConfig:
    write_records(tmp_path / "records.parquet", [record for part in PARTS for record in rows(part)])
    return FingerprintTypesConfig(tmp_path, tmp_path / "out", source="made_up", types=(2,), bits=256, read=8, folds=3)


def test_families_are_the_types_and_products_tell_them(config: FingerprintTypesConfig) -> None:
    said: list[str] = []
    found = TypesOfRows.load(write_fingerprint_types(config, said.append) / "fingerprint_difference-2.npz")
    assert (found.task, found.encoding, len(found.sha256)) == ("retrosynthesis", "fingerprint_difference", 64)
    names = found.train.labels[:2].tolist()  # which family got which number
    for part, records in ((name, rows(name)) for name in PARTS):
        known = found.parts[part]
        assert known.ids.tolist() == [record.id for record in records]
        assert known.types.labels.tolist() == names * (len(records) // 2)
        assert (known.types.read.argmax(axis=1) == known.types.labels).all()
        assert known.types.classes.tolist() == [1, 2] * (len(records) // 2)
    assert said[0].startswith("2 types: sizes [24, 24]")


def test_clusters_of_inputs_are_certain(config: FingerprintTypesConfig) -> None:
    found = TypesOfRows.load(write_fingerprint_types(config, lambda _: None) / "input-2.npz")
    assert found.encoding == "input"
    for part in found.parts.values():
        assert np.array_equal(part.types.read, np.eye(2)[part.types.labels])


def test_a_part_without_rows_is_named(config: FingerprintTypesConfig, tmp_path: Path) -> None:
    write_records(tmp_path / "records.parquet", rows("train"))
    with pytest.raises(DataError, match="valid_a"):
        write_fingerprint_types(config, lambda _: None)
