"""Properties of the text layers: no token is lost, whatever the text."""

import string
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from retort.chem.reaction import Reaction
from retort.chem.tokens import tokenize_smiles
from retort.errors import ChemistryError
from retort.prompting.task import TASKS
from retort.prompting.vocabulary import TEXT_CLOSE, TEXT_OPEN, Vocabulary

VOCABULARY = Vocabulary.build(["[C@@H][nH][O-]"] * 3)

bracket_atoms = st.text(
    st.characters(exclude_characters="[]<>", exclude_categories=["Cs"]), min_size=1, max_size=8
).map(lambda inner: f"[{inner}]")
plain_tokens = st.sampled_from(
    [
        "C",
        "N",
        "O",
        "c",
        "n",
        "Cl",
        "Br",
        "=",
        "#",
        "(",
        ")",
        "1",
        "9",
        "%10",
        "%(123)",
        "/",
        "\\",
        ".",
        "->",
        "<-",
        ">",
        "~",
    ]
)
smiles_like = st.lists(plain_tokens | bracket_atoms, max_size=30).map("".join)
unicode_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).filter(lambda t: TEXT_CLOSE not in t)


@given(st.text(alphabet=string.printable + "é\u2028", max_size=30))
def test_any_text_is_split_without_loss_or_refused(text: str) -> None:
    try:
        tokens = tokenize_smiles(text)
    except ChemistryError:
        return
    assert "".join(tokens) == text


@given(smiles_like)
def test_tokens_join_to_the_text(text: str) -> None:
    tokens = tokenize_smiles(text)
    assert "".join(tokens) == text
    assert all(tokens)


@given(smiles_like)
def test_splitting_again_changes_nothing(text: str) -> None:
    assert [t for token in tokenize_smiles(text) for t in tokenize_smiles(token)] == tokenize_smiles(text)


@given(smiles_like)
def test_smiles_survive_the_vocabulary(text: str) -> None:
    assert VOCABULARY.decode(VOCABULARY.encode(text)) == text


@given(st.lists(st.tuples(smiles_like, unicode_text), max_size=4))
def test_prompts_with_text_survive_the_vocabulary(parts: list[tuple[str, str]]) -> None:
    text = "<retrosynthesis><class_3>" + "".join(f"{bare}{TEXT_OPEN}{words}{TEXT_CLOSE}" for bare, words in parts)
    assert VOCABULARY.decode(VOCABULARY.encode(text)) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_survives_or_is_refused(text: str) -> None:
    try:
        ids = VOCABULARY.encode(text)
    except ChemistryError:
        return
    assert VOCABULARY.decode(ids) == text


@given(unicode_text)
def test_text_never_makes_a_smiles_token(words: str) -> None:
    tokens = VOCABULARY.tokenize(f"{TEXT_OPEN}{words}{TEXT_CLOSE}")
    assert (tokens[0], tokens[-1]) == (TEXT_OPEN, TEXT_CLOSE)
    assert all(token.startswith("<0x") for token in tokens[1:-1])


@given(st.lists(st.integers(0, len(VOCABULARY) - 1), max_size=30))
def test_any_ids_can_be_decoded(ids: list[int]) -> None:
    assert isinstance(VOCABULARY.decode(ids), str)


compounds = st.lists(
    st.lists(
        st.sampled_from(["CCO", "[Na+]", "[Cl-]", "O", "N->[Pd]<-N", "c1ccccc1", "[OH2]"]), min_size=1, max_size=3
    ).map(".".join),
    max_size=4,
).map(tuple)
reactions = st.builds(Reaction, compounds, compounds, compounds)


@given(reactions)
def test_grouped_reactions_are_read_back(reaction: Reaction) -> None:
    assert Reaction.parse(reaction.with_groups()) == reaction


@given(reactions)
def test_both_group_notations_mean_the_same(reaction: Reaction) -> None:
    groups, index = [], 0
    for compound in (*reaction.precursors, *reaction.products):
        members = [str(i) for i in range(index, index + compound.count(".") + 1)]
        groups += [".".join(members)] if len(members) > 1 else []
        index += len(members)
    extension = f" |f:{','.join(groups)}|" if groups else ""
    assert Reaction.parse(f"{reaction}{extension}") == reaction


@given(reactions)
def test_plain_text_keeps_the_components_of_every_role(reaction: Reaction) -> None:
    assume(reaction.reactants)
    plain = Reaction.parse(str(reaction))
    assert ".".join(plain.reactants) == ".".join(reaction.reactants)
    assert str(plain) == str(reaction)


@given(reactions, reactions)
def test_prompts_do_not_depend_on_what_is_asked_for(one: Reaction, other: Reaction) -> None:
    """Roles whose change alters the answer can be exchanged without altering the prompt."""
    for name in TASKS.names():
        task = TASKS.get(name)
        for role in ("reactants", "reagents", "products"):
            changed = replace(one, **{role: getattr(other, role)})
            if task.wanted(changed) != task.wanted(one):
                # An empty role may make a reaction unfit for the task; it never shows in a prompt.
                prompts = {task.given(changed), task.given(one)} - {""}
                assert len(prompts) <= 1, f"{name} shows {role}"
