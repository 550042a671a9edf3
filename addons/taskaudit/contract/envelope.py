"""The envelopes, declared once (Huawei Cloud API reference, "Responses (task class)").

A request that submits an asynchronous task is answered with a `job_id` or an `error`. Members that are
not declared are allowed. The models are strict: a Number is never taken for a String.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class Detail(_Strict):
    """An entry of `error.details`; both members may be absent, but not `null`."""

    message: str = ""
    code: str = ""


class TaskError(_Strict):
    """The object in `error`."""

    message: str
    code: str
    details: list[Detail] = []


class Envelope(_Strict):
    """Both envelopes at once, so that one validation tells all that is wrong with either.

    Which of the two members has to be there is for `audit.classify` to say.
    """

    job_id: str = ""
    error: TaskError = TaskError(message="", code="")


class JobStatus(_Strict):
    """The answer to a query of a job's status."""

    status: str
    job_id: str = ""
