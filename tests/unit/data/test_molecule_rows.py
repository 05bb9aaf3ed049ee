"""Rows with molecules on disk: read back as they were, or refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from retort.chem.graphs import molecular_graph
from retort.data.molecule_rows import RowFolder, write_rows
from retort.errors import DataError, UnknownNameError
from retort.prompting.dialogue import EncodedRow
from retort.prompting.vocabulary import Vocabulary

VOCABULARY = Vocabulary.build([])
ROWS = {
    "train": {
        "pairs": [
            EncodedRow((5, -1, 7, -1, 9), (False, False, True, False, True), ("CCO", "O")),
            EncodedRow((8,), (True,)),
            EncodedRow((-1, 4), (False, True), ("O",)),
        ],
        "texts": [EncodedRow((3, 4), (True, True))],
    },
    "valid": {"pairs": [EncodedRow((-1, 6), (False, True), ("C",))], "texts": []},
}
GRAPHS = {smiles: molecular_graph(smiles) for smiles in ("C", "CCO", "O")}


def written(path: Path) -> RowFolder:
    return write_rows(path, ROWS, GRAPHS, VOCABULARY, {"left_out": {}})


def test_rows_are_read_back_as_they_were(tmp_path: Path) -> None:
    written(tmp_path)
    folder = RowFolder.open(tmp_path)
    assert folder.kinds == ("pairs", "texts")
    assert folder.vocabulary == VOCABULARY
    for split, kinds in ROWS.items():
        for kind, rows in kinds.items():
            table = folder.table(split, kind)
            assert [folder.row(table, i) for i in range(len(table))] == rows
    assert folder.manifest["rows"] == {"pairs": {"train": 3, "valid": 1}, "texts": {"train": 1, "valid": 0}}


def test_each_molecule_is_stored_once(tmp_path: Path) -> None:
    graphs = written(tmp_path).graphs
    assert dict(graphs) == GRAPHS
    assert "CC" not in graphs
    with pytest.raises(KeyError):
        graphs["CC"]


def test_a_molecule_without_a_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'O', one of 1, has no graph"):
        write_rows(tmp_path, ROWS, {k: g for k, g in GRAPHS.items() if k != "O"}, VOCABULARY, {})


def test_unknown_kinds_and_damaged_folders_are_refused(tmp_path: Path) -> None:
    folder = written(tmp_path)
    with pytest.raises(UnknownNameError, match=r"'pair'\. Did you mean 'pairs'"):
        folder.table("train", "pair")
    np.save(tmp_path / "rows" / "train" / "pairs" / "ids.npy", np.zeros(3, np.int32))
    with pytest.raises(DataError, match="do not fit together"):
        folder.table("train", "pairs")
    (tmp_path / "molecules.txt").write_text("C\n", "utf-8")
    with pytest.raises(DataError, match="3 graphs of 1 molecules"):
        _ = RowFolder.open(tmp_path).graphs
    (tmp_path / "manifest.json").write_text(json.dumps({"format": "other", "version": 1}), "utf-8")
    with pytest.raises(DataError, match="'other' version 1"):
        RowFolder.open(tmp_path)
    with pytest.raises(DataError, match="not a folder of rows"):
        RowFolder.open(tmp_path / "absent")
