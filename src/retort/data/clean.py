"""Raw row -> clean record, or a rejection that says why. Nothing is dropped without a reason."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

from retort.chem.mapping import split_roles
from retort.chem.reaction import Reaction
from retort.chem.smiles import components, map_numbers, without_stereo
from retort.chem.tokens import tokenize_smiles
from retort.data.files import condition_parts
from retort.data.records import MoleculeRow, RawRow, Record, Rejection
from retort.errors import ChemistryError


@dataclass(frozen=True, slots=True)
class Keys:
    """What the leak rule compares: stereo-free, unmapped spellings.

    Attributes:
        products: The whole product side, and its largest component where it has several.
        reactants: The contributing reactants (all precursors where roles are unknown); of a single molecule, itself.
    """

    products: tuple[str, ...]
    reactants: str


@dataclass(frozen=True, slots=True)
class Clean:
    """A clean record with its keys for the leak rule."""

    record: Record
    keys: Keys


def clean(row: RawRow, source: str) -> Clean | Rejection:
    """Canonicalise one row: roles told apart, maps removed, components sorted, stereo kept."""
    try:
        reaction, mapped = _roles(row)
        record = Record(
            id=row.id,
            source=source,
            split=row.split,
            reaction=Reaction(
                _canonical(reaction.reactants), _canonical(reaction.reagents), _canonical(reaction.products)
            ),
            roles_known=row.roles != "mixed",
            mapped=mapped,
            reaction_class=row.reaction_class,
            origin=row.origin,
            yield_percent=row.yield_percent,
            template_class=row.template_class,
        )
        record = with_conditions(record, row.label)
        return Clean(record, keys_of(record.reaction))
    except ChemistryError as error:
        return Rejection(row.id, source, f"unreadable: {_kind(error)}", row.reaction)


def clean_molecule(row: MoleculeRow, source: str) -> Clean | Rejection:
    """Canonicalise one molecule; its record is a reaction that has products alone."""
    if not row.smiles.strip():
        return Rejection(row.id, source, "no molecule", row.text)
    try:
        reaction = Reaction((), (), components(row.smiles))
        return Clean(Record(row.id, source, row.split, reaction), keys_of(reaction))
    except ChemistryError as error:
        return Rejection(row.id, source, f"unreadable: {_kind(error)}", row.smiles)


def clean_described(row: MoleculeRow, source: str) -> Clean | Rejection:
    """Canonicalise one molecule and keep the name or description that the row has of it."""
    made, words = clean_molecule(row, source), " ".join(row.text.split())
    if isinstance(made, Rejection) or not words:
        return made
    if row.text_kind == "name":
        return replace(made, record=replace(made.record, name=words, name_kind=row.name_kind))
    if row.text_kind == "description":
        return replace(made, record=replace(made.record, description=words))
    return made


def of_several(pairs: Iterable[tuple[Hashable, Hashable]]) -> frozenset[Hashable]:
    """Return the words that stand for more than one molecule, as ``title compound`` does; nobody can answer them.

    Args:
        pairs: Words, or their key, and the molecule, or its key.
    """
    first: dict[Hashable, Hashable] = {}
    return frozenset(words for words, molecule in pairs if first.setdefault(words, molecule) != molecule)


def unfit_for_training(record: Record, max_tokens: int) -> str | None:
    """Return why a readable record should not be trained on, or None.

    Benchmark rows of valid and test are never put to this question: every one of them is scored.
    """
    reaction = record.reaction
    if set(reaction.products) <= set(reaction.precursors):
        return "no change: every product is among the precursors"
    sides = (".".join(reaction.precursors), ".".join(reaction.products))
    longest = max(*(len(tokenize_smiles(side)) for side in sides), len(record.words.encode()))
    if longest > max_tokens:
        return f"longer than {max_tokens} tokens"
    return None


def keys_of(reaction: Reaction) -> Keys:
    """Return the leak-rule keys of a clean reaction, or of a clean molecule (no precursors)."""
    parts = sorted(map(without_stereo, reaction.products))
    whole = ".".join(parts)
    products = (whole,) if len(parts) == 1 else (whole, max(parts, key=len))
    reactants = ".".join(sorted(map(without_stereo, reaction.reactants)))
    return Keys(products, reactants or whole)


def _roles(row: RawRow) -> tuple[Reaction, str | None]:
    """Tell reactants from reagents; return the reaction and, where known, mapped ``reactants>>product``."""
    reaction = Reaction.parse(row.reaction)
    if not reaction.products or not reaction.precursors:
        raise ChemistryError("no product" if not reaction.products else "no reactants")
    if row.roles != "from_maps":
        return reaction, row.mapped
    product = ".".join(reaction.products)
    present = map_numbers(product)
    if not present:
        raise ChemistryError("no atom maps to tell the roles by")
    reactants, reagents = split_roles([p for c in reaction.precursors for p in c.split(".")], present)
    if not reactants:
        raise ChemistryError("no reactant shares an atom with the product")
    return Reaction(tuple(reactants), tuple(reagents), reaction.products), f"{'.'.join(reactants)}>>{product}"


def _canonical(role: Sequence[str]) -> tuple[str, ...]:
    return components(".".join(role)) if role else ()


def _kind(error: ChemistryError) -> str:
    """Reduce a message to its kind, so that reasons can be counted."""
    return "SMILES" if "as SMILES" in error.message else error.message.split("'")[0].rstrip(" :.") or "reaction"


def with_conditions(record: Record, label: str | None) -> Record:
    """Return a record with the conditions that a source's label tells, if it tells any.

    Other reagents are those that the label names, or those of the reaction that are neither catalyst nor solvent. A
    role that cannot be read as SMILES is left out, and with it the whole of the conditions.
    """
    parts = condition_parts(label)
    if not parts:
        return record
    catalyst, solvent = (_role(parts.get(name, "")) for name in ("catalyst", "solvent"))
    named = _role(parts["reagent"]) if "reagent" in parts else _others(record, catalyst, solvent)
    told = [name for name in ("catalyst", "solvent", "reagent") if name in parts]
    whole = None if not told or None in (catalyst, solvent, named) else f"{catalyst}>{solvent}>{named}"
    return replace(
        record,
        catalyst=catalyst or None,
        solvent=solvent or None,
        conditions=whole,
        temperature=_celsius(parts.get("temperature", "")),
    )


def _role(smiles: str) -> str | None:
    """Return the canonical molecules of a role; empty where it has none, None where they cannot be read."""
    try:
        return ".".join(components(smiles)) if smiles else ""
    except ChemistryError:
        return None


def _others(record: Record, catalyst: str | None, solvent: str | None) -> str:
    left = Counter(record.reaction.reagents)
    for role in (catalyst, solvent):
        left -= Counter((role or "").split("."))
    return ".".join(sorted(left.elements()))


def _celsius(text: str) -> float | None:
    number, _, unit = text.partition(" ")
    try:
        return float(number) if unit == "celsius" else None
    except ValueError:
        return None
