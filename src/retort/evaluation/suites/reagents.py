"""Reagents, catalysts and solvents of a reaction, as one set of molecules."""

from retort.evaluation.suite import Anchor, Part, Suite, ranked

_SHOWN = ("exact_match@1", "exact_match@3", "exact_match@5", "exact_match@10", "similarity@1")

SUITE = Suite(
    "reagents",
    "reagents as one set: T5Chem samples, USPTO-MIT (own test)",
    (
        Part(
            "T5Chem reagents",
            "reagent_prediction",
            "t5chem_samples",
            _SHOWN,
            anchors=(
                Anchor(
                    "T5Chem",
                    ranked(24.9),
                    "Lu and Zhang, J. Chem. Inf. Model. 2022",
                    "the whole test set of USPTO-500-MT and all of its train rows, of which 10,000 are here",
                    comparable=False,
                    recalled=True,
                ),
            ),
        ),
        Part("USPTO-MIT reagents", "reagent_prediction", "uspto_mit", _SHOWN),
    ),
)
