"""Twelve ways to ask for the yield of a reaction in per cent."""

TEXTS = (
    "Estimate the yield of this reaction in per cent.",
    "How large is the yield of the reaction below, in per cent?",
    "Predict the yield, from 0 to 100 per cent.",
    "Give the yield that these conditions lead to, in per cent.",
    "What yield in per cent would you expect from this experiment?",
    "Say how much of the product is obtained: the yield in per cent.",
    "A well of a screening plate holds the mixture below. Give the yield in per cent.",
    "Read the reaction and answer with its yield in per cent alone.",
    "State the expected yield of the following reaction as a percentage.",
    "Of all the product that could form, which share does? Answer with the yield in per cent.",
    "Judge the reactants and reagents and predict the yield in per cent.",
    "Put a number from 0 to 100 on the yield of this reaction.",
)
