"""Twelve ways to ask for the class of a reaction; the classes themselves are listed elsewhere."""

TEXTS = (
    "Name the class of this reaction.",
    "Which class does the reaction below belong to?",
    "Sort this reaction into one of the known classes.",
    "Compare reactants with product and give the class of the transformation.",
    "What class of reaction turns these reactants into this product?",
    "Choose the one class that describes what happens here.",
    "A chemist files reactions by class. Where does this one go?",
    "Look at the bonds that are made and broken, then state the reaction class.",
    "Read the reaction and answer with its class alone.",
    "Decide on the class of the following reaction.",
    "Under which class would a textbook treat this reaction?",
    "Assign the reaction to its class.",
)
