"""The quick encoder gives what the vocabulary gives."""

import pytest

from retort.data.encode import Encoder
from retort.errors import ChemistryError
from retort.prompting.vocabulary import Vocabulary

VOCABULARY = Vocabulary.build(["[NH4+].[Cl-]"] * 3)
TEXTS = [
    "",
    "CCO",
    "<retrosynthesis>CC(=O)Nc1ccccc1",
    "<retrosynthesis><class_2>CC.[NH4+].[Cl-]",
    "<forward_prediction>CC(=O)Cl.N>CCN(CC)CC.O",
    "<reagent_prediction>CC.O>>CCO",
    "CC.O>>CCO",
    "O->[Fe]<-O.C>[Xe]>N->[Cu]",
    "C%12CC%12.[13CH4]",
]


@pytest.mark.parametrize("text", TEXTS)
def test_ids_are_those_of_the_vocabulary(text: str) -> None:
    encoder = Encoder(VOCABULARY)
    expected = VOCABULARY.encode(text)
    assert encoder.encode(text).tolist() == expected
    assert encoder.encode(text).tolist() == expected, "and again, from the cache"


def test_what_is_not_smiles_is_refused() -> None:
    with pytest.raises(ChemistryError):
        Encoder(VOCABULARY).encode("<retrosynthesis>CC!O")
