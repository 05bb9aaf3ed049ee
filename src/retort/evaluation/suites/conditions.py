"""Catalysts, solvents, whole conditions, temperatures: patent months of ORD, and Suzuki couplings."""

from retort.evaluation.suite import Anchor, Part, Suite

_SETS = ("exact_match@1", "exact_match@3", "exact_match@5", "exact_match@10")
_WHOLE = (
    *("accuracy", "accuracy@3", "accuracy@5", "accuracy@10"),
    *("catalysts_accuracy", "solvents_accuracy", "reagents_accuracy"),
)
_OTHER = "680,000 patent reactions with cleaned conditions, of which none are here"

SUITE = Suite(
    "conditions",
    "catalysts, solvents, whole conditions, temperatures: ORD patent months, Suzuki couplings",
    (
        Part("ORD catalysts", "catalyst_prediction", "ord_uspto", _SETS, hold_out=(0.1, 0.1)),
        Part("ORD solvents", "solvent_prediction", "ord_uspto", _SETS, hold_out=(0.1, 0.1)),
        Part(
            "ORD conditions",
            "condition_recommendation",
            "ord_uspto",
            _WHOLE,
            hold_out=(0.1, 0.1),
            anchors=(
                Anchor("TRACE, random split", {"accuracy": 0.331}, "TRACE", _OTHER, comparable=False),
                Anchor("Parrot, random split", {"accuracy": 0.269}, "comparison of TRACE", _OTHER, comparable=False),
            ),
        ),
        Part(
            "ORD temperatures",
            "temperature_prediction",
            "ord_uspto",
            ("mae", "rmse", "r2", "coverage"),
            hold_out=(0.1, 0.2),
            baselines=("popularity", "nearest_reaction", "boosted_trees"),
            note="Degrees Celsius, of the rows that state a number.",
        ),
        Part(
            "Suzuki conditions",
            "condition_recommendation",
            "suzuki_conditions",
            _WHOLE,
            hold_out=(0.1, 0.1),
            note="Train and validation rows of Parrot's Suzuki set, cut by product here: its test rows are not public.",
        ),
    ),
)
