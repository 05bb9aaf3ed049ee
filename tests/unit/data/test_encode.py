"""The quick encoder gives what the vocabulary gives."""

from dataclasses import replace

import pytest

from retort.chem.reaction import Reaction
from retort.data.encode import Encoder, encode_first, encode_record
from retort.data.examples import Spelling
from retort.data.records import Record
from retort.errors import ChemistryError
from retort.prompting.answers import read_answer
from retort.prompting.task import TASKS
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


def test_answers_in_selfies_and_rows_that_have_none() -> None:
    pytest.importorskip("selfies")
    reaction = Reaction(("CC(=O)Cl", "NCc1ccccc1"), (), ("CC(=O)NCc1ccccc1",))
    record, spelling = Record("r", "s", "train", reaction), Spelling(3, answers="selfies")
    symbols = Vocabulary.build(["[C][=O][N][Cl][Ring1][=Branch1][=C]"] * 3)
    ((_, sequences),) = encode_record(record, ["retrosynthesis"], Encoder(symbols), spelling, 1)
    answers = [symbols.decode(target.tolist()) for target in sequences[1::2]]
    assert len(answers) == 3
    assert all(answer.startswith("<selfies>") for answer in answers)
    read = {read_answer(TASKS.get("retrosynthesis"), answer) for answer in answers}
    assert read == {"CC(=O)Cl.NCc1ccccc1"}
    bare = [symbols.decode(source.tolist()) for source in sequences[::2]]
    assert not any("selfies" in question for question in bare)
    strange = replace(record, reaction=replace(reaction, reactants=("CC->[Cu]", "N")))
    assert encode_record(strange, ["retrosynthesis"], Encoder(symbols), spelling, 1) == [(0, [])]
    assert encode_first(TASKS.get("retrosynthesis"), strange, Encoder(symbols), spelling) == []
