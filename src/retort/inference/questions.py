"""From a user's query to a question: checked, canonical, and never guessed at.

Also says whether a query is in the training data. Of every training row only four bytes are kept, a hash of its
canonical stereo-free prompt, so membership can be told (a false alarm has probability of about n / 2**32 for n rows)
and rows cannot be read back.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retort.chem.formula import molecular_formula
from retort.chem.smiles import canonical_or_none, canonicalize
from retort.errors import ChemistryError, ModelError
from retort.inference.proposer import Proposal
from retort.prompting.candidates import filled, split_candidates
from retort.prompting.task import TASKS, Question, Task
from retort.prompting.vocabulary import as_text, is_text, words_of

MAX_CHARACTERS = 2_000  # far above any molecule of the patent literature; keeps one query from holding up a batch
ADDING = ("reagent_prediction", "catalyst_prediction", "solvent_prediction", "condition_recommendation")
"""Tasks whose answer stands between the reactants and the products of the query."""
MAX_LIST = 20_000  # of a question with its candidates
_ROLE = re.compile(r"(?<!-)>")
_STEREO = re.compile(r"[@/\\]")


def ask(task: Task, query: str, reaction_class: int | None = None) -> Question:
    """Read a query as given by a user.

    Raises:
        ChemistryError: The query is empty, too long, of the wrong kind, or cannot be read.
    """
    most = MAX_LIST if task.ranked_by else MAX_CHARACTERS
    if len(query) > most:
        raise ChemistryError(f"the query has {len(query)} characters; at most {most} are read.")
    if task.query_kind == "molecules" and len(split_roles(query)) == 2:
        query = f"{query.strip()}>"  # reactants>reagents, as prompts have it
    given = canonical_given(task.read_query(query))
    if "*" in given and not is_text(given):
        raise ChemistryError(
            "the query has a wildcard atom '*', as polymers and fragments have.", "Give a complete molecule."
        )
    if task.ranked_by:
        _refuse_repeated(split_candidates(given)[1])
    return Question(task.name, given, reaction_class if task.uses_class else None)


def _refuse_repeated(candidates: Sequence[str]) -> None:
    for place, candidate in enumerate(candidates, 1):
        first = candidates.index(candidate) + 1
        if first < place:
            raise ChemistryError(f"candidate {place} repeats candidate {first}, {candidate}.", "Name each once.")


def plain(question: Question) -> Question:
    """Return a question as the rows that types were elicited from are spelled: canonical, no class, reagents mixed in.

    Raises:
        ChemistryError: It cannot be read.
    """
    if is_text(question.given):
        return Question(question.task, question.given)
    roles = split_roles(question.given)
    if TASKS.get(question.task).query_kind == "molecules":
        roles = [".".join(role for role in roles if role)]
    return Question(question.task, canonical_given(">".join(roles)))


def split_roles(given: str) -> list[str]:
    """Split a prompt's SMILES at ``>``; the arrows of dative bonds stay."""
    return _ROLE.split(given)


def as_reaction(task: str, given: str, answer: str) -> str:
    """Put a question and an answer together as reaction SMILES; the answer alone where the task makes none."""
    reactants, reagents, products = [*split_roles(given), "", ""][:3]
    if task == "retrosynthesis":
        return f"{answer}>>{given}"
    if task == "forward_prediction":
        return f"{reactants}>{reagents}>{answer}"
    if task in ADDING:
        return f"{reactants}>{'.'.join(filter(None, split_roles(answer)))}>{products}"
    if TASKS.get(task).ranked_by:
        return filled(split_candidates(given)[0], answer)
    return answer


def canonical_given(given: str, *, stereo: bool = True) -> str:
    """Canonicalise a prompt's SMILES role by role; words stay. Raises ChemistryError where a role cannot be read."""
    if is_text(given):
        return given
    return ">".join(canonicalize(role, stereo=stereo) if role else "" for role in split_roles(given))


def has_stereo(given: str) -> bool:
    """Tell whether a canonical query in SMILES states the configuration of a centre or of a double bond."""
    return not is_text(given) and _STEREO.search(given) is not None


def remarks_on(question: Question, ranked: Sequence[Proposal]) -> Iterator[str]:
    """Yield what must be said beside the answers, best first: the formula, and that words might be SMILES."""
    asked_in_words = is_text(question.given)
    if TASKS.get(question.task).tells_formula:
        whose, smiles = ("first answer", ranked[0].smiles) if asked_in_words else ("query", question.given)
        yield f"Formula of the {whose}: {molecular_formula(smiles)} (counted, not predicted)."
    if asked_in_words and canonical_or_none(words_of(question.given)) is not None:
        yield "The query can be read as SMILES too; it was read as words."


def membership_key(task: Task, given: str) -> int:
    """Return the 32-bit key under which a training row is remembered.

    Spelling, stereochemistry and the order of components do not matter; of words, capital letters do not. Where a
    query is molecules only, neither does the border between reactants and reagents: mixed and separated spellings of
    one reaction share a key.

    Args:
        task: The task of the row.
        given: The part of the reaction that the prompt shows, in any spelling, roles separated by ``>``; or words
            between the marks of text.

    Raises:
        ChemistryError: The text cannot be read.
    """
    if is_text(given):
        text = as_text(words_of(given).casefold())
    else:
        roles = split_roles(given)
        if task.query_kind == "molecules":
            roles = [".".join(role for role in roles if role)]
        text = canonical_given(">".join(roles), stereo=False)
    prompt = Question(task.name, text).prompt
    return int.from_bytes(hashlib.blake2b(prompt.encode(), digest_size=4).digest(), "big")


def write_seen(path: Path, keys: Iterable[int]) -> int:
    """Write the sorted distinct keys of all training rows as uint32; return how many there are."""
    unique = np.unique(np.fromiter(keys, dtype=np.uint32))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, unique, allow_pickle=False)
    return int(unique.size)


def read_seen(path: Path) -> NDArray[np.uint32]:
    """Open the keys of a model's training rows.

    Raises:
        ModelError: The file is missing or is not a list of keys.
    """
    try:
        keys: NDArray[np.uint32] = np.load(path, allow_pickle=False, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {str(path)!r}: {error}.") from error
    if keys.dtype != np.uint32 or keys.ndim != 1:
        raise ModelError(f"{str(path)!r} is not a list of uint32 keys.")
    return keys


def is_seen(keys: NDArray[np.uint32], key: int) -> bool:
    """Tell whether a key is among the sorted keys."""
    place = int(np.searchsorted(keys, np.uint32(key)))
    return place < keys.size and int(keys[place]) == key
