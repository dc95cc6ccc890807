# SPDX-License-Identifier: Apache-2.0
"""The life of a job: taken, run when its time has come, over. What a poll is told may lag behind (unknown at first, WAITING, RUNNING), as
with the real one; `next` says how coming jobs differ from the switches."""
import uuid
from dataclasses import dataclass, field

from .paging import page
from .refusal import Refusal, missing
from .routes import serves

FINAL = ("COMPLETED", "CANCELED", "ERROR")


@dataclass
class Job:
    id: str
    user: str
    created: int          # epoch ms
    due: float            # seconds of the instance's clock
    polls: list           # what is answered first, one a poll
    end: str              # how it ends: normal, never, CANCELED, ERROR
    run: object           # function(job): stores the file, sets result, errors and counters
    keys: frozenset = frozenset()      # the assets that it touches
    conflicts: frozenset = frozenset()  # indices of commands whose assets another job has in hand
    state: str = "RUNNING"
    result: str = "NOT_SET"
    message: str = ""
    ended: int = None
    errors: list = field(default_factory=list)
    counters: dict = field(default_factory=dict)
    form: dict = field(default_factory=dict)
    commands: list = field(default_factory=list)

    def view(self):
        """What a test sees: the truth, whatever polls are told."""
        return {"id": self.id, "state": self.state, "result": self.result, "message": self.message, "errors": list(self.errors),
                "counters": self.counters, "form": self.form, "commands": self.commands, "createdOn": self.created}


class Jobs:
    """The catalogue's lock guards it."""

    def __init__(self, fake):
        self.fake, self.jobs, self.next = fake, {}, []

    def take(self, user, run, keys, form, commands):
        """A new job; indices of keys that a job in hand has too are its conflicts."""
        switches, catalogue = self.fake.switches, self.fake.catalogue
        special = self.next.pop(0) if self.next else {}
        in_hand = frozenset().union(*(job.keys for job in self.jobs.values() if job.state == "RUNNING"))
        job = Job(id=str(uuid.uuid4()), user=user.id, created=catalogue.now(), due=catalogue.seconds() + special.get("seconds", switches.import_seconds),
                  polls=list(special.get("polls", switches.import_polls)), end=special.get("end", switches.import_end), run=run,
                  keys=frozenset(key for key in keys if key), conflicts=frozenset(i for i, key in enumerate(keys) if key in in_hand), form=form,
                  commands=commands)
        self.jobs[job.id] = job
        self.run_due()
        return job

    def run_due(self):
        now = self.fake.catalogue.seconds()
        for job in sorted((job for job in self.jobs.values() if job.state == "RUNNING" and job.end != "never"), key=lambda job: job.due):
            if job.due > now:
                break
            if job.end == "normal":
                job.run(job)
            else:
                job.state, job.result = job.end, "FAILURE" if job.end == "ERROR" else "NOT_SET"
                job.message = "The job was ended."
            job.ended = self.fake.catalogue.now()


def job_answer(job, state=None):
    """state: what a poll is told instead of the truth."""
    is_final = state is None and job.state in FINAL
    answer = {"id": job.id, "createdBy": job.user, "createdOn": job.created, "lastModifiedBy": job.user, "lastModifiedOn": job.ended or job.created,
              "system": False, "resourceType": "Job", "name": "Import", "type": "IMPORT", "userId": job.user, "visibility": 1,
              "progressPercentage": 100.0 if is_final else 0.0, "cancelable": not is_final, "startDate": job.created,
              "state": state or job.state, "result": job.result if is_final else "NOT_SET", "message": job.message if is_final else ""}
    if is_final:
        answer["endDate"] = job.ended
    return answer


def find(request):
    job = request.fake.jobs_in_hand.jobs.get(request.path["jobId"])
    if job is None:
        raise missing("job", request.path["jobId"])
    return job


def seen_final(job):
    """Over, and the polls have been told all that comes before."""
    return job.state in FINAL and not job.polls


@serves("GET /jobs/{jobId}")
def get_job(request):
    job = find(request)
    if job.polls:
        told = job.polls.pop(0)
        if told == "404":
            raise missing("job", job.id)
        if told == "500":
            raise Refusal(500, "An unexpected error occurred.")
        return 200, job_answer(job, told)
    return 200, job_answer(job)


@serves("GET /jobs")
def list_jobs(request):
    query = request.query
    jobs = [{"id": job.id, "job": job} for job in request.fake.jobs_in_hand.jobs.values()
            if query.get("state") in (None, job.state) and query.get("type", "IMPORT") == "IMPORT"]
    return 200, page(request, jobs, lambda row: job_answer(row["job"]), lambda row: row["job"].created, is_descending=True)


@serves("POST /jobs/{jobId}/canceled")
def cancel_job(request):
    job = find(request)
    if job.state == "RUNNING":
        job.state, job.result, job.message, job.ended, job.polls = "CANCELED", "NOT_SET", request.body.get("message", ""), request.catalogue.now(), []
    return 202, None


def _over(request):
    job = find(request)
    if not seen_final(job):
        raise Refusal(400, "The job has not finished.")
    return job


@serves("GET /import/results/{jobId}/errors")
def list_errors(request):
    job = _over(request)
    rows = [{"id": number, "error": error} for number, error in enumerate(job.errors)]
    return 200, page(request, rows, lambda row: row["error"])


@serves("GET /import/results/{jobId}/summary")
def get_summary(request):
    job = _over(request)
    state = {"SUCCESS": "COMPLETED", "COMPLETED_WITH_ERROR": "COMPLETED_WITH_ERRORS", "ABORTED": "ABORTED"}.get(job.result, "FAILED")
    return 200, {"importJobState": state, "errorsCount": len(job.errors),
                 "resourceTypes": [{"resourceType": kind, "counters": counters} for kind, counters in job.counters.items()]}
