"""Candidate lists of two screens, ranked by yield: which ligand, solvent, reactant, base or additive to take.

Lists of Perera et al. 2018 as ChemLLMBench made them (Guo et al., NeurIPS 2023), and lists made of the Buchwald-Hartwig
screen of Ahneman et al. 2018. Whole lists are held out, and no reaction of one is among the train rows.
"""

from retort.evaluation.suite import Anchor, Baseline, Part, Suite

_SHOWN = ("hit@1", "hit@3", "ndcg", "regret@1", "chance_hit@1", "chance_regret@1")
_BASELINES: tuple[Baseline, ...] = ("popularity", "nearest_reaction", "boosted_trees")
_HUNDRED = "100 other lists; no example and no train row was shown"
_POOLED = "300 lists of the three kinds together, drawn from all of them; read off a figure"


def _suzuki(kind: str, gpt4: float, note: str = "") -> Part:
    return Part(
        f"Suzuki {kind} lists",
        "reagent_selection",
        "reagent_selection",
        _SHOWN,
        ordering=kind,
        repeats="reaction",
        hold_out=(0.0, 0.3),
        baselines=_BASELINES,
        anchors=(
            Anchor("GPT-4", {"hit@1": gpt4}, "Guo et al. 2023", _HUNDRED, comparable=False, recalled=True),
            Anchor("PRESTO", {"hit@1": 0.50}, "Cao et al. 2024", _POOLED, comparable=False),
        ),
        note=note,
    )


SUITE = Suite(
    "selection",
    "lists of candidates ranked by yield: Suzuki and Buchwald-Hartwig screens",
    (
        _suzuki("ligand", 0.534, "All 313 lists have the same ten ligands."),
        _suzuki("reactant", 0.299, "Lists of two or three: a hit among the first three is no feat."),
        _suzuki("solvent", 0.526, "Lists of two or three: a hit among the first three is no feat."),
        Part(
            "Buchwald-Hartwig lists",
            "reagent_selection",
            "buchwald_hartwig",
            _SHOWN,
            repeats="reaction",
            hold_out=(0.0, 0.1),
            baselines=_BASELINES,
            note="Made here: reactions that differ in one halide, ligand, base or additive; 3, 4 or 22 candidates.",
        ),
        Part(
            "Buchwald-Hartwig lists, new products",
            "reagent_selection",
            "buchwald_hartwig",
            _SHOWN,
            repeats="product",
            hold_out=(0.0, 0.3),
            baselines=_BASELINES,
            note="No train row has their products, so the rows of a few halides stand for all new ones.",
        ),
    ),
)
