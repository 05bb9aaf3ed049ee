"""How a reaction becomes a question and an answer: text only."""
