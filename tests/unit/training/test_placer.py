"""A placer learns template and place, and a stopped run ends as one that was not stopped."""

from pathlib import Path

import numpy as np
import pytest
import torch

from retort.chem.graphs import molecular_graph
from retort.data.placed_rows import PlacedRows
from retort.errors import DataError, ModelError
from retort.models.placer import PlacerSize
from retort.training.placer import PlacerEpoch, PlacerRun
from retort.training.placer_settings import PlacerTraining

SIZE = PlacerSize(width=32, heads=2, layers=2, inner=48)


@pytest.fixture(scope="module")
def rows() -> PlacedRows:
    """Return amides, whose template 0 stands at the carbonyl carbon, and ethers, whose template 1 stands at oxygen."""
    amides = [f"{'C' * n}C(=O)NC" for n in range(1, 9)]
    ethers = [f"{'C' * n}OCC" for n in range(1, 9)]
    graphs = [molecular_graph(smiles) for smiles in (*amides, *ethers)]
    sites = [frozenset(_atoms(g.atoms, 5, hydrogens=0)) for g in graphs[:8]]  # the carbon without hydrogen
    sites += [frozenset(_atoms(g.atoms, 7, hydrogens=0)) for g in graphs[8:]]
    return PlacedRows.build(graphs, [0] * 8 + [1] * 8, sites)


def _atoms(columns: np.ndarray, element: int, *, hydrogens: int) -> list[int]:
    return np.flatnonzero((columns[:, 0] == element) & (columns[:, 4] == hydrogens)).tolist()


def _training(**changes: object) -> PlacerTraining:
    settings = {"epochs": 30, "batch_size": 8, "learning_rate": 3e-3, "precision": "fp32", "dropout": 0.1}
    return PlacerTraining(**settings | changes)  # type: ignore[arg-type]


def test_template_and_place_are_learned(rows: PlacedRows, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    epochs: list[PlacerEpoch] = []
    run = PlacerRun(2, SIZE, _training(), tmp_path / "state.pt")
    assert run.fit(rows, rows, epochs.append)
    assert epochs[-1].hits[1] == 1.0
    assert epochs[-1].held_loss < 0.3 < epochs[0].held_loss
    assert [epoch.number for epoch in epochs] == list(range(1, 31))


def test_a_stopped_run_ends_like_one_that_was_not(rows: PlacedRows, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    whole = PlacerRun(2, SIZE, _training(epochs=3), tmp_path / "whole.pt")
    assert whole.fit(rows, rows, lambda epoch: None)
    state = tmp_path / "stopped.pt"
    while not PlacerRun(2, SIZE, _training(epochs=3, max_minutes=0.0), state).fit(rows, rows, lambda epoch: None):
        assert state.exists()  # every call ends after one epoch
    stopped = PlacerRun(2, SIZE, _training(epochs=3), state)
    for name, values in whole.network.export().items():
        np.testing.assert_array_equal(stopped.network.export()[name], values, err_msg=name)


def test_a_damaged_or_foreign_state_is_refused(rows: PlacedRows, tmp_path: Path) -> None:
    state = tmp_path / "state.pt"
    PlacerRun(2, SIZE, _training(epochs=1), state).fit(rows, rows, lambda epoch: None)
    with pytest.raises(ModelError, match="cannot resume"):
        PlacerRun(3, SIZE, _training(epochs=1), state)
    state.write_bytes(b"no state")
    with pytest.raises(ModelError, match="cannot resume"):
        PlacerRun(2, SIZE, _training(epochs=1), state)


def test_rows_on_disk_are_those_that_were_built(rows: PlacedRows, tmp_path: Path) -> None:
    rows.save(tmp_path)
    read = PlacedRows.load(tmp_path)
    assert [read.graphs[i] for i in range(16)] == [rows.graphs[i] for i in range(16)]
    some = np.array([0, 15])
    np.testing.assert_array_equal(read.sites(some, 12), rows.sites(some, 12))
    (tmp_path / "sites.npz").write_bytes(b"")
    with pytest.raises(DataError, match="sites"):
        PlacedRows.load(tmp_path)


def test_a_row_without_a_place_is_refused() -> None:
    with pytest.raises(DataError, match="no atom"):
        PlacedRows.build([molecular_graph("CC")], [0], [frozenset()])
