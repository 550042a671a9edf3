"""Pages are drawn in a thread, once for all who look."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from taskaudit.contract.words import Language
from taskaudit.listener.drawing import SHARE, Drawing, Drawn, Shown
from taskaudit.recording.board import Board
from taskaudit.reports.model import Report, live_report


class Audit:
    """Something that changes; notes in which threads it is told."""

    def __init__(self) -> None:
        self.version = 1
        self.taken: list[threading.Thread] = []
        self.told: list[threading.Thread] = []
        self.now = self.spent = 0.0
        shown = Shown(lambda: str(self.version), self._take, Language.ZH)
        self.drawing = Drawing(shown, lambda: self.now, lambda: self.spent)

    def _take(self) -> Callable[[], Report]:
        self.taken.append(threading.current_thread())
        return self._tell

    def _tell(self) -> Report:
        self.told.append(threading.current_thread())
        return live_report(Board(), 0)


def draw(report: Report, language: Language, version: str) -> str:
    return f"{report.made} {language} {version}"


def test_the_event_loop_takes_and_a_thread_tells() -> None:
    audit = Audit()
    assert asyncio.run(audit.drawing.drawn(draw)) == Drawn("1", "1970-01-01T00:00:00.000000Z zh 1")
    assert audit.taken == [threading.current_thread()]
    assert audit.told != audit.taken


def test_it_is_drawn_once_while_it_stays_as_it_is() -> None:
    async def look() -> None:
        for version in (1, 2):
            audit.version = version
            drawn = await asyncio.gather(*(audit.drawing.drawn(draw) for _ in range(5)))
            assert {each.version for each in drawn} == {str(version)}
            assert len(audit.told) == version

    audit = Audit()
    asyncio.run(look())


def test_what_takes_long_to_draw_is_drawn_seldom() -> None:
    def slow(report: Report, language: Language, version: str) -> str:
        audit.now += 3
        audit.spent += 3
        return version

    async def look() -> int:
        given = 0
        for _ in range(100):
            audit.version += 1
            given += await audit.drawing.newer(slow, "1") is not None
            audit.now += 1
        return given

    audit = Audit()
    assert asyncio.run(look()) == 100, "what is there already is given at once"
    assert 3 * len(audit.told) / audit.now == pytest.approx(SHARE, rel=0.3)


def test_nobody_goes_back_in_time() -> None:
    """The whole page is newer than what was drawn for those who follow."""

    def slow(report: Report, language: Language, version: str) -> str:
        audit.now += 3
        audit.spent += 3
        return version

    async def look() -> None:
        assert (await audit.drawing.newer(draw, "")) is not None
        audit.version = 2
        assert (await audit.drawing.drawn(slow)).version == "2"
        audit.version = 3
        assert await audit.drawing.newer(draw, "2") is None
        audit.now += 100
        newer = await audit.drawing.newer(draw, "2")
        assert newer is not None
        assert newer.version == "3"
        assert await audit.drawing.newer(draw, "3") is None

    audit = Audit()
    asyncio.run(look())


def test_it_is_drawn_again_after_a_failure() -> None:
    def fail(*_: object) -> str:
        raise KeyError("no")

    async def look() -> None:
        for _ in range(2):
            with pytest.raises(KeyError):
                await audit.drawing.drawn(fail)
        assert (await audit.drawing.drawn(draw)).version == "1"

    audit = Audit()
    asyncio.run(look())
    assert len(audit.told) == 3


def test_what_is_drawn_is_what_was_taken() -> None:
    """What changes meanwhile is in the next one."""

    def slow(report: Report, language: Language, version: str) -> str:
        audit.version += 1
        return version

    async def look() -> list[Drawn]:
        return [await audit.drawing.drawn(slow) for _ in range(2)]

    audit = Audit()
    assert asyncio.run(look()) == [("1", "1"), ("2", "2")]


def test_what_only_waits_is_drawn_as_often_as_ever() -> None:
    """On a machine that is busy with something else."""

    def waiting(report: Report, language: Language, version: str) -> str:
        audit.now += 30
        return version

    async def look() -> None:
        for version in range(1, 10):
            audit.version = version
            drawn = await audit.drawing.newer(waiting, "0")
            assert drawn is not None
            assert drawn.version == str(version)

    audit = Audit()
    asyncio.run(look())
