"""Record -> examples: each task's question and answer, in K spellings that carry no hint of a mapped order.

Molecules are parsed once per record and spelled once per root, whatever the number of copies and tasks.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from retort.chem.mapping import (
    MappedMolecule,
    align_to_product,
    align_to_reactants,
    mapped_components,
    spell_randomly,
)
from retort.chem.reaction import Reaction
from retort.config import option
from retort.data.records import Example, Record
from retort.data.spans import SPAN_DENOISING
from retort.prompting.answers import as_selfies, as_target, read_answer
from retort.prompting.task import TASKS, Question, Task, Unreadable
from retort.prompting.vocabulary import as_text

Molecules = list[MappedMolecule]


@dataclass(frozen=True)
class Spelling:
    """How training copies are spelled."""

    copies: int = option(4, help="spellings per training row; in epoch e row r is read in copy (r + e) mod copies")
    aligned: float = option(
        0.8,
        help="share of copies whose two sides start at corresponding atoms, where maps are known; the same number in "
        "every row (16 of 20), the first among them, whose question is canonical",
    )
    separated: float = option(0.3, help="share of forward prompts that mark reagents")
    with_class: float = option(0.3, help="share of retrosynthesis prompts that state a known reaction class")
    answers: Literal["smiles", "selfies"] = option(
        "smiles", help="how molecules of answers are written; a row whose answer has no SELFIES is left out and counted"
    )

    @property
    def aligned_copies(self) -> int:
        """Number of aligned copies of a row whose maps are known; if there is one, the first is."""
        return round(self.aligned * self.copies)


def fits(task: Task, record: Record) -> bool:
    """Say whether a record can ask and answer a task."""
    if not record.roles_known and task.needs_roles:
        return False
    return bool(given_of(task, record) and answer_of(task, record))


def answer_of(task: Task, record: Record) -> str:
    """Return the answer that a record has to a task, from its reaction or from its labels; empty where it has none.

    A label that is none of the task's answers, such as a yield of 140 %, is none.
    """
    if not task.label:
        return task.wanted(record.reaction)
    label = getattr(record, task.label)
    answer = Unreadable("") if label is None else read_answer(task, str(label))
    return "" if isinstance(answer, Unreadable) else answer


def given_of(task: Task, record: Record) -> str:
    """Return the canonical question that a record asks: reagents are mixed in where products are asked for.

    Empty where the record cannot ask it.
    """
    if task.query_label:
        words = getattr(record, task.query_label)
        return as_text(words) if words else ""
    return task.given(_mixed(record.reaction) if task.name == "forward_prediction" else record.reaction)


def canonical_example(task: Task, record: Record, row: int, *, with_class: bool = False) -> Example:
    """Return the canonical spelling: mixed reagents, no class unless asked for, the one that is evaluated."""
    reaction_class = record.reaction_class if with_class and task.uses_class else None
    prompt = Question(task.name, given_of(task, record), reaction_class).prompt
    return Example(row, task.name, prompt, answer_of(task, record))


def first_example(task: Task, record: Record, row: int, spelling: Spelling) -> Example:
    """Return the canonical question; its answer follows it where copies do and maps are known."""
    example, molecules = canonical_example(task, record, row), _molecules(record)
    if task.label:
        return _written(task, replace(example, target=as_target(task, example.target)), spelling)
    if not (molecules.mapped and spelling.aligned_copies):
        return _written(task, example, spelling)
    if task.name == "forward_prediction":
        reaction = _forward(record.reaction, molecules, True, False, None)
    else:
        reaction = _backward(record.reaction, molecules, True, None)
    return _written(task, replace(example, target=task.wanted(reaction)), spelling)


def _written(task: Task, example: Example, spelling: Spelling) -> Example:
    """Return an example with its answer as it is to be written; raises ChemistryError where it has no SELFIES."""
    if spelling.answers == "smiles" or task.answer_kind != "smiles":
        return example
    return replace(example, target=as_selfies(example.target))


def spelled_examples(task: Task, record: Record, row: int, spelling: Spelling, seed: int) -> list[Example]:
    """Return K spellings of one question; that of the first is canonical. The same seed gives the same texts.

    Raises:
        ChemistryError: The answer is to be written as SELFIES and has none.
    """
    rng = random.Random(f"{seed}:{record.id}:{task.name}")
    molecules = _molecules(record)
    first = first_example(task, record, row, spelling)
    kinds = _kinds(spelling, molecules.mapped, rng)
    return [first, *(_respelled(task, record, row, spelling, molecules, aligned, rng) for aligned in kinds)]


def span_examples(record: Record, row: int, spelling: Spelling, seed: int) -> list[Example]:
    """Return K spellings of a whole reaction, or of a bare molecule, for span denoising; the target is empty.

    The first is canonical. Of the others that are aligned, half start from the reactants, half from the products, by
    chance.
    """
    rng = random.Random(f"{seed}:{record.id}:{SPAN_DENOISING}")
    molecules = _molecules(record)
    kinds = _kinds(spelling, molecules.mapped, rng)
    reactions = [record.reaction, *(_whole(molecules, aligned, rng) for aligned in kinds)]
    return [Example(row, SPAN_DENOISING, _bare(reaction), "") for reaction in reactions]


@dataclass(frozen=True)
class _Molecules:
    """The molecules of one record, each parsed once; where maps are known reactants and products carry them."""

    reactants: Molecules
    reagents: Molecules
    products: Molecules
    mapped: bool


@lru_cache(maxsize=4)  # the tasks of one record follow each other
def _molecules(record: Record) -> _Molecules:
    reaction = record.reaction
    reactants, products = _mapped(record) or (_unmapped(reaction.reactants), _unmapped(reaction.products))
    mapped = any(number for molecule in products for number in molecule.maps)
    return _Molecules(reactants, _unmapped(reaction.reagents), products, mapped)


def _mapped(record: Record) -> tuple[Molecules, Molecules] | None:
    """Return mapped reactants and products if they are molecules of the record; reactants without maps come last.

    They are sorted by their canonical spelling: the order of the mapped text must leave no trace.
    """
    if record.mapped is None:
        return None
    reactants, products = (
        sorted(mapped_components(side), key=lambda molecule: molecule.smiles) for side in record.mapped.split(">>")
    )
    if sorted(m.smiles for m in products) != sorted(record.reaction.products):
        return None
    left = _without(record.reaction.reactants, [molecule.smiles for molecule in reactants])
    return None if left is None else ([*reactants, *_unmapped(left)], products)


def _kinds(spelling: Spelling, mapped: bool, rng: random.Random) -> list[bool]:
    """Say of every copy but the first, which is aligned if any is, whether it is; in random order."""
    aligned = spelling.aligned_copies - 1 if mapped else 0
    kinds = [copy < aligned for copy in range(spelling.copies - 1)]
    rng.shuffle(kinds)
    return kinds


def _respelled(
    task: Task,
    record: Record,
    row: int,
    spelling: Spelling,
    molecules: _Molecules,
    aligned: bool,
    rng: random.Random,
) -> Example:
    if task.query_label:  # words have one spelling, and so has their answer
        return canonical_example(task, record, row)
    separated = rng.random() < spelling.separated
    stated = task.uses_class and rng.random() < spelling.with_class
    if task.name == "forward_prediction":
        reaction = _forward(record.reaction, molecules, aligned, separated, rng)
    else:
        reaction = _backward(record.reaction, molecules, aligned, rng)
    question = Question(task.name, task.given(reaction), record.reaction_class if stated else None)
    target = as_target(task, answer_of(task, record)) if task.label else task.wanted(reaction)
    return _written(task, Example(row, task.name, question.prompt, target), spelling)


def _forward(
    reaction: Reaction, molecules: _Molecules, aligned: bool, separated: bool, rng: random.Random | None
) -> Reaction:
    """Spell what reacts at random (None: canonically); the product follows it, or keeps its canonical spelling."""
    first = molecules.reactants if separated else [*molecules.reactants, *molecules.reagents]
    if aligned:
        text, product = align_to_reactants(first, molecules.products, rng)
    else:
        text, product = spell_randomly(first, rng), ".".join(reaction.products)
    return Reaction((text,), _random(molecules.reagents, rng) if separated else (), (product,))


def _backward(reaction: Reaction, molecules: _Molecules, aligned: bool, rng: random.Random | None) -> Reaction:
    """Spell the product at random (None: canonically); the reactants follow it, or keep their canonical spelling."""
    if not aligned:
        return Reaction(reaction.reactants, reaction.reagents, _random(molecules.products, rng))
    product, reactants = align_to_product(molecules.reactants, molecules.products, rng)
    return Reaction((reactants,), reaction.reagents, (product,))


def _whole(molecules: _Molecules, aligned: bool, rng: random.Random) -> Reaction:
    """Spell all three roles at random, or both sides from corresponding atoms."""
    reagents = _random(molecules.reagents, rng)
    if not aligned:
        return Reaction(_random(molecules.reactants, rng), reagents, _random(molecules.products, rng))
    if rng.random() < 0.5:
        reactants, product = align_to_reactants(molecules.reactants, molecules.products, rng)
    else:
        product, reactants = align_to_product(molecules.reactants, molecules.products, rng)
    return Reaction((reactants,), reagents, (product,))


def _bare(reaction: Reaction) -> str:
    return str(reaction) if reaction.precursors else ".".join(reaction.products)


def _mixed(reaction: Reaction) -> Reaction:
    return Reaction(tuple(sorted(reaction.precursors)), (), reaction.products)


def _unmapped(parts: Sequence[str]) -> Molecules:
    return [MappedMolecule.unmapped(part) for part in parts]


def _without(parts: Sequence[str], taken: Sequence[str]) -> list[str] | None:
    """Return the parts that are left, or None where something is taken that is not there."""
    left = list(parts)
    for part in taken:
        if part not in left:
            return None
        left.remove(part)
    return left


def _random(molecules: Molecules, rng: random.Random | None) -> tuple[str, ...]:
    return (spell_randomly(molecules, rng),) if molecules else ()


def tasks_named(names: Sequence[str]) -> list[Task]:
    """Look tasks up by name or alias."""
    return [TASKS.get(name) for name in names]
