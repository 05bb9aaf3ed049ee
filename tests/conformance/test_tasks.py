"""What every task must do; a new file in the folder is tested here without another line."""

from dataclasses import replace

import pytest

from retort.chem.reaction import Reaction
from retort.chem.smiles import components
from retort.data.examples import answer_of, fits, given_of
from retort.data.records import Record
from retort.errors import ChemistryError
from retort.prompting.answers import as_target, read_answer
from retort.prompting.task import TASKS, Question, Task, Unreadable
from retort.prompting.vocabulary import TASK_TOKENS, Vocabulary, as_text, words_of

NAMES = TASKS.names()
IN_WORDS = [name for name in NAMES if TASKS.get(name).query_label]
RANKED = [name for name in NAMES if TASKS.get(name).ranked_by]
OF_ROLES = [name for name in NAMES if not TASKS.get(name).label and name not in (*IN_WORDS, *RANKED)]
LABELLED = [name for name in NAMES if TASKS.get(name).label]
# All compounds differ, so that whatever appears in a prompt tells where it came from.
REACTION = Reaction(
    ("OC(=O)c1ccc(F)cc1", "NCC1CCCO1"), ("CN(C)C=O", "CCN(CC)CC", "[Na+].[Cl-]"), ("O=C(NCC1CCCO1)c1ccc(F)cc1",)
)
OTHER = Reaction(("CCBr", "Oc1ccccc1"), ("O=C([O-])[O-].[K+].[K+]", "CC(C)=O"), ("CCOc1ccccc1",))
ROLES = ("reactants", "reagents", "products")


def labels_of(task: Task) -> list[object]:
    """Return labels as the data may have them."""
    if task.slots:
        return [">".join(["[Pd]", "O.CO", ""][: len(task.slots)]), ">".join(["", "OC"] + [""] * (len(task.slots) - 2))]
    if task.free_text:
        return ["a colourless liquid", "2-methylpropan-2-ol"]
    return list(task.choices) or (["OC", "O.CO"] if task.answer_kind == "smiles" else list(task.bounds))


def labelled(record: Record, field: str, label: object) -> Record:
    """Return a record that has a label; a systematic name is a name of that kind."""
    values = {"name": label, "name_kind": "iupac"} if field == "iupac_name" else {field: label}
    return replace(record, **values)


@pytest.fixture(params=NAMES)
def task(request: pytest.FixtureRequest) -> Task:
    return TASKS.get(request.param)


def test_all_tasks_are_found() -> None:
    assert len(NAMES) >= 3
    assert {"forward_prediction", "retrosynthesis", "reagent_prediction"} <= set(NAMES)


def test_no_two_tasks_share_a_name_or_alias() -> None:
    names = [name for each in NAMES for name in (each, *TASKS.get(each).aliases)]
    assert len(names) == len(set(names))


def test_the_card_is_complete(task: Task) -> None:
    assert TASKS.get(task.name) is task
    assert f"<{task.name}>" in TASK_TOKENS
    assert task.summary
    assert "\n" not in task.summary
    assert all(TASKS.get(alias) is task for alias in task.aliases)


def test_the_example_in_the_help_is_a_query(task: Task) -> None:
    assert task.example, "query_help must show an example after 'e.g.'"
    assert task.example in task.query_help
    given = task.read_query(task.example)
    if task.name in IN_WORDS:
        assert words_of(given) == task.example
    else:
        assert components(given.replace(">", ".").strip(".").replace("..", "."))


@pytest.mark.parametrize("task", [TASKS.get(name) for name in OF_ROLES], ids=OF_ROLES)
def test_the_prompt_is_blind_to_the_answer(task: Task) -> None:
    """Whatever stands in the roles that are asked for, the prompt stays the same."""
    asked = [
        role
        for role in ROLES
        if task.wanted(replace(REACTION, **{role: getattr(OTHER, role)})) != task.wanted(REACTION)
    ]
    assert asked, "the answer depends on no role"
    swapped = replace(REACTION, **{role: getattr(OTHER, role) for role in asked})
    assert task.given(swapped) == task.given(REACTION)
    assert task.wanted(swapped) != task.wanted(REACTION)


