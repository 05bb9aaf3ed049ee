"""Twelve ways to ask for the reactants of a given product."""

TEXTS = (
    "Name reactants from which this product can be made.",
    "Which reactants would you combine to obtain the molecule below?",
    "Take this product apart: write the reactants of the last step of its synthesis.",
    "Work backwards from the product to its reactants.",
    "A chemist wants to make this molecule in one step. Which reactants are needed?",
    "Here is what a reaction gave; recover the reactants that went in.",
    "Write down one set of reactants that leads to the compound below.",
    "Plan a single retrosynthetic step for this target and list its reactants.",
    "Which reactants must have been in the flask before this product was formed?",
    "Disconnect the molecule and give the reactants on the other side of the arrow.",
    "Only the right side of this reaction is known. Restore the reactants on its left, without reagents.",
    "Find reactants that combine into this target molecule.",
)
