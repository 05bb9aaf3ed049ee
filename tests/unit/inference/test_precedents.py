"""Searching known reactions: exact, in order, and refused when damaged."""

import json
from pathlib import Path

import numpy as np
import pytest

from retort.chem.reaction import Reaction
from retort.chem.reaction_bits import product_bits, reaction_bits
from retort.errors import ChemistryError, DataError
from retort.inference.precedents import BITS, CARD, OFFSETS, ROWS, ReactionIndex
from retort.recipes.reaction_index import IndexRequest, build_index

REACTIONS = [
    f"{acid}.{amine}>>{product}"
    for acid, amine, product in [
        ("CC(=O)Cl", "NCc1ccccc1", "CC(=O)NCc1ccccc1"),
        ("CC(=O)Cl", "Nc1ccc(O)cc1", "CC(=O)Nc1ccc(O)cc1"),
        ("O=C(Cl)c1ccccc1", "NCc1ccccc1", "O=C(NCc1ccccc1)c1ccccc1"),
        ("CI", "Oc1ccccc1", "COc1ccccc1"),
        ("CCBr", "Oc1ccc(C)cc1", "CCOc1ccc(C)cc1"),
        ("O=Cc1ccccc1", "C[Mg]Br", "CC(O)c1ccccc1"),
    ]
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("index")
    rows = "".join(json.dumps({"reaction": r, "page": f"page {i}"}) + "\n" for i, r in enumerate(REACTIONS))
    (home / "rows.jsonl").write_text(rows)
    build_index(IndexRequest(home / "rows.jsonl", home / "index", id_column="page"))
    return home / "index"


def tanimoto(left: np.ndarray, right: np.ndarray) -> float:
    a, b = np.unpackbits(left).astype(bool), np.unpackbits(right).astype(bool)
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize("query", [*REACTIONS, "CC(=O)Cl.NCc1ccccc1C>>CC(=O)NCc1ccccc1C"])
def test_reactions_are_found_as_by_comparing_every_pair(folder: Path, query: str) -> None:
    asked = reaction_bits(Reaction.parse(query))
    all_pairs = [tanimoto(asked, reaction_bits(Reaction.parse(r))) for r in REACTIONS]
    order = sorted((i for i, s in enumerate(all_pairs) if s), key=lambda i: (-all_pairs[i], i))[:4]
    found = ReactionIndex.open(folder).search(query, 4)
    assert [p.id for p in found] == [f"page {i}" for i in order]
    assert [p.similarity for p in found] == pytest.approx([all_pairs[i] for i in order], abs=1e-4)


def test_a_product_is_compared_with_products(folder: Path) -> None:
    found = ReactionIndex.open(folder).search("CC(=O)NCc1ccccc1", 2)
    assert (found[0].id, found[0].similarity) == ("page 0", 1.0)
    asked = product_bits(["CC(=O)NCc1ccccc1"])
    best = max(tanimoto(asked, product_bits([r.split(">>")[1]])) for r in REACTIONS[1:])
    assert found[1].similarity == pytest.approx(best, abs=1e-4)
    assert ReactionIndex.open(folder).search(">>CC(=O)NCc1ccccc1", 2) == found


def test_more_than_there_are_is_all_that_share_anything(folder: Path) -> None:
    assert 0 < len(ReactionIndex.open(folder).search(REACTIONS[0], 100)) <= len(REACTIONS)
    assert ReactionIndex.open(folder).search("[Xe]", 3) == []


@pytest.mark.parametrize("query", ["", "C1CC", "CC>>", "CC>>C1CC", "a>b"])
def test_a_query_that_cannot_be_read_is_refused(folder: Path, query: str) -> None:
    with pytest.raises(ChemistryError):
        ReactionIndex.open(folder).search(query)


@pytest.mark.parametrize("name", [BITS, ROWS, OFFSETS])
def test_damage_is_seen(folder: Path, tmp_path: Path, name: str) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    changed = bytearray((tmp_path / name).read_bytes())
    changed[-1] ^= 1
    (tmp_path / name).write_bytes(changed)
    with pytest.raises(DataError, match="damaged"):
        ReactionIndex.open(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match="cannot read the index"):
        ReactionIndex.open(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"), [(None, "is not an index"), ("{", "cannot read"), ("[]", "is no retort-index"), ("{}", "is no")]
)
def test_what_is_no_index_is_refused(tmp_path: Path, text: str | None, words: str) -> None:
    if text is not None:
        (tmp_path / CARD).write_text(text)
    with pytest.raises(DataError, match=words):
        ReactionIndex.open(tmp_path)