@pytest.mark.parametrize("task", [TASKS.get(name) for name in OF_ROLES], ids=OF_ROLES)
def test_the_answer_is_not_in_the_prompt(task: Task) -> None:
    shown = {c for role in task.given(REACTION).split(">") if role for c in components(role)}
    assert shown
    assert not shown & set(components(task.wanted(REACTION)))


@pytest.mark.parametrize("task", [TASKS.get(name) for name in LABELLED], ids=LABELLED)
def test_an_answer_of_a_record_is_in_no_role_and_is_read(task: Task) -> None:
    """A prompt is made of the reaction alone, so it cannot show a label of the record."""
    assert task.wanted(REACTION) == ""
    record = Record("r", "s", "train", REACTION)
    assert not fits(task, record)
    for label in labels_of(task):
        known = labelled(record, task.label, label)
        assert fits(task, known)
        assert answer_of(task, known) == read_answer(task, str(label))
        assert read_answer(task, as_target(task, answer_of(task, known))) == answer_of(task, known)


@pytest.mark.parametrize("task", [TASKS.get(name) for name in LABELLED], ids=LABELLED)
@pytest.mark.parametrize("text", ["", "no such class", "1400", "-1000", "nan"])
def test_what_is_no_answer_is_refused_with_its_reason(task: Task, text: str) -> None:
    found = read_answer(task, text)
    if task.free_text and text:  # any words are an answer
        assert found == text
        return
    assert isinstance(found, Unreadable)
    assert found.reason


@pytest.mark.parametrize("task", [TASKS.get(name) for name in IN_WORDS], ids=IN_WORDS)
def test_words_are_asked_of_a_record_that_has_them_and_never_show_its_molecule(task: Task) -> None:
    record = Record("r", "s", "train", Reaction((), (), OTHER.products))
    assert not fits(task, record)
    known = labelled(record, task.query_label, "an invented  name")
    assert fits(task, known)
    assert given_of(task, known) == task.read_query("  an invented name ") == "<text>an invented name</text>"
    assert answer_of(task, known) == OTHER.products[0]
    assert given_of(task, replace(known, reaction=Reaction((), (), REACTION.products))) == given_of(task, known)


@pytest.mark.parametrize("task", [TASKS.get(name) for name in NAMES if name not in IN_WORDS])
def test_the_query_form_gives_the_same_prompt_as_the_reaction(task: Task) -> None:
    behind = ">CCO>CO" if task.ranked_by else ""
    assert task.read_query(f"{REACTION}{behind}") == f"{task.given(REACTION)}{behind}"


@pytest.mark.parametrize("task", [TASKS.get(name) for name in RANKED], ids=RANKED)
def test_a_list_to_rank_stands_in_the_question_alone(task: Task) -> None:
    """No record answers such a task by itself, so none is trained on as a language model is; another task ranks."""
    assert TASKS.get(task.ranked_by).answer_kind == "value"
    assert task.wanted(REACTION) == ""
    assert not fits(task, Record("r", "s", "train", REACTION))
    for few in ("", ">CCO"):
        with pytest.raises(ChemistryError, match="leaves nothing to choose"):
            task.read_query(f"{REACTION}{few}")


def test_prompt_and_target_survive_the_vocabulary(task: Task) -> None:
    vocabulary = Vocabulary.build([])
    answer = str(labels_of(task)[-1]) if task.label else task.wanted(REACTION) or "CCO"
    given = as_text(f"{task.example} (naïve)") if task.name in IN_WORDS else task.given(REACTION)
    for text in (Question(task.name, given).prompt, as_target(task, answer)):
        assert vocabulary.decode(vocabulary.encode(text)) == text


@pytest.mark.parametrize("query", ["", "  ", ">>", ">", "C>O", "C>>C>>C"])
def test_wrong_forms_are_refused_with_a_hint(task: Task, query: str) -> None:
    with pytest.raises(ChemistryError) as caught:
        task.read_query(query)
    assert caught.value.hint
