"""What can be configured. To add a setting: a field here, and its line in `configs/default.yaml`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from taskaudit.contract.answer import DEFAULT_LIMIT
from taskaudit.lifecycle import Thresholds
from taskaudit.log.settings import LogSettings
from taskaudit.policy.entries import Severities, WaiverEntry
from taskaudit.units import Seconds, Size

SHIPPED = (
    "ecs",
    "evs",
    "bms",
    "ims",
    "deh",
    "eip",
    "iec",
    "sdrs",
    "dcs",
    "ddm",
    "dws",
    "ges",
    "moderation",
    "rds",
    "sfsturbo",
    "hcsecs",
    "hcsbms",
    "hcsims",
    "otc-ecs",
    "otc-evs",
    "otc-bms",
    "otc-ims",
    "otc-sdrs",
    "otc-vbs",
)
"""The service files in `configs/catalogue/`, in order of precedence."""

_ALLOWED = Thresholds()


class ScopeSettings(BaseModel):
    """What is looked at."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    hosts: list[str] = Field(
        default=[],
        description=(
            "Hosts that are audited, by name or pattern (*.example.com); empty: all. What goes to "
            "other hosts counts as other, and `taskaudit serve` does not decrypt it."
        ),
    )


class Settings(BaseModel):
    """What can be configured."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    unlisted: Literal["detect", "ignore"] = Field(
        default="detect",
        description=(
            "What becomes of a POST, PUT, PATCH or DELETE that no service file lists. detect: audited when "
            "its answer is a JSON object with a top-level job_id or error. ignore: left alone."
        ),
    )
    inspection_limit: Size = Field(
        default=DEFAULT_LIMIT,
        ge=1024,
        description="How much of a response body is inspected, once its Content-Encoding is undone: bytes, "
        "or a size such as 1MiB.",
    )
    catalogue: list[str] = Field(
        default=list(SHIPPED),
        description=(
            "Service files, in order of precedence: names of shipped ones (ecs), or paths of your own "
            "(./my-service.yaml), relative to this file."
        ),
    )
    scope: ScopeSettings = Field(default=ScopeSettings(), description="Whose traffic is looked at.")
    query_within: Seconds = Field(
        default=_ALLOWED.query_within,
        gt=0,
        allow_inf_nan=False,
        description="Within what time of its submission a job's status has to be asked for (TA501): seconds, "
        "or a time such as 5m.",
    )
    min_interval: Seconds = Field(
        default=_ALLOWED.min_interval,
        ge=0,
        allow_inf_nan=False,
        description="What time has to lie between two queries of one job (TA504): seconds, or 500ms.",
    )
    remembered_jobs: int = Field(
        default=_ALLOWED.table_size,
        ge=1,
        description="How many jobs are followed at once, at most; the oldest ended ones are forgotten first.",
    )
    instance_id: str | None = Field(
        default=None,
        min_length=1,
        description="Name of this instance in every record of the log; null: the host name.",
    )
    severities: Severities = Field(
        default=[],
        description="Severities of rules where they are to be others, or off; the first that fits is taken.",
    )
    waivers: list[WaiverEntry] = Field(
        default=[], description="Known faults that are accepted for a time; the first that fits is taken."
    )
    log: LogSettings = Field(
        default=LogSettings(), description="When the log is rotated, kept and forced to the disk."
    )

    @property
    def thresholds(self) -> Thresholds:
        """What is allowed to clients that ask for their jobs."""
        return Thresholds(self.query_within, self.min_interval, self.remembered_jobs)


def settings_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a configuration file."""
    return Settings.model_json_schema() | {"$schema": "https://json-schema.org/draft/2020-12/schema"}
