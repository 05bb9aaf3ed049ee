"""What every file of instruction wordings must hold; a new file is tested here without another line."""

import pytest

from retort.prompting.task import TASKS
from retort.prompting.template import LEAD_INS, OWN, TEMPLATES, own_library
from retort.prompting.vocabulary import Vocabulary

NAMES = TEMPLATES.names()
# What an instruction of a task asks for, and so what all of its wordings must name.
ASKED = {"forward_prediction": "product", "retrosynthesis": "reactants", "reagent_prediction": "reagents"}


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_all_files_are_found() -> None:
    assert set(ASKED) <= set(NAMES)
    assert len(own_library().templates) >= 36
    assert own_library().name == OWN


def test_a_file_is_named_after_its_task(name: str) -> None:
    assert TASKS.get(name).name == name


def test_there_are_twelve_wordings_and_no_two_are_alike(name: str) -> None:
    texts = TEMPLATES.get(name)
    assert len(texts) == 12
    assert len({text.lower().strip(".?") for text in texts}) == 12


def test_a_wording_is_plain_sentences_that_name_what_is_asked(name: str) -> None:
    for text in TEMPLATES.get(name):
        assert text == " ".join(text.split())
        assert text[0].isupper()
        assert text[-1] in ".?"
        assert text.isascii()
        assert ASKED.get(name, "") in text


def test_no_wording_serves_two_tasks(name: str) -> None:
    others = {text for other in NAMES if other != name for text in TEMPLATES.get(other)}
    assert others.isdisjoint(TEMPLATES.get(name))


def test_all_lead_ins_are_used(name: str) -> None:
    assert {template.lead_in for template in own_library().of(name)} == set(LEAD_INS)


def test_both_forms_survive_the_vocabulary(name: str) -> None:
    vocabulary = Vocabulary.build([])
    for template in own_library().of(name):
        for words in (template.text, template.with_type("3")):
            text = f"<text>{words}</text>CCO"
            assert vocabulary.decode(vocabulary.encode(text)) == text
