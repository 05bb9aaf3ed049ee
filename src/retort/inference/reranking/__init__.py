"""Re-ranking: evidence about candidates, what the training rows know of them, and the fitted weights."""
