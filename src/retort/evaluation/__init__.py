"""From predictions to figures: files of predictions, metrics, intervals and baselines.

Ranked molecules are judged by ``metric`` and ``scoring``; classes, numbers, rankings of a list and captions by modules
of functions that return ``scores.Scores``. Predicting and scoring are separate programs joined by the versioned file
of ``predictions``. No torch here.
"""
