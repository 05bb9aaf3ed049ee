"""Re-ranking: evidence, counts, fitted weights, and the file that holds them."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retort.errors import DataError, ModelError
from retort.inference.merging import Ranking
from retort.inference.proposer import Proposal
from retort.inference.proposers.language_model import Decoding, LanguageModel
from retort.inference.reranking.evidence import Experts, Sources, as_matrix, gather, likelihoods
from retort.inference.reranking.fitting import Case, Fit, fit, mean_loss
from retort.inference.reranking.knowledge import Counts, Knowledge, change_keys, text_key
from retort.inference.reranking.reranker import Reranker, RerankerMeta
from retort.models.toy import ToySeq2Seq
from retort.prompting.task import Question
from retort.prompting.vocabulary import Vocabulary

AMIDE = Question("retrosynthesis", "CC(=O)NCc1ccccc1")
POOL = [
    Proposal("CC(=O)Cl.NCc1ccccc1", -0.5, "ranker", "t1"),
    Proposal("CC(=O)O.NCc1ccccc1", -1.0, "ranker", "t2"),
    Proposal("CC(N)=O.BrCc1ccccc1", -2.0, "ranker", None),
]
KNOWLEDGE = Knowledge.of([("CC(=O)Cl.CN", "CNC(C)=O", "CC(=O)Cl.CN"), ("CO.CN", "CNC", "CO.CN")], minimum=1)


class Agrees:
    """A judge that knows one template."""

    def support(self, given: list[str], templates: list[str | None]) -> list[tuple[float, int, int] | None]:
        return [(-0.25, 1, 7) if template == "t1" else None for template in templates]


def toy() -> LanguageModel:
    vocabulary = Vocabulary.build(())
    return LanguageModel(ToySeq2Seq(vocabulary), vocabulary, Decoding(max_source_tokens=60))


def column(name: str) -> list[float]:
    sources = Sources(("ranker",), None, Agrees(), KNOWLEDGE)
    names, values = gather(AMIDE, POOL, [Ranking(POOL[:2])], sources)
    found: list[float] = values[:, names.index(name)].tolist()
    return found


def planted(weights: list[float], count: int = 400, seed: int = 0) -> list[Case]:
    """Questions of 3 to 5 candidates, the right one drawn by the softmax of planted weights."""
    rng = np.random.default_rng(seed)
    cases = []
    for _ in range(count):
        values = rng.normal(size=(rng.integers(3, 6), len(weights)))
        noisy = values @ weights + rng.gumbel(size=len(values))
        cases.append(Case(values, noisy == noisy.max()))
    return cases


def test_what_a_proposer_lacks_is_the_lowest_of_its_column() -> None:
    assert column("ranker.log_probability") == [-0.5, -1.0, -1.0]
    assert column("ranker.log_rank") == pytest.approx([0, math.log(2), math.log(3)])
    assert column("ranker.absent") == [0, 0, 1]


def test_counts_of_training_rows() -> None:
    assert column("train.unknown_molecules") == [1, 2, 2]
    assert column("train.unknown_atoms") == [8, 12, 12]
    assert column("train.unknown_share") == pytest.approx([8 / 12, 1, 1])
    assert column("train.molecules")[0] == pytest.approx(math.log(2))
    assert column("train.change")[0] == column("train.change")[1] == 0


def test_the_opposite_direction_is_asked_about_the_template() -> None:
    assert column("opposite.log_probability") == [-0.25, -0.25, -0.25]
    assert column("opposite.unknown") == [0, 1, 1]
    assert column("opposite.log_count") == pytest.approx([math.log(8), 0, 0])


def test_shape_is_counted_in_atoms() -> None:
    assert column("shape.surplus_atoms") == [1, 1, 1]
    assert column("shape.missing_atoms") == [0, 0, 0]
    assert column("shape.rings") == [1, 1, 1]


def test_likelihoods_are_those_of_the_model() -> None:
    """The toy gives its first answer, the query itself, a log-probability of -0.1 per token, others -10."""
    [(same, n), (other, m)] = toy().score([(AMIDE, AMIDE.given), (AMIDE, "C")])
    assert (n, m) == (17, 2)
    assert same == pytest.approx(-0.1 * n)
    assert other == pytest.approx(-10 * m)


def test_what_is_too_long_to_score_is_not_guessed() -> None:
    long = replace(AMIDE, given="C" * 80)
    assert math.isnan(toy().score([(long, "C")])[0][0])
    names, values = as_matrix([*likelihoods(toy(), long, ["CC", "CCC"])])
    assert values[:, names.index("likelihood.answer")].tolist() == [0, 0]


def test_a_question_is_judged_alike_in_any_company() -> None:
    sources = Sources(("ranker",), toy(), Agrees(), KNOWLEDGE)
    alone = gather(AMIDE, POOL, [Ranking(POOL)], sources)
    gather(Question("retrosynthesis", "CCO"), POOL[:2], [Ranking(POOL[:2])], sources)
    again = gather(AMIDE, POOL, [Ranking(POOL)], sources)
    assert alone[0] == again[0]
    assert (alone[1] == again[1]).all()


def test_changes_are_told_by_the_centre_not_by_the_rest() -> None:
    ester, longer, other = ("COC(=O)CCCC", "OC(=O)CCCC"), ("COC(=O)CCCCN", "OC(=O)CCCCN"), ("CNC(=O)CCCC", "OC(=O)CCCC")
    assert change_keys(*ester) == change_keys(*longer) != change_keys(*other)


def test_rare_things_are_left_out() -> None:
    counts = Counts.of({5: 3, 2: 1, 9: 2}, minimum=2)
    assert [counts[key] for key in (2, 5, 9, 10)] == [0, 3, 2, 0]


def test_planted_weights_are_recovered() -> None:
    cases = planted([1.5, -1.0, 0.0])
    found = fit(cases, 1e-4)
    assert found.weights / found.scale == pytest.approx([1.5, -1.0, 0.0], abs=0.25)


def test_the_fit_is_the_minimum() -> None:
    cases = planted([0.7, 0.2])
    found = fit(cases, 1e-9)
    best = mean_loss(cases, found)
    for step in np.array([[0.01, 0], [-0.01, 0], [0, 0.01], [0, -0.01]]):
        assert mean_loss(cases, replace(found, weights=found.weights + step)) > best


def test_cases_without_the_answer_teach_nothing() -> None:
    cases = planted([1.0])
    hopeless = [Case(case.values * 9, np.zeros(len(case.values), bool)) for case in cases]
    assert fit([*cases, *hopeless], 0.01).weights == pytest.approx(fit(cases, 0.01).weights)
    with pytest.raises(DataError, match="answer among the candidates"):
        fit(hopeless, 0.01)


def reranker(pool: int = 3) -> Reranker:
    """One that likes candidates that the ranker lacks."""
    columns = ("ranker.absent", "train.unknown_molecules")
    meta = RerankerMeta("retrosynthesis", columns, ("ranker",), None, None, pool, "")
    return Reranker(meta, Fit(np.zeros(2), np.ones(2), np.array([2.0, -1.0])), KNOWLEDGE)


def test_scores_become_log_probabilities_of_the_list() -> None:
    ranked = reranker().rerank(AMIDE, POOL, [Ranking(POOL[:2])], Experts())
    assert [proposal.smiles for proposal in ranked] == [POOL[i].smiles for i in (2, 0, 1)]
    logits = np.array([0.0, -1.0, -2.0])
    assert [proposal.score for proposal in ranked] == pytest.approx(logits - np.logaddexp.reduce(logits))
    assert {proposal.proposer for proposal in ranked} == {"ranker"}


def test_candidates_behind_the_pool_stay_behind() -> None:
    ranked = reranker(pool=2).rerank(AMIDE, POOL, [Ranking(POOL[:2])], Experts())
    assert [proposal.smiles for proposal in ranked] == [proposal.smiles for proposal in POOL]
    scores = [proposal.score for proposal in ranked]
    assert scores == sorted(scores, reverse=True)


def test_a_missing_column_is_an_error() -> None:
    with pytest.raises(ModelError, match=r"train\.unknown_molecules"):
        reranker().log_probabilities(["ranker.absent"], np.zeros((2, 1)))


def test_it_survives_its_file(tmp_path: Path) -> None:
    reranker().save(tmp_path / "r" / "retrosynthesis.npz")
    read = Reranker.load(tmp_path / "r" / "retrosynthesis.npz")
    assert read.meta == reranker().meta
    assert read.rerank(AMIDE, POOL, [Ranking(POOL[:2])], Experts()) == reranker().rerank(
        AMIDE, POOL, [Ranking(POOL[:2])], Experts()
    )
    assert read.knowledge is not None
    assert read.knowledge.molecules[text_key("CN")] == 2


@pytest.mark.parametrize("damage", [b"", b"no zip", None])
def test_a_damaged_file_is_refused(damage: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "r.npz"
    reranker().save(path)
    path.write_bytes(path.read_bytes()[:-30] if damage is None else damage)
    with pytest.raises(ModelError, match="cannot read the re-ranker"):
        Reranker.load(path)


def test_a_question_without_candidates_has_a_matrix_without_rows() -> None:
    names, values = as_matrix([])
    assert (names, values.shape) == ([], (0, 0))
