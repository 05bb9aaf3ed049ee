"""Twelve ways to ask for the reagents that turn given reactants into a given product."""

TEXTS = (
    "Which reagents does this transformation need?",
    "The reactants and the product are known; name the reagents that stand over the arrow.",
    "Fill in the catalysts, solvents and other reagents of this reaction.",
    "Which reagents have to be added to the reactants so that they give the product shown?",
    "Choose reagents with which the left side of this reaction becomes its right side.",
    "List all reagents that this step calls for, the solvent included.",
    "A chemist carried out the reaction below. Which reagents were at hand?",
    "Compare the reactants with the product and write the reagents that bring the change about.",
    "Complete the recipe of this reaction with its missing reagents.",
    "By means of which reagents can these reactants be turned into that product?",
    "Recommend reagents for the conversion shown.",
    "Name the reagents with which you would run this reaction.",
)
