"""Twelve ways to ask for the product of given reactants and reagents."""

TEXTS = (
    "Name the main product to which these reactants and reagents react.",
    "Which product do you expect once the compounds below are allowed to react?",
    "Here are the reactants together with their reagents; write down the product of the reaction.",
    "Predict the outcome: into what product do these starting materials and reagents turn?",
    "A chemist mixes the following reactants and reagents. Which product is formed?",
    "Complete the reaction by writing the SMILES of its product.",
    "Read the left side of this reaction, reagents included, and supply the product on its right.",
    "Tell me which product comes out of the flask that holds these reactants and reagents.",
    "Work out the product to which the compounds in this mixture lead.",
    "Suppose the reactants and reagents below react as planned; what product is isolated?",
    "From the starting materials and reagents shown, derive the product.",
    "Write the product that this set of reactants and reagents most probably yields.",
)
