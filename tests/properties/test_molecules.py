"""Properties of spellings and metrics, on molecules put together at random."""

import random
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from retort.chem.mapping import align_to_product, align_to_reactants, mapped_components
from retort.chem.smiles import canonicalize, components, parse, randomize, rooted_spellings
from retort.evaluation.metric import METRICS
from retort.evaluation.metrics.similarity import similarity
from retort.evaluation.predictions import Candidate, Prediction
from retort.evaluation.selectivity import outcome

cores = [
    "c1ccc({})cc1",
    "C1CCN({})CC1",
    "C[C@H]({})F",
    "C[C@@H]({})F",
    "F/C=C/{}",
    "F/C=C\\{}",
    "n1ccc({})cn1",
    "OCC{}",
    "[13CH3]{}",
]
tails = ["C(=O)O", "N", "OC", "C#N", "[N+](=O)[O-]", "B(O)O", "S(=O)(=O)N", "C(C)(C)C", "Cl"]
molecules = st.tuples(st.sampled_from(cores), st.sampled_from(tails)).map(lambda pair: pair[0].format(pair[1]))
salts = st.sampled_from(["[Na+]", "[Cl-]", "O", "[NH4+]", "CC(=O)[O-]"])
mixtures = st.lists(molecules | salts, min_size=1, max_size=4).map(".".join)
seeds = st.integers(0, 2**32 - 1)


@given(mixtures, seeds)
def test_canonical_form_is_invariant_and_a_fixed_point(smiles: str, seed: int) -> None:
    canonical = canonicalize(smiles)
    assert canonicalize(canonical) == canonical
    assert canonicalize(randomize(smiles, random.Random(seed))) == canonical
    assert canonicalize(".".join(reversed(smiles.split(".")))) == canonical
    assert len(components(smiles)) == smiles.count(".") + 1


@given(mixtures, st.integers(1, 12))
def test_rooted_spellings_are_distinct_and_equivalent(smiles: str, count: int) -> None:
    spellings = rooted_spellings(smiles, count)
    assert spellings[0] == canonicalize(smiles)
    assert 1 <= len(spellings) <= count
    assert len(set(spellings)) == len(spellings)
    assert {canonicalize(spelling) for spelling in spellings} == {spellings[0]}


def mapped(smiles: str, rng: random.Random) -> str:
    """Give all atoms random numbers; the order of writing follows from them."""
    mol = parse(smiles)
    numbers = rng.sample(range(1, 500), mol.GetNumAtoms())
    for atom, number in zip(mol.GetAtoms(), numbers, strict=True):
        atom.SetAtomMapNum(number)
    text: str = Chem.MolToSmiles(mol, doRandom=False)
    return text


@given(mixtures, seeds)
def test_maps_leave_no_trace(smiles: str, seed: int) -> None:
    text = mapped(smiles, random.Random(seed))
    assert canonicalize(text) == canonicalize(smiles)


@given(mixtures, seeds, st.booleans())
@settings(max_examples=60)
def test_aligning_a_mixture_to_itself_gives_one_text_twice(smiles: str, seed: int, canonical: bool) -> None:
    """With every atom mapped to itself, both sides must be spelled alike: the longest prefix there is."""
    sides = mapped_components(mapped(smiles, random.Random(seed)))
    rng = None if canonical else random.Random(seed)
    for align in (align_to_product, align_to_reactants):
        left, right = align(sides, sides, rng)
        assert left == right
        assert canonicalize(left) == canonicalize(smiles)
        assert not re.search(r":\d", left)


@given(mixtures, mixtures)
def test_similarity_is_symmetric_and_one_only_at_equal_sizes(a: str, b: str) -> None:
    assert similarity(a, b) == similarity(b, a)
    assert 0.0 <= similarity(a, b) <= 1.0
    assert similarity(a, a) == 1.0
    if len(components(a)) != len(components(b)):
        assert similarity(a, b) < 1.0


@given(mixtures, st.lists(mixtures | st.just("") | st.just("C1CC"), max_size=5), seeds)
@settings(max_examples=50)
def test_metrics_do_not_see_spelling(target: str, answers: list[str], seed: int) -> None:
    rng = random.Random(seed)
    respelled = [randomize(a, rng) if a not in ("", "C1CC") else a for a in answers]
    rows = [
        Prediction(0, "C", goal, "ok", "", tuple(Candidate(text, 0.0, "t") for text in texts))
        for goal, texts in ((target, answers), (randomize(target, rng), respelled))
    ]
    for name in METRICS.names():
        metric = METRICS.get(name)
        for k in metric.cutoffs:
            assert metric.per_row(rows[0], k) == metric.per_row(rows[1], k)


@given(mixtures, mixtures)
@settings(max_examples=50)
def test_outcomes_agree_with_exact_matches(target: str, answer: str) -> None:
    row = Prediction(0, "C", target, "ok", "", (Candidate(answer, 0.0, "t"),))
    found = outcome(answer, target)
    assert (found == "same") == (METRICS.get("exact_match").per_row(row, 1) == 1)
    of_one_constitution = {"same", "stereo_left_out", "stereo_added", "other_stereoisomer"}
    assert (found in of_one_constitution) == (METRICS.get("exact_match_stereo_free").per_row(row, 1) == 1)
