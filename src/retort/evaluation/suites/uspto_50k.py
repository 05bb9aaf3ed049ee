"""Single-step retrosynthesis on the 5,007 test rows of USPTO-50k, class unknown.

Split of Dai et al., "Retrosynthesis prediction with conditional graph logic network", NeurIPS 2019.
"""

from retort.evaluation.suite import Anchor, Part, Suite, ranked

_AFTER = "comparison table of RetroChimera (Maziarz et al., 2026)"

SUITE = Suite(
    "uspto_50k",
    "retrosynthesis, USPTO-50k test, class unknown",
    (
        Part(
            "USPTO-50k",
            "retrosynthesis",
            "uspto_50k",
            ("exact_match@1", "exact_match@3", "exact_match@5", "exact_match@10", "similarity@1", "validity@1"),
            anchors=(
                Anchor("NeuralSym", ranked(44.4, 65.3, 72.4, 78.9), "Segler and Waller 2017", recalled=True),
                Anchor("R-SMILES, one spelling", ranked(51.2, 75.1, 81.1, 83.0), "Zhong et al., Chem. Sci. 2022"),
                Anchor("Chemformer-Large", ranked(54.3, None, 62.3, 63.0), "Irwin et al., MLST 2022"),
                Anchor("LocalRetro", ranked(55.8, 78.9, 86.2, 92.7), _AFTER),
                Anchor(
                    "R-SMILES, 20 spellings and pretraining",
                    ranked(56.3, 79.2, 86.2, 91.0),
                    "Zhong et al., Chem. Sci. 2022",
                ),
                Anchor("RETROSPECT, re-ranked", ranked(59.4, 82.0, 87.5, 93.1), "RETROSPECT"),
                Anchor("RetroChimera", ranked(59.6, 82.8, 89.2, 94.2), "Maziarz et al., 2026"),
                Anchor("RSGPT", ranked(63.4, 84.2, 89.2, 93.0), "RSGPT", recalled=True),
                Anchor("RetroDFM-R, 8B", ranked(65.0), "RetroDFM-R"),
                Anchor(
                    "ReactionT5v2", ranked(71.2), "ReactionT5v2; test molecules in its pretraining", comparable=False
                ),
            ),
        ),
    ),
)
