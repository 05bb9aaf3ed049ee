"""Products of reactions, reagents mixed in: three sets of test rows."""

from retort.evaluation.suite import Anchor, Part, Suite, ranked

_SHOWN = ("exact_match@1", "exact_match@3", "exact_match@5", "exact_match@10", "similarity@1", "validity@1")
_OTHER = "another test set, and 409,000 train rows where about 26,000 are here"

SUITE = Suite(
    "forward",
    "products, reagents mixed in: USPTO-MIT (own test), USPTO-15k, T5Chem samples",
    (
        Part(
            "USPTO-MIT",
            "forward_prediction",
            "uspto_mit",
            _SHOWN,
            anchors=(
                Anchor("Molecular Transformer, mixed", ranked(88.7), "Schwaller et al. 2019", _OTHER, comparable=False),
                Anchor("R-SMILES, mixed", ranked(91.0), "Zhong et al. 2022", _OTHER, comparable=False),
                Anchor("Chemformer, mixed", ranked(91.3), "Irwin et al. 2022", _OTHER, comparable=False),
            ),
            note="A part of USPTO-MIT, cut by product here; its published test set is not among these data.",
        ),
        Part("USPTO-15k", "forward_prediction", "uspto_15k", _SHOWN),
        Part("T5Chem products", "forward_prediction", "t5chem_samples", _SHOWN),
    ),
)
