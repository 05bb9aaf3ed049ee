"""Twelve ways to ask for the template class of a reaction, a number from 0 to 999."""

TEXTS = (
    "Give the template class of this reaction, a number from 0 to 999.",
    "Which of the 1,000 template classes, 0 to 999, does the reaction below belong to?",
    "Sort this reaction into a template class. Classes are numbered from 0 to 999.",
    "Find the number, 0 to 999, of the template class of this transformation.",
    "Answer with the template class of the reaction as a number from 0 to 999.",
    "Reactions with the same template share a class from 0 to 999. Which class is this?",
    "Reagents stand among the precursors. Name the template class of the reaction, 0 to 999.",
    "What is the template class, from 0 to 999, of the following reaction?",
    "Decide which template class this reaction falls into and give its number, 0 to 999.",
    "State the number of the template class alone. There are 1,000, and the first is 0.",
    "Compare precursors with product and choose one template class from 0 to 999.",
    "Assign the reaction to its template class, a number between 0 and 999.",
)
