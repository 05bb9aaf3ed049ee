"""Record -> examples: each task's question and answer, in K spellings that carry no hint of a mapped order."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from retort.chem.mapping import MappedMolecule, align_to_product, align_to_reactants, mapped_components
from retort.chem.reaction import Reaction
from retort.chem.smiles import randomize
from retort.config import option
from retort.data.records import Example, Record
from retort.prompting.task import TASKS, Question, Task


@dataclass(frozen=True)
class Spelling:
    """How training copies are spelled."""

    copies: int = option(4, help="spellings per training row; in epoch e row r is read in copy (r + e) mod copies")
    aligned: float = option(0.8, help="share of copies whose two sides start at corresponding atoms (16 of 20)")
    separated: float = option(0.3, help="share of forward prompts that mark reagents")
    with_class: float = option(0.3, help="share of retrosynthesis prompts that state a known reaction class")


def fits(task: Task, record: Record) -> bool:
    """Say whether a record can ask and answer a task."""
    if not record.roles_known and task.name != "forward_prediction":
        return False
    return bool(task.given(record.reaction) and task.wanted(record.reaction))


def canonical_example(task: Task, record: Record, row: int, *, with_class: bool = False) -> Example:
    """Return the canonical spelling: mixed reagents, no class unless asked for, the one that is evaluated."""
    reaction = _mixed(record.reaction) if task.name == "forward_prediction" else record.reaction
    reaction_class = record.reaction_class if with_class and task.uses_class else None
    prompt = Question(task.name, task.given(reaction), reaction_class).prompt
    return Example(row, task.name, prompt, task.wanted(reaction))


def spelled_examples(task: Task, record: Record, row: int, spelling: Spelling, seed: int) -> list[Example]:
    """Return K spellings of one question; the first is canonical. The same seed gives the same texts."""
    rng = random.Random(f"{seed}:{record.id}:{task.name}")
    molecules = _mapped(record)
    first = canonical_example(task, record, row)
    rest = [_respelled(task, record, row, spelling, molecules, rng) for _ in range(spelling.copies - 1)]
    return [first, *rest]


def _respelled(
    task: Task,
    record: Record,
    row: int,
    spelling: Spelling,
    molecules: tuple[list[MappedMolecule], list[MappedMolecule]] | None,
    rng: random.Random,
) -> Example:
    aligned = molecules if rng.random() < spelling.aligned else None
    separated = rng.random() < spelling.separated
    stated = task.uses_class and rng.random() < spelling.with_class
    if task.name == "forward_prediction":
        reaction = _forward(record.reaction, aligned, separated, rng)
    else:
        reaction = _backward(record.reaction, aligned, rng)
    question = Question(task.name, task.given(reaction), record.reaction_class if stated else None)
    return Example(row, task.name, question.prompt, task.wanted(reaction))


def _forward(
    reaction: Reaction,
    aligned: tuple[list[MappedMolecule], list[MappedMolecule]] | None,
    separated: bool,
    rng: random.Random,
) -> Reaction:
    if not separated:
        reaction = _mixed(reaction)
    if aligned is None:
        return Reaction(_random(reaction.reactants, rng), _random(reaction.reagents, rng), reaction.products)
    reactants, products = aligned
    if separated:
        text, product = align_to_reactants(reactants, products, rng)
        return Reaction((text,), _random(reaction.reagents, rng), (product,))
    # Reagents of the record stand among the precursors: give them places of their own without maps.
    known = [molecule.smiles for molecule in reactants]
    spectators = [_unmapped(part) for part in _without(reaction.reactants, known)]
    text, product = align_to_reactants([*reactants, *spectators], products, rng)
    return Reaction((text,), (), (product,))


def _backward(
    reaction: Reaction, aligned: tuple[list[MappedMolecule], list[MappedMolecule]] | None, rng: random.Random
) -> Reaction:
    if aligned is None:
        return Reaction(reaction.reactants, reaction.reagents, _random(reaction.products, rng))
    product, reactants = align_to_product(*aligned, rng)
    return Reaction((reactants,), reaction.reagents, (product,))


def _mixed(reaction: Reaction) -> Reaction:
    return Reaction(tuple(sorted(reaction.precursors)), (), reaction.products)


@lru_cache(maxsize=4)  # the tasks of one record follow each other
def _mapped(record: Record) -> tuple[list[MappedMolecule], list[MappedMolecule]] | None:
    """Return mapped reactants and products if they are the same molecules as the record's."""
    if record.mapped is None:
        return None
    reactants, products = (mapped_components(side) for side in record.mapped.split(">>"))
    same = sorted(m.smiles for m in reactants) == sorted(record.reaction.reactants) and sorted(
        m.smiles for m in products
    ) == sorted(record.reaction.products)
    return (reactants, products) if same else None


def _unmapped(smiles: str) -> MappedMolecule:
    molecule = MappedMolecule.parse(smiles)
    return MappedMolecule(molecule.mol, (0,) * len(molecule.maps))


def _without(parts: Sequence[str], taken: Sequence[str]) -> list[str]:
    left = list(parts)
    for part in taken:
        left.remove(part)
    return left


def _random(role: Sequence[str], rng: random.Random) -> tuple[str, ...]:
    return (randomize(".".join(role), rng),) if role else ()


def tasks_named(names: Sequence[str]) -> list[Task]:
    """Look tasks up by name or alias."""
    return [TASKS.get(name) for name in names]
