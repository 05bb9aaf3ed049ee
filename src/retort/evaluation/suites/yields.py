"""Yields of two screens in per cent, first published 70/30 split of each, and one test of new additives."""

from retort.evaluation.suite import Anchor, Baseline, Part, Suite

_SHOWN = ("r2", "mae", "rmse", "coverage")
_BASELINES: tuple[Baseline, ...] = ("popularity", "nearest_reaction", "boosted_trees")
_TEN = "mean of ten splits 70/30; the first one here"

SUITE = Suite(
    "yields",
    "yields: Buchwald-Hartwig and Suzuki screens, new additives",
    (
        Part(
            "Buchwald-Hartwig, random",
            "yield_prediction",
            "buchwald_hartwig",
            _SHOWN,
            repeats="reaction",
            baselines=_BASELINES,
            anchors=(
                Anchor("Yield-BERT", {"r2": 0.951}, "Schwaller et al. 2021", _TEN),
                Anchor("T5Chem", {"r2": 0.970}, "Lu and Zhang 2022", _TEN, recalled=True),
            ),
        ),
        Part(
            "Suzuki, random",
            "yield_prediction",
            "suzuki_yields",
            _SHOWN,
            repeats="reaction",
            baselines=_BASELINES,
            anchors=(
                Anchor("GraphRXN", {"r2": 0.844}, "Li et al. 2023", _TEN),
                Anchor("DRFP", {"r2": 0.85}, "Probst et al. 2022", _TEN, recalled=True),
            ),
        ),
        Part(
            "Buchwald-Hartwig, new additives",
            "yield_prediction",
            "buchwald_hartwig",
            _SHOWN,
            ordering="Test1",
            repeats="reaction",
            baselines=_BASELINES,
            note="No train row of this ordering has their additives; train rows of the random split do.",
        ),
    ),
)
