"""Figures for Prometheus, in a registry of their own: two servers in one process do not share theirs."""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from retort.inference.prediction import Prediction
from retort.serving.asking import Ask, Outcome

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """What is counted: requests, calls of the model, answers, failures.

    Args:
        waiting: Tells how many queries wait for the model.
        unfinished: Tells how many batch jobs are not finished.
    """

    def __init__(self, waiting: Callable[[], int], unfinished: Callable[[], int]) -> None:
        registry = self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter("retort_requests", "Responses given.", labels, registry=registry)
        self._seconds = Histogram(
            "retort_request_seconds", "Time to the end of a response.", ("route",), buckets=SECONDS, registry=registry
        )
        self._sizes = Histogram(
            "retort_call_queries", "Queries that the model was asked at once.", buckets=SIZES, registry=registry
        )
        self._answers = Counter("retort_answers", "Answers of the model.", ("task", "status"), registry=registry)
        self._failures = Counter("retort_failures", "Queries at which the model failed.", ("task",), registry=registry)
        queued = Gauge("retort_waiting_queries", "Queries that wait for the model.", registry=registry)
        queued.set_function(waiting)
        jobs = Gauge("retort_unfinished_jobs", "Batch jobs that are not finished.", registry=registry)
        jobs.set_function(unfinished)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a response; the route is a pattern, never an address as it was called."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def count_call(self, ask: Ask, outcomes: Sequence[Outcome]) -> None:
        """Count a call of the model."""
        self._sizes.observe(len(outcomes))
        for outcome in outcomes:
            if isinstance(outcome, Prediction):
                self._answers.labels(ask.task, outcome.status).inc()
            else:
                self._failures.labels(ask.task).inc()

    def text(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self._registry)
