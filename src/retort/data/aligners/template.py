"""Mapping by retro templates of reactions whose maps are known; templates must come from train rows alone."""

from collections.abc import Sequence

from retort.chem.reaction import Reaction
from retort.chem.template_alignment import TemplateAligner
from retort.data.aligner import Aligner, AlignerFactory, Means, same_molecules
from retort.errors import ChemistryError, ConfigError


class ByTemplate:
    """Maps what a known template makes; raises ConfigError where there are no templates."""

    name = "template"

    def __init__(self, templates: Sequence[str]) -> None:
        if not templates:
            raise ConfigError(
                "the aligner 'template' needs templates.", "Prepare it with a source whose rows have maps."
            )
        self._aligner = TemplateAligner(templates)

    def align(self, reactions: Sequence[Reaction]) -> list[str | None]:
        """Return mappings; None where no template leads from the product back to the reactants."""
        return [self._align(reaction) for reaction in reactions]

    def _align(self, reaction: Reaction) -> str | None:
        try:
            mapped = self._aligner.align(reaction.reactants, reaction.products)
        except ChemistryError:
            return None
        return None if mapped is None else same_molecules(reaction, mapped)


def _build(means: Means) -> Aligner:
    """Build it from retro SMARTS, the most frequent first."""
    return ByTemplate(means.templates)


ALIGNER: AlignerFactory = _build
