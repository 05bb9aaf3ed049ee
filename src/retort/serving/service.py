"""What the routes of one server share, from its start to its end."""

import hashlib
import hmac
from dataclasses import dataclass, field

from retort.inference.predictor import Predictor
from retort.serving.asking import Asker
from retort.serving.jobs import Job, JobStore
from retort.serving.metrics import Metrics
from retort.serving.settings import ServeConfig
from retort.serving.working import Worker


@dataclass
class Service:
    """The model, the queue before it, the jobs and the figures.

    Attributes:
        predictor: The model.
        settings: Limits and folders.
        key: The API key; None where none is asked for.
        closing: The server is about to leave; streams come to their end.
    """

    predictor: Predictor
    settings: ServeConfig
    key: str | None = None
    closing: bool = False
    store: JobStore = field(init=False)
    metrics: Metrics = field(init=False)
    asker: Asker = field(init=False)
    worker: Worker = field(init=False)

    def __post_init__(self) -> None:
        """Open the folder of jobs; raises as :class:`JobStore`."""
        self.store = JobStore(self.settings.job_folder)
        self.metrics = Metrics(lambda: self.asker.waiting, lambda: len(self.store.unfinished()))
        self.asker = Asker(self.predictor, self.settings, self.metrics.count_call)
        self.worker = Worker(self.store, self.asker, self.predictor, self.settings)

    def start(self) -> None:
        """Begin to answer and to work on jobs; called within a running event loop."""
        self.asker.start()
        self.worker.start()

    async def close(self) -> None:
        """Finish what is at hand; unfinished jobs are kept."""
        self.closing = True
        await self.worker.close()
        await self.asker.close()
        self.store.close()

    def knows(self, key: str) -> bool:
        """Tell whether a key is the server's, in a time that does not depend on how much of it is right."""
        expected, given = (hashlib.sha256(text.encode()).digest() for text in (self.key or "", key))
        return hmac.compare_digest(expected, given)

    def state(self, job: Job) -> dict[str, object]:
        """Return how a job stands, as :class:`~retort.serving.contract.JobBody` shows it."""
        progress = self.store.progress_of(job)
        shown = {key: getattr(job, key) for key in ("id", "state", "message", "of", "created")}
        rows = {"rows": progress.rows, "unanswered": progress.unanswered}
        return {**shown, "task": job.ask.task, "top_k": job.ask.top_k, **rows}
