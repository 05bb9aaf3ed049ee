"""Mapping by the surroundings of atoms alone (:mod:`retort.chem.correspondence`): needs no template and no network."""

from collections.abc import Sequence

from retort.chem.correspondence import mapped_reaction
from retort.chem.reaction import Reaction
from retort.data.aligner import Aligner, AlignerFactory, Means, same_molecules
from retort.errors import ChemistryError


class ByCorrespondence:
    """Pairs atoms that look alike; good enough to begin two spellings at the same place, and for nothing else."""

    name = "correspondence"

    def align(self, reactions: Sequence[Reaction]) -> list[str | None]:
        """Return mappings; None where no reactant shares an atom with the product."""
        return [self._align(reaction) for reaction in reactions]

    def _align(self, reaction: Reaction) -> str | None:
        try:
            return same_molecules(reaction, mapped_reaction(".".join(reaction.reactants), ".".join(reaction.products)))
        except ChemistryError:
            return None


def _build(_: Means) -> Aligner:
    """Build it; nothing is needed."""
    return ByCorrespondence()


ALIGNER: AlignerFactory = _build
