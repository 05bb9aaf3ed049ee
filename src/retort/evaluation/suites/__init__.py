"""One file per suite of benchmarks; see :mod:`retort.evaluation.suite`."""
