"""Batch jobs on disk: each a folder that the server names, so no text of a request ever becomes a path.

``job.json`` says what is asked and how it stands, ``input`` is the file as it was sent, ``results.jsonl`` grows by
whole chunks, and its ledger (:mod:`retort.inference.bulk`) says how far it is. A folder appears by one renaming when
the upload is complete and readable; a half-made one is swept away at the next start.
"""

import fcntl
import json
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from retort.errors import OutputError, UsageError
from retort.inference.bulk import Progress
from retort.serving.asking import Ask
from retort.serving.contract import JobState
from retort.serving.problems import RefusalError
from retort.serving.uploads import Kind

FORMAT, VERSION = "retort-job", 1
DRAFT = ".new"
UNFINISHED: tuple[JobState, ...] = ("waiting", "running")


@dataclass(frozen=True, slots=True)
class Job:
    """What a job asks for and how it stands; the progress of its rows is kept beside its results.

    Attributes:
        id: 32 hexadecimal digits by chance.
        ask: What is asked of every row.
        kind: Kind of the upload.
        column: Column or key of the queries.
        of: Number of rows.
        created: Time in UTC, ISO 8601.
        state: How it stands.
        message: Why it failed.
        starts: How often a server began with it since its last finished chunk.
    """

    id: str
    ask: Ask
    kind: Kind
    column: str
    of: int
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))
    state: JobState = "waiting"
    message: str = ""
    starts: int = 0

    @property
    def finished(self) -> bool:
        """Nothing will change any more."""
        return self.state not in UNFINISHED


class JobStore:
    """All jobs of one folder; locked, so that two servers never write the same results.

    Args:
        folder: Made where it is not there.

    Raises:
        UsageError: Another server uses the folder, or it holds something that is no job.
        OutputError: The folder cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._receiving: set[Path] = set()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = (folder / ".lock").open("w")
        except OSError as error:
            raise OutputError(f"cannot keep jobs in {str(folder)!r}: {error.strerror}.", "Choose --jobs.") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise UsageError(f"another server keeps its jobs in {str(folder)!r}.", "Choose --jobs.") from error
        for draft in folder.glob(f"*{DRAFT}"):
            shutil.rmtree(draft)
        try:
            self._jobs = {job.id: job for job in sorted(self._read(), key=lambda job: job.created)}
        except UsageError:
            self.close()
            raise

    def close(self) -> None:
        """Let another server use the folder."""
        self._lock.close()

    @property
    def receiving(self) -> int:
        """Number of uploads that are on their way."""
        return len(self._receiving)

    def all(self) -> list[Job]:
        """Return every job, the oldest first."""
        return list(self._jobs.values())

    def unfinished(self) -> list[Job]:
        """Return the jobs that are still to be worked on, the oldest first."""
        return [job for job in self._jobs.values() if not job.finished]

    def get(self, name: str) -> Job:
        """Return a job by its id, which is looked up and never becomes a path; raises RefusalError (404)."""
        job = self._jobs.get(name)
        if job is None:
            raise RefusalError(HTTPStatus.NOT_FOUND, "unknown_job", "there is no such job; it may have been deleted.")
        return job

    def draft(self) -> tuple[str, Path]:
        """Make a new id and a folder that becomes the job's once :meth:`add` is called; raises OutputError."""
        name = secrets.token_hex(16)
        path = self._folder / f"{name}{DRAFT}"
        try:
            path.mkdir(mode=0o700)
        except OSError as error:
            raise OutputError(f"cannot write {str(path)!r}: {error.strerror}.") from error
        self._receiving.add(path)
        return name, path

    def discard(self, draft: Path) -> None:
        """Remove the folder of an upload that failed."""
        self._receiving.discard(draft)
        shutil.rmtree(draft, ignore_errors=True)

    def add(self, job: Job, draft: Path) -> None:
        """Make a job of a draft with its upload; raises OutputError."""
        _write(draft / "job.json", job)
        try:
            draft.rename(self._folder / job.id)
        except OSError as error:
            raise OutputError(f"cannot write {str(draft)!r}: {error.strerror}.") from error
        self._receiving.discard(draft)
        self._jobs[job.id] = job

    def change(self, job: Job, **values: Any) -> Job:
        """Write a job with other values; raises OutputError."""
        changed = replace(job, **values)
        _write(self._folder / job.id / "job.json", changed)
        self._jobs[job.id] = changed
        return changed

    def remove(self, job: Job) -> None:
        """Delete a job and its files; raises OutputError."""
        del self._jobs[job.id]
        try:
            draft = (self._folder / job.id).rename(self._folder / f"{job.id}{DRAFT}")
        except OSError as error:
            raise OutputError(f"cannot delete job {job.id}: {error.strerror}.") from error
        self.discard(draft)

    def input_of(self, job: Job) -> Path:
        """Return the path of a job's upload."""
        return self._folder / job.id / "input"

    def results_of(self, job: Job) -> Path:
        """Return the path of a job's results."""
        return self._folder / job.id / "results.jsonl"

    def progress_of(self, job: Job) -> Progress:
        """Return how far a job has come, as the ledger of its results says."""
        ledger = self._folder / job.id / "results.jsonl.progress.json"
        try:
            values = json.loads(ledger.read_text("utf-8"))
        except FileNotFoundError:
            return Progress({}, job.of)
        return Progress(values["settings"], values["of"], values["rows"], values["size"], values["unanswered"])

    def _read(self) -> Iterator[Job]:
        for path in self._folder.glob("*/job.json"):
            try:
                values = json.loads(path.read_text("utf-8"))
                if (values.pop("format"), values.pop("version")) != (FORMAT, VERSION):
                    raise ValueError("it is of another format or version")
                yield Job(**values | {"ask": Ask(**values["ask"])})
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise UsageError(f"{str(path)!r} is no job of this release: {error}.", "Move it away.") from error


def _write(path: Path, job: Job) -> None:
    text = json.dumps({"format": FORMAT, "version": VERSION, **asdict(job)}, indent=1)
    draft = path.with_name("job.json.new")
    try:
        draft.write_text(text, "utf-8")
        draft.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {str(path)!r}: {error.strerror}.") from error
