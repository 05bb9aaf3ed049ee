"""Answers in SELFIES: their mark, their tokens, and how they are read back."""

import pytest

from retort.prompting.answers import as_selfies, read_answer
from retort.prompting.task import TASKS, Unreadable
from retort.prompting.vocabulary import RESERVED, SELFIES, SPECIAL, TASK_TOKENS, Vocabulary

pytest.importorskip("selfies")
RETRO = TASKS.get("retrosynthesis")


def test_an_answer_is_read_back_as_canonical_smiles() -> None:
    assert as_selfies("OCC.N") == "<selfies>[O][C][C].[N]"
    assert read_answer(RETRO, as_selfies("OCC.N")) == "CCO.N"


@pytest.mark.parametrize("text", [SELFIES, f"{SELFIES}[nonsense!]", f"{SELFIES}[C]<class_1>"])
def test_what_is_no_molecule_is_unreadable(text: str) -> None:
    assert isinstance(read_answer(RETRO, text), Unreadable)


def test_a_class_is_never_selfies() -> None:
    assert isinstance(read_answer(TASKS.get("classes"), as_selfies("CC")), Unreadable)


def test_symbols_are_tokens_of_their_own_and_no_other_token_moved() -> None:
    answer = as_selfies("CC(=O)Nc1ccc(O)cc1")
    vocabulary = Vocabulary.build([answer.removeprefix(SELFIES)] * 3)
    ids = vocabulary.encode(answer)
    assert vocabulary.decode(ids) == answer
    assert len(ids) == answer.count("[") + 2  # the mark and the end
    place = SPECIAL.index
    assert place("<molecule_naming>") == place(RESERVED[-1]) + 1
    ends = [place(token) - place("<reserved_0>") for token in (SELFIES, "<template_classification>")]
    assert ends == [30, 31]  # where spare tokens were
    assert place(TASK_TOKENS[0]) == 5
