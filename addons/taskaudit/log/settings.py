"""When the log is rotated, what is kept of it, and when it is forced to the disk."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from taskaudit.units import Days, Seconds, Size

SMALLEST = 65536
"""Bytes. Each file starts with some 5 KB that say what it is."""


class LogSettings(BaseModel):
    """The settings of the log; without any it is one file that grows."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    rotate_bytes: Size | None = Field(
        default=None,
        ge=SMALLEST,
        description="A file is rotated before it grows over this size, such as 100MB; null: never by size.",
    )
    rotate_seconds: Seconds | None = Field(
        default=None,
        ge=1,
        allow_inf_nan=False,
        description="A file is rotated when it is older than this, such as 24h; null: never by age.",
    )
    compress: Literal["none", "zstd"] = Field(
        default="none", description="What becomes of rotated files. zstd: compressed, in the background."
    )
    keep_files: int | None = Field(
        default=None, ge=1, description="How many rotated files are kept, the newest; null: all."
    )
    keep_days: Days | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="Rotated files last written to longer ago than this are deleted: days, or a time "
        "such as 12h; null: none.",
    )
    fsync: Literal["off", "batch", "each"] = Field(
        default="off",
        description=(
            "When records are forced to the disk. off: when the operating system likes. batch: in groups, "
            "and an answer waits for its group. each: every write, and all traffic waits."
        ),
    )

    @property
    def tidies(self) -> bool:
        """Whether rotated files are compressed or deleted."""
        return self.compress != "none" or self.keep_files is not None or self.keep_days is not None
