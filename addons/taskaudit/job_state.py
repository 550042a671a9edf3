"""How a job stands; apart, so that the command line starts fast."""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """How far a job has come, as far as the logs tell."""

    NOT_ASKED_YET = "not-asked-yet"
    NEVER_QUERIED = "never-queried"
    BY_RESOURCE = "by-resource"
    OPEN = "open"
    NO_STATUS = "no-status"
    FINAL = "final"
    FAILED = "failed"
