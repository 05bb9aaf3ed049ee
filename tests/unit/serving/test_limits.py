"""The size of a query is told by its text."""

import pytest

from retort.serving.limits import check_query, check_top_k, count_atoms
from retort.serving.problems import RefusalError
from retort.serving.settings import ServeConfig

SETTINGS = ServeConfig(max_atoms=10, max_query_characters=40)


@pytest.mark.parametrize(
    ("text", "atoms"),
    [
        ("CCO", 3),
        ("[Na+].[Cl-]", 2),
        ("ClCCBr", 4),
        ("c1ccccc1>>C", 7),
        ("[2H]C([H])[13CH3]", 2),
        ("*C", 2),
        ("C%10CC%10", 3),
        ("", 0),
        ("not a SMILES!", 0),
    ],
)
def test_heavy_atoms_are_counted(text: str, atoms: int) -> None:
    assert count_atoms(text) == atoms


def test_the_limits_are_told() -> None:
    check_query(SETTINGS, "C" * 10)
    with pytest.raises(RefusalError, match="11 heavy atoms; at most 10") as atoms:
        check_query(SETTINGS, "C" * 11)
    with pytest.raises(RefusalError, match="41 characters; at most 40") as characters:
        check_query(SETTINGS, "=" * 41)
    assert [(caught.value.status, caught.value.code) for caught in (atoms, characters)] == [
        (422, "too_many_atoms"),
        (422, "query_too_long"),
    ]


@pytest.mark.parametrize("top_k", [0, 51])
def test_candidates_are_limited(top_k: int) -> None:
    with pytest.raises(RefusalError, match="from 1 to 50"):
        check_top_k(SETTINGS, top_k)
