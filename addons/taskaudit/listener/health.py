"""Whether the audit is doing its work, or why not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from taskaudit.contract.words import Language, Words

_CANNOT_WRITE = Words("records cannot be written: {why}", "无法写入记录：{why}")
_REJECTED = Words(
    "the configuration was rejected, the last good one stays: {why}",
    "配置被拒绝，仍使用上一个有效配置：{why}",
)
_FAILING = Words("the audit is failing (TA901): {why}", "审计出错 (TA901)：{why}")

REMEMBERED = 300.0
"""For how many seconds a failure of the audit (TA901) counts against it."""


@dataclass(slots=True)
class Health:
    """`cannot_write` tells why records cannot be written, None where they can.

    `rejected`: the message about a configuration that was refused, while the last good one is in force.
    """

    cannot_write: Callable[[], str | None]
    rejected: str | None = None
    clock: Callable[[], float] = time.monotonic
    _failed: float | None = field(default=None, init=False)
    _failure: str = field(default="", init=False)

    def failed(self, found: str) -> None:
        """The audit raised while it looked at an exchange."""
        self._failed, self._failure = self.clock(), found

    def reasons(self, language: Language = Language.EN) -> Iterator[str]:
        """All that is wrong, in words; nothing where the audit is well."""
        if reason := self.cannot_write():
            yield _CANNOT_WRITE.of(language).format(why=reason)
        if self.rejected:
            yield _REJECTED.of(language).format(why=self.rejected)
        if self._failed is not None and self.clock() - self._failed < REMEMBERED:
            yield _FAILING.of(language).format(why=self._failure)
