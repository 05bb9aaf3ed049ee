"""Rows as tensors: a placeholder becomes the places of its molecule, and a cut never goes through one."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from retort.chem.graphs import molecular_graph
from retort.errors import DataError
from retort.models.multimodal_batch import padded, spread, truncate
from retort.models.protocol import IGNORED
from retort.prompting.dialogue import MOLECULE_ID, EncodedRow

from .multimodal_cases import ROWS, TOKENS, collator, row

SIZES = {"CCO": 3, "[Na+]": 1, "c1ccccc1": 6, "O": 1, "CCN": 3}


@st.composite
def rows(draw: st.DrawFn) -> EncodedRow:
    parts = draw(st.lists(st.one_of(st.integers(2, 50), st.sampled_from(sorted(SIZES))), max_size=12))
    ids = tuple(MOLECULE_ID if isinstance(part, str) else part for part in parts)
    learned = tuple(token != MOLECULE_ID and draw(st.booleans()) for token in ids)
    return EncodedRow(ids, learned, tuple(part for part in parts if isinstance(part, str)))


@given(rows(), st.integers(0, 40))
def test_a_cut_keeps_whole_molecules_and_their_entries(encoded: EncodedRow, limit: int) -> None:
    places = [SIZES[smiles] for smiles in encoded.molecules]
    kept = truncate(encoded, places, limit)
    count = len(kept.ids)
    assert kept.ids == encoded.ids[:count]
    assert kept.molecules == encoded.molecules[: kept.ids.count(MOLECULE_ID)]
    width = len(spread(kept, [SIZES[smiles] for smiles in kept.molecules]))
    assert width <= limit
    if count < len(encoded.ids):  # what comes next would not have fitted
        following = encoded.ids[count]
        assert width + (SIZES[encoded.molecules[len(kept.molecules)]] if following == MOLECULE_ID else 1) > limit


@given(st.lists(rows(), min_size=1, max_size=4), st.integers(12, 40), st.sampled_from(["left", "right"]))
def test_the_kth_places_are_the_kth_molecule(encoded: list[EncodedRow], limit: int, side: str) -> None:
    made = collator(limit=limit, side=side)  # type: ignore[arg-type]
    batch = made.causal(encoded)
    fitted = [truncate(one, made.lengths(one), limit) for one in encoded]
    molecules = [smiles for one in fitted for smiles in one.molecules]
    assert batch.graphs.sizes.tolist() == [SIZES[smiles] for smiles in molecules]
    assert int((batch.ids == MOLECULE_ID).sum()) == sum(SIZES[smiles] for smiles in molecules)
    assert (batch.labels[batch.ids == MOLECULE_ID] == IGNORED).all()
    assert (batch.labels[batch.mask == 0] == IGNORED).all()
    learned = batch.labels != IGNORED
    assert torch.equal(batch.labels[learned], batch.ids[learned])
    assert int(learned.sum()) == sum(sum(one.learned) for one in fitted)
    elements = [molecular_graph(smiles).atoms[:, 0].tolist() for smiles in molecules]
    assert batch.graphs.atoms[:, 0].tolist() == [element for atoms in elements for element in atoms]


@pytest.mark.parametrize(("granularity", "places"), [("atom", [3, 1, 6, 1]), ("graph", [1] * 4), ("queries", [3] * 4)])
def test_places_follow_the_granularity(granularity: str, places: list[int]) -> None:
    batch = collator(granularity).causal(ROWS)  # type: ignore[arg-type]
    assert int((batch.ids == MOLECULE_ID).sum()) == sum(places)


def test_padding_stands_on_its_side() -> None:
    assert padded([[1, 2], [3]], 0, "right").tolist() == [[1, 2], [3, 0]]
    assert padded([[1, 2], [3]], 0, "left").tolist() == [[1, 2], [0, 3]]


def test_an_encoder_decoder_gets_question_and_answer_apart() -> None:
    batch = collator().seq2seq(ROWS)
    answers = [[i for i in labels if i != IGNORED] for labels in batch.labels.tolist()]
    assert answers == [list(one.ids[-n:]) for one, n in zip(ROWS, (3, 5, 2), strict=True)]
    assert TOKENS.eos_id not in batch.ids.tolist()[0]
    with pytest.raises(DataError, match="without question or answer"):
        collator().seq2seq([row(["O"], "")])


def test_a_batch_of_text_alone_has_no_molecules() -> None:
    batch = collator().causal([ROWS[1]])
    assert len(batch.graphs) == 0
    assert (batch.ids != MOLECULE_ID).all()


def test_a_molecule_without_a_graph_is_named() -> None:
    with pytest.raises(DataError, match="'CCCCCCCC' has no graph"):
        collator().causal([row(["CCCCCCCC"])])
