"""What every aligner must do: answer every reaction in order, with the record's own molecules or None."""

import os
from collections import Counter
from pathlib import Path

import pytest

from retort.chem.mapping import mapped_components
from retort.chem.reaction import Reaction
from retort.data.aligner import ALIGNERS, Aligner, build_aligner
from retort.errors import UnknownNameError

NAMES = ALIGNERS.names()
TEMPLATES = ["[C:2]-[NH;D2;+0:1]-[C;H0;D3;+0:4](-[C:3])=[O:5]>>Cl-[C;H0;D3;+0:4](-[C:3])=[O:5].[C:2]-[NH2;D1;+0:1]"]
REACTIONS = [
    Reaction(("CC(=O)Cl", "NCc1ccccc1"), (), ("CC(=O)NCc1ccccc1",)),
    Reaction(("C[C@H](N)c1ccccc1", "CC(=O)Cl", "CCN(CC)CC"), (), ("CC(=O)N[C@@H](C)c1ccccc1",)),
    Reaction(("CCO",), (), ("c1ccccc1",)),
]


@pytest.fixture(params=NAMES)
def aligner(request: pytest.FixtureRequest) -> Aligner:
    if request.param != "rxnmapper":
        return build_aligner(request.param, templates=TEMPLATES)
    python = os.environ.get("RETORT_RXNMAPPER_PYTHON")
    if not python:
        pytest.skip("RETORT_RXNMAPPER_PYTHON does not name an interpreter that has rxnmapper")
    return build_aligner(request.param, python=Path(python))


def test_all_aligners_are_found() -> None:
    assert {"correspondence", "none", "rxnmapper", "template"} <= set(NAMES)


def test_every_reaction_is_answered_in_order(aligner: Aligner) -> None:
    answers = aligner.align(REACTIONS)
    assert len(answers) == len(REACTIONS)
    assert aligner.align([]) == []
    assert aligner.align(REACTIONS[::-1]) == answers[::-1]
    assert [answer is not None for answer in answers[:2]] == [aligner.name != "none"] * 2


def test_answers_are_the_molecules_of_the_record(aligner: Aligner) -> None:
    for reaction, answer in zip(REACTIONS, aligner.align(REACTIONS), strict=True):
        if answer is None:
            continue
        reactants, products = (mapped_components(side) for side in answer.split(">>"))
        assert Counter(m.smiles for m in products) == Counter(reaction.products)
        assert Counter(m.smiles for m in reactants) <= Counter(reaction.reactants)
        shared = {number for m in products for number in m.maps} - {0}
        assert all(shared & set(m.maps) for m in reactants)


def test_the_name_is_that_of_the_file(aligner: Aligner) -> None:
    assert aligner.name in NAMES


def test_an_unknown_aligner_says_which_there_are() -> None:
    with pytest.raises(UnknownNameError, match="template"):
        build_aligner("templates")
