"""Rankers as proposers: a tiny one, trained on a dozen hand-made reactions, recovers them backwards and forwards."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from retort.chem.fingerprints import Fingerprint
from retort.chem.smiles import canonicalize
from retort.chem.template_features import answer_features, frequent_columns, template_features
from retort.chem.templates import extract_template
from retort.errors import ModelError
from retort.inference.proposers.answer_ranker import AnswerRanker
from retort.inference.proposers.template_ranker import TemplateRanker
from retort.models.ranker import Ranker, RankerMeta, SparseRows
from retort.prompting.task import Question
from retort.recipes.template_vocabulary import frequent_classes
from retort.training.ranker import fit
from retort.training.ranker_settings import RankerTraining

BITS = 512
REST = ("[CH3:20]", "[CH3:21][CH2:20]", "[CH3:22][CH:20]([CH3:21])")
PHENYL = "[c:5]1[cH:6][cH:7][cH:8][cH:9][cH:10]1"
BROMIDE = "[c:5]1[cH:6][cH:7][c:8](Br)[cH:9][cH:10]1"
PYRIDYL = "[c:11]2[cH:12][cH:13][cH:14][n:15][cH:16]2"
BIARYL = f"[c:5]1[cH:6][cH:7][c:8](-{PYRIDYL})[cH:9][cH:10]1"
FAMILIES = (
    "{}[C:2](=[O:3])O.[NH2:4][CH2:5][CH3:6]>>{}[C:2](=[O:3])[NH:4][CH2:5][CH3:6]",  # amide from the acid
    f"{{}}[C:2](=[O:3])Cl.[NH2:4]{PHENYL}>>{{}}[C:2](=[O:3])[NH:4]{PHENYL}",  # amide from the acid chloride
    f"{{}}[CH2:2]Br.[OH:4]{PHENYL}>>{{}}[CH2:2][O:4]{PHENYL}",  # Williamson ether
    f"{{}}{BROMIDE}.OB(O){PYRIDYL}>>{{}}{BIARYL}",  # Suzuki coupling
)
MAPPED = [family.format(rest, rest) for family in FAMILIES for rest in REST]
PAIRS = [tuple(canonicalize(side) for side in text.split(">>")) for text in MAPPED]
REAGENTS = ["CCN(CC)CC.ClCCl", "CCN(CC)CC", "O=C([O-])[O-].[K+].[K+]", "O.[Pd]"]
SMALL = RankerTraining(hidden=32, dropout=0.0, epochs=60, batch_size=4, learning_rate=0.01)


def trained(
    task: str,
    kind: Literal["template", "answer"],
    fingerprint: Fingerprint,
    questions: list[str],
    labels: list[str],
    types: list[int] | None = None,
) -> Ranker:
    counts = frequent_classes(labels, 1)
    described = [(template_features if kind == "template" else answer_features)(name) for name in counts]
    columns = frequent_columns(described, 1)
    indices = [[columns[name] for name in row] for row in described]
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in indices])]).astype(np.int64)
    flat = np.array([i for row in indices for i in row], np.int32)
    features = SparseRows(indptr, flat, np.ones(len(flat), np.float32), len(columns))
    x = SparseRows(*fingerprint.rows(questions), fingerprint.bits)
    count = 0 if types is None else max(types) + 1
    x = x if types is None else x.beside(4 * np.eye(count, dtype=np.float32)[types])
    y = np.array([list(counts).index(label) for label in labels])
    w = fit(x, y, features, SMALL, lambda epoch, network: None)
    plain = {"kind": fingerprint.kind, "bits": fingerprint.bits}
    numbers = np.array(list(counts.values()), np.int32)
    meta = RankerMeta(task, kind, plain, "", 20, types=count, type_scale=4.0 if count else 1.0)
    return Ranker(meta, w.w1, w.b1, w.w2, w.b2, tuple(counts), numbers)


def templates() -> list[str]:
    found = [extract_template(text) for text in MAPPED]
    return [text for text in found if isinstance(text, str)]


@pytest.fixture(scope="module")
def retro() -> Ranker:
    products = [product for _, product in PAIRS]
    return trained("retrosynthesis", "template", Fingerprint(bits=BITS), products, templates())


@pytest.fixture(scope="module")
def forward() -> Ranker:
    precursors = [reactants for reactants, _ in PAIRS]
    return trained("forward_prediction", "template", Fingerprint(bits=BITS), precursors, templates())


@pytest.fixture(scope="module")
def reagents() -> Ranker:
    questions = [f"{reactants}>>{product}" for reactants, product in PAIRS]
    labels = [REAGENTS[i // 3] for i in range(len(PAIRS))]
    return trained("reagent_prediction", "answer", Fingerprint(kind="reaction", bits=BITS), questions, labels)


def test_retro_ranker_recovers_what_it_was_taught(retro: Ranker) -> None:
    proposer = TemplateRanker(retro)
    found = proposer.propose([Question("retrosynthesis", product) for _, product in PAIRS], 3)
    assert [proposals.candidates[0].smiles for proposals in found] == [reactants for reactants, _ in PAIRS]


def test_forward_ranker_recovers_products_and_drops_spectators(forward: Ranker) -> None:
    proposer = TemplateRanker(forward)
    questions = [Question("forward_prediction", f"{reactants}>ClCCl.[Na+]") for reactants, _ in PAIRS]
    found = proposer.propose(questions, 3)
    assert [proposals.candidates[0].smiles for proposals in found] == [product for _, product in PAIRS]


def test_reagent_ranker_recovers_whole_sets(reagents: Ranker) -> None:
    proposer = AnswerRanker(reagents)
    found = proposer.propose([Question("reagent_prediction", f"{r}>>{p}") for r, p in PAIRS], 2)
    assert [proposals.candidates[0].smiles for proposals in found] == [REAGENTS[i // 3] for i in range(len(PAIRS))]
    assert all(len(proposals.candidates) == 2 for proposals in found)


def test_candidates_are_canonical_distinct_ordered_and_named(retro: Ranker) -> None:
    proposer = TemplateRanker(retro, "mine")
    (found,) = proposer.propose([Question("retrosynthesis", "CCNC(=O)CCCOc1ccc(-c2cccnc2)cc1")], 10)
    smiles = [candidate.smiles for candidate in found.candidates]
    scores = [candidate.score for candidate in found.candidates]
    assert len(smiles) >= 3
    assert smiles == [canonicalize(text) for text in smiles]
    assert len(set(smiles)) == len(smiles)
    assert scores == sorted(scores, reverse=True)
    assert sum(map(math.exp, scores)) <= 1 + 1e-6
    assert {candidate.proposer for candidate in found.candidates} == {"mine"}


def test_templates_with_one_answer_add_up(retro: Ranker) -> None:
    """A vocabulary that holds every template twice gives the same answers as one that holds each once."""
    doubled = replace(
        retro,
        w2=np.concatenate([retro.w2, retro.w2], axis=1),
        b2=np.concatenate([retro.b2, retro.b2]),
        classes=retro.classes * 2,
        counts=np.concatenate([retro.counts, retro.counts]),
    )
    question = [Question("retrosynthesis", PAIRS[0][1])]
    (once,), (twice,) = (TemplateRanker(ranker).propose(question, 10) for ranker in (retro, doubled))
    assert [c.smiles for c in once.candidates] == [c.smiles for c in twice.candidates]
    assert [c.score for c in once.candidates] == pytest.approx([c.score for c in twice.candidates], abs=1e-5)


def test_batch_and_single_answers_agree(retro: Ranker) -> None:
    proposer = TemplateRanker(retro)
    questions = [Question("retrosynthesis", product) for _, product in PAIRS]
    together = proposer.propose(questions, 5)
    alone = [proposer.propose([question], 5)[0] for question in questions]
    assert [[c.smiles for c in p.candidates] for p in together] == [[c.smiles for c in p.candidates] for p in alone]


def test_known_reaction_class_reorders_candidates(retro: Ranker) -> None:
    product = "CCNC(=O)COc1ccccc1"
    retro = replace(retro, w2=retro.w2 / 10, b2=retro.b2 / 10)  # less sure of itself, as a real one is
    table = np.zeros((len(retro.classes), 11), np.int32)
    table[:, 2] = 100
    (plain,) = TemplateRanker(retro).propose([Question("retrosynthesis", product)], 5)
    first, last = plain.candidates[0].smiles, plain.candidates[-1].smiles
    assert first != last
    for index, name in enumerate(retro.classes):
        if makes(name, product, last):
            table[index, 2], table[index, 3] = 0, 100
    conditioned = TemplateRanker(replace(retro, class_counts=table))
    (known,) = conditioned.propose([Question("retrosynthesis", product, reaction_class=3)], 5)
    assert known.candidates[0].smiles == last
    (unstated,) = conditioned.propose([Question("retrosynthesis", product)], 5)
    assert unstated.candidates[0].smiles == first


def makes(template: str, product: str, answer: str) -> bool:
    from retort.chem.templates import Substrate, Template

    return answer in Template(template, "retro").apply(Substrate(product))


@pytest.mark.parametrize("given", ["C1CC", ""])
def test_unreadable_query_is_counted_and_stops_nobody(given: str, retro: Ranker, reagents: Ranker) -> None:
    good = Question("retrosynthesis", PAIRS[0][1])
    bad, fine = TemplateRanker(retro).propose([Question("retrosynthesis", given), good], 1)
    assert (bad.candidates, dict(bad.unreadable)) == ((), {"unreadable query": 1})
    assert fine.candidates[0].smiles == PAIRS[0][0]
    if given:
        (bad,) = AnswerRanker(reagents).propose([Question("reagent_prediction", f"{given}>>CC")], 1)
        assert dict(bad.unreadable) == {"unreadable query": 1}


def test_molecule_that_no_template_fits_has_no_candidates(retro: Ranker) -> None:
    (found,) = TemplateRanker(retro).propose([Question("retrosynthesis", "C1CCCCC1")], 5)
    assert (found.candidates, dict(found.unreadable)) == ((), {})


def test_no_questions_no_answers(retro: Ranker, reagents: Ranker) -> None:
    assert TemplateRanker(retro).propose([], 5) == []
    assert AnswerRanker(reagents).propose([], 5) == []


def test_loaded_file_answers_alike(retro: Ranker, reagents: Ranker, tmp_path: Path) -> None:
    retro.save(tmp_path / "retro.npz")
    reagents.save(tmp_path / "reagents.npz")
    (found,) = TemplateRanker.load(tmp_path / "retro.npz").propose([Question("retrosynthesis", PAIRS[4][1])], 1)
    assert found.candidates[0].smiles == PAIRS[4][0]
    question = Question("reagent_prediction", f"{PAIRS[4][0]}>>{PAIRS[4][1]}")
    (found,) = AnswerRanker.load(tmp_path / "reagents.npz").propose([question], 1)
    assert found.candidates[0].smiles == REAGENTS[1]


def test_ranker_of_the_other_kind_is_refused(retro: Ranker, reagents: Ranker) -> None:
    with pytest.raises(ModelError, match="answer"):
        TemplateRanker(reagents)
    with pytest.raises(ModelError, match="template"):
        AnswerRanker(retro)


WAYS = ("O", "Cl")  # every ethylamide is made from the acid (type 0) and from its chloride (type 1)
AMIDE = "{0}[C:2](=[O:3]){1}.[NH2:4][CH2:5][CH3:6]>>{0}[C:2](=[O:3])[NH:4][CH2:5][CH3:6]"
MADE = [(AMIDE.format(rest, WAYS[way]), way) for rest in REST for way in (0, 1)]
BEFORE, PRODUCTS = ([canonicalize(text.split(">>")[side]) for text, _ in MADE] for side in (0, 1))
TOLD = [way for _, way in MADE]


@pytest.fixture(scope="module")
def typed() -> Ranker:
    """Train on products that either of two templates could make: only the type says which."""
    labels = [template for text, _ in MADE if isinstance(template := extract_template(text), str)]
    return trained("retrosynthesis", "template", Fingerprint(bits=BITS), PRODUCTS, labels, TOLD)


def test_told_type_decides(typed: Ranker) -> None:
    questions = [Question("retrosynthesis", p, reaction_types=(t,)) for p, t in zip(PRODUCTS, TOLD, strict=True)]
    found = TemplateRanker(typed).propose(questions, 5)
    assert [proposals.candidates[0].smiles for proposals in found] == BEFORE


def test_shares_of_the_caller_stand_for_those_of_the_questions(typed: Ranker) -> None:
    questions = [Question("retrosynthesis", p, reaction_types=(t,)) for p, t in zip(PRODUCTS, TOLD, strict=True)]
    bare = [Question("retrosynthesis", product) for product in PRODUCTS]
    shares = np.eye(2, dtype=np.float32)[TOLD]
    assert TemplateRanker(typed).propose(bare, 5, shares) == TemplateRanker(typed).propose(questions, 5)


@pytest.mark.parametrize("first", [0, 1])
def test_mixed_candidates_say_which_type_gives_them(typed: Ranker, first: int) -> None:
    question = Question("retrosynthesis", PRODUCTS[3], reaction_types=(first, first, first, 1 - first))
    (found,) = TemplateRanker(typed, mixed=True).propose([question], 5)
    best, other = found.candidates[:2]
    assert best.reaction_type is not None
    assert other.reaction_type is not None
    assert (best.reaction_type.id, other.reaction_type.id) == (first, 1 - first)
    assert best.reaction_type.probability == pytest.approx(0.75, abs=1e-5)
    assert math.exp(best.score) == pytest.approx(0.75, abs=0.1)
    (plain,) = TemplateRanker(typed).propose([question], 5)
    assert plain.candidates[0].reaction_type is None


def test_mixture_by_a_known_class_keeps_its_types(typed: Ranker) -> None:
    table = np.zeros((len(typed.classes), 11), np.int32)
    for row, template in zip(table, typed.classes, strict=True):
        row[2 if "Cl" in template else 3] = 100
    question = Question("retrosynthesis", PRODUCTS[0], reaction_class=2, reaction_types=(0, 0, 0, 1))
    (found,) = TemplateRanker(replace(typed, class_counts=table), mixed=True).propose([question], 1)
    assert found.candidates[0].smiles == BEFORE[1]
    assert found.candidates[0].reaction_type is not None
    assert found.candidates[0].reaction_type.id == 1


@pytest.mark.parametrize("told", [(), (2,)])
def test_untold_or_unknown_types_are_an_error(typed: Ranker, told: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="reads 2 types"):
        TemplateRanker(typed).propose([Question("retrosynthesis", PRODUCTS[0], reaction_types=told)], 1)


def test_a_ranker_without_types_cannot_be_mixed(retro: Ranker) -> None:
    with pytest.raises(ModelError, match="no types"):
        TemplateRanker(retro, mixed=True)
