"""Group commit: who waits is released when its records are on the disk, or when the disk refuses."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from taskaudit.log import syncing
from taskaudit.log.syncing import GroupSync, sync


class Disk:
    """A disk that takes as long as the test wants; what `fsync` is called with, in order."""

    def __init__(self) -> None:
        self.synced: list[int] = []
        self.inodes: list[int] = []
        self.ready = threading.Event()
        self.ready.set()
        self.asked = threading.Semaphore(0)
        self.error: OSError | None = None

    def fsync(self, fd: int) -> None:
        self.inodes.append(os.fstat(fd).st_ino)
        self.asked.release()
        assert self.ready.wait(30)
        if self.error:
            raise self.error
        self.synced.append(fd)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(os, "fsync", made.fsync)
    return made


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def group(tmp_path: Path, disk: Disk, told: list[str]) -> Iterator[GroupSync]:
    made = GroupSync(tmp_path, told.append)
    fd = os.open(tmp_path / "log", os.O_RDWR | os.O_CREAT)
    made.use(fd)
    os.close(fd)
    yield made
    disk.ready.set()
    made.close()


def run(steps: Callable[[], object]) -> None:
    asyncio.run(steps())  # type: ignore[arg-type]


def test_a_write_is_waited_for_until_it_is_on_the_disk(group: GroupSync, disk: Disk) -> None:
    async def steps() -> None:
        disk.ready.clear()
        group.written()
        waiting = group.committed()
        assert waiting is not None
        await asyncio.to_thread(disk.asked.acquire)
        assert not waiting.done()
        disk.ready.set()
        await waiting
        assert len(disk.synced) == 1

    run(steps)


def test_without_a_write_nothing_is_waited_for(group: GroupSync) -> None:
    async def steps() -> None:
        assert group.committed() is None
        group.written()
        if waiting := group.committed():
            await waiting
        assert group.committed() is None

    run(steps)


def test_who_wrote_nothing_does_not_wait_for_others(group: GroupSync, disk: Disk) -> None:
    async def steps() -> None:
        disk.ready.clear()
        group.written()
        first = group.committed()
        assert first is not None
        assert group.committed() is None
        disk.ready.set()
        await first

    run(steps)


def test_what_gathers_while_the_disk_works_goes_as_one_group(group: GroupSync, disk: Disk) -> None:
    async def steps() -> None:
        disk.ready.clear()
        group.written()
        waiting = [group.committed()]
        await asyncio.to_thread(disk.asked.acquire)
        for _ in range(100):
            group.written()
            waiting.append(group.committed())
        disk.ready.set()
        await asyncio.gather(*(each for each in waiting if each))
        assert len([each for each in waiting if each]) == 101
        assert len(disk.synced) == 2

    run(steps)


def test_the_loop_goes_on_while_the_disk_works(group: GroupSync, disk: Disk) -> None:
    async def steps() -> None:
        disk.ready.clear()
        group.written()
        waiting = group.committed()
        assert waiting is not None
        await asyncio.to_thread(disk.asked.acquire)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not waiting.done()
        disk.ready.set()
        await waiting

    run(steps)


def test_a_refusal_is_told_once_and_releases(group: GroupSync, disk: Disk, told: list[str]) -> None:
    async def steps() -> None:
        disk.error = OSError(5, "Input/output error")
        for _ in range(3):
            group.written()
            if waiting := group.committed():
                await waiting
        assert group.trouble == "fsync failed: Input/output error"
        assert told == ["fsync failed: Input/output error"]
        disk.error = None
        group.written()
        if waiting := group.committed():
            await waiting
        assert group.trouble is None

    run(steps)


def test_a_disk_that_does_not_answer_holds_nobody_for_ever(
    group: GroupSync, disk: Disk, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "PATIENCE", 0.01)

    async def steps() -> None:
        disk.ready.clear()
        group.written()
        waiting = group.committed()
        assert waiting is not None
        await waiting
        assert disk.synced == []
        assert told == [group.trouble] == ["the disk has not answered for 0.01 s"]
        disk.ready.set()

    run(steps)


def test_who_was_cancelled_hurts_nobody(group: GroupSync, disk: Disk) -> None:
    async def steps() -> None:
        disk.ready.clear()
        group.written()
        first = group.committed()
        group.written()
        second = group.committed()
        assert first is not None
        assert second is not None
        first.cancel()
        disk.ready.set()
        await second
        assert first.cancelled()

    run(steps)


def test_a_file_that_is_left_is_forced_to_the_disk_before_who_waits_goes_on(
    group: GroupSync, disk: Disk, tmp_path: Path
) -> None:
    async def steps() -> None:
        disk.ready.clear()
        group.written()
        await asyncio.to_thread(disk.asked.acquire)
        group.written()
        fd = os.open(tmp_path / "next", os.O_RDWR | os.O_CREAT)
        group.use(fd)
        os.close(fd)
        group.written()
        waiting = group.committed()
        assert waiting is not None
        disk.ready.set()
        await waiting
        inodes = [(tmp_path / name).stat().st_ino for name in ("log", "log", "next")]
        assert disk.inodes[:3] == inodes
        assert tmp_path.stat().st_ino in disk.inodes

    run(steps)


def test_closing_forces_what_is_left(tmp_path: Path, disk: Disk) -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    group = GroupSync(tmp_path, pytest.fail)
    fd = os.open(tmp_path / "log", os.O_RDWR | os.O_CREAT)
    group.use(fd)
    os.close(fd)
    group.written()
    group.close()
    assert len(disk.synced) == 1
    assert before == (len(os.listdir("/proc/self/fd")) if before else 0)


def test_a_closed_loop_is_no_trouble(group: GroupSync, disk: Disk) -> None:
    async def leave() -> None:
        disk.ready.clear()
        group.written()
        assert group.committed() is not None

    asyncio.run(leave())
    disk.ready.set()
    group.close()


def test_one_file(tmp_path: Path, disk: Disk) -> None:
    with (tmp_path / "log").open("wb") as file:
        assert sync(file.fileno()) is None
        disk.error = OSError(28, "No space left on device")
        assert sync(file.fileno()) == "fsync failed: No space left on device"
