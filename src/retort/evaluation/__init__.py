"""From predictions to figures: files of predictions, metrics, intervals and baselines.

Predicting and scoring are separate programs joined by the versioned file of ``predictions``. No torch here.
"""
