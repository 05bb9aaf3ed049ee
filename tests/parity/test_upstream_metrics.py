"""The published figures against the libraries that the published program calls."""

import math
import warnings
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.bleu_score import corpus_bleu
from nltk.translate.meteor_score import meteor_score
from rdkit import Chem, DataStructs, rdBase
from rdkit.Chem import AllChem

from retort.evaluation.upstream import upstream_bleu, upstream_meteor_exact_stem, upstream_similarity

smiles_like = st.text("CNOcn1()=.", max_size=12)
any_text = smiles_like | st.text(max_size=8)
corpora = st.lists(st.tuples(any_text, any_text), min_size=1, max_size=6)
molecules = st.sampled_from(
    ["CO", "CCO", "OCC", "c1ccccc1O", "CC(=O)Cl", "C[C@H](N)C(=O)O", "[Na+]", "O", "NCc1ccccc1"]
)
mixtures = st.lists(molecules, min_size=1, max_size=4).map(".".join)


class NoSynonyms:
    """A WordNet in which no word has a synonym."""

    def synsets(self, word: str) -> list[object]:
        return []


@given(corpora)
def test_bleu_is_that_of_nltk(rows: list[tuple[str, str]]) -> None:
    targets, predictions = zip(*rows, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # NLTK warns where an order has no match
        expected = corpus_bleu([[list(target)] for target in targets], [list(text) for text in predictions])
    assert math.isclose(upstream_bleu(targets, predictions), expected, rel_tol=1e-9)


@given(any_text, any_text)
def test_meteor_is_that_of_nltk_without_synonyms(target: str, prediction: str) -> None:
    expected = meteor_score([list(target)], list(prediction), wordnet=NoSynonyms())
    assert math.isclose(upstream_meteor_exact_stem(target, prediction), expected, rel_tol=1e-12)


@given(mixtures, mixtures)
def test_similarity_is_that_of_the_older_fingerprint_call(target: str, prediction: str) -> None:
    expected = (
        1.0 if set(target.split(".")) == set(prediction.split(".")) else one_sided(bits(target), bits(prediction))
    )
    assert math.isclose(upstream_similarity(target, prediction), expected, rel_tol=1e-12)


def bits(smiles: str) -> list[DataStructs.ExplicitBitVect]:
    with rdBase.BlockLogs():  # the call is deprecated, and RDKit says so each time
        return [
            AllChem.GetMorganFingerprintAsBitVect(Chem.MolFromSmiles(piece), 2, nBits=1024)
            for piece in smiles.split(".")
        ]


def one_sided(wanted: Sequence[DataStructs.ExplicitBitVect], made: Sequence[DataStructs.ExplicitBitVect]) -> float:
    return sum(max(DataStructs.FingerprintSimilarity(a, b) for b in made) for a in wanted) / len(wanted)
