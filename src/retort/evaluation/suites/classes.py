"""Classes of reactions: ten curated ones, and the 1,000 templates of USPTO-1k-TPL."""

from retort.evaluation.suite import Anchor, Part, Suite

_SHOWN = ("accuracy", "macro_f1", "micro_f1")
_ALL = "the published test set and all of its train rows; here a tenth of the products of the rows at hand is held out"

SUITE = Suite(
    "classes",
    "reaction classes: ten of USPTO-50k, 1,000 templates of USPTO-1k-TPL",
    (
        Part(
            "USPTO-50k classes",
            "reaction_classification",
            "uspto_50k",
            _SHOWN,
            baselines=("popularity", "nearest_reaction", "boosted_trees"),
        ),
        Part(
            "USPTO-1k-TPL",
            "template_classification",
            "uspto_1k_tpl",
            _SHOWN,
            hold_out=(0.1, 0.1),
            anchors=(
                Anchor("DRFP", {"accuracy": 0.917}, "Probst et al. 2022", _ALL, comparable=False, recalled=True),
                Anchor("rxnfp", {"accuracy": 0.989}, "Schwaller et al. 2021", _ALL, comparable=False, recalled=True),
                Anchor("T5Chem", {"accuracy": 0.995}, "Lu and Zhang 2022", _ALL, comparable=False, recalled=True),
            ),
            note="Boosted trees of 1,000 classes diverge beyond a few rounds, so they do not stand here.",
        ),
    ),
)
