"""Loading: once each, on from where it ended, past damage, and while the database is away."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from zstandard import ZstdCompressor

from taskaudit.log import Damaged
from taskaudit.store import load as loading
from taskaudit.store import piece
from taskaudit.store.address import StoreError
from taskaudit.store.database import Database, StoreLost, StoreRefused
from taskaudit.store.load import Loader
from taskaudit.store.reading import tell_store
from taskaudit.store.rows import Row
from taskaudit.story.story import tell
from taskaudit.story.told import REPLAYED
from tests.stories import ask, submit, write_log
from tests.tangles import command_rows, load, tangle, view_rows


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log with a job that is asked for."""
    return write_log(tmp_path / "log", [submit(0), ask(5), ask(9, "SUCCESS")])


@pytest.fixture
def store(tmp_path: Path) -> str:
    """The address of a store."""
    return str(tmp_path / "store.db")


class Told:
    """A loader, and what it says."""

    def __init__(self, database: Database, *logs: Path) -> None:
        self.words: list[str] = []
        self.damaged: list[Damaged] = []
        self.loader = Loader(database, logs, tell=self.words.append, damage=self.damaged.append)

    def load(self) -> str:
        """Loads, and says what was loaded."""
        with closing(self.loader):
            self.loader.load()
        return self.loader.tally.words()


def test_each_record_is_stored_once(log: Path, store: str) -> None:
    assert load(store, [log]) == (6, 6)
    first = view_rows(store, "records")
    assert load(store, [log]) == (0, 0)
    copy = log.with_name("copy")
    copy.write_bytes(log.read_bytes() + log.read_bytes())
    assert load(store, [log, copy]) == (6, 0), "known by its first line, it goes on where it ended"
    assert view_rows(store, "records") == first
    assert view_rows(store, "doubles") == []


def test_loading_goes_on_where_it_ended(log: Path, store: str) -> None:
    load(store, [log])
    write_log(log, [submit(20, "next")], ends=30)
    assert load(store, [log]) == (5, 5)
    assert len(view_rows(store, "records")) == 11


def test_small_batches_make_no_difference(
    tmp_path: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(piece, "CHUNK", 3000)
    logs = tangle(tmp_path, 5)
    load(store, logs)
    assert view_rows(store, "findings") == command_rows(tell(logs))["findings"]


def test_a_replayed_log_stays_whole(tmp_path: Path, store: str) -> None:
    outcomes = [submit(0), ask(1, "SUCCESS")]
    logs = [write_log(tmp_path / name, outcomes, instance=name) for name in ("live", "replay")]
    assert load(store, logs) == (10, 8)
    assert [row[7] for row in view_rows(store, "doubles")] != []
    assert load(store, [log.rename(log.with_suffix(".1")) for log in logs]) == (0, 0)


def test_damage_is_told_and_the_rest_is_loaded(log: Path, store: str) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:2], b"damaged\n", *lines[2:], b"unfinished"]))
    told = Told(Database(store), log)
    assert told.load() == "6 records read: 6 new, 0 already there; 2 lines are no record"
    assert [(each.path, each.line) for each in told.damaged] == [(log, 3), (log, 8)]
    assert "not finished" in told.damaged[1].reason


def test_loaders_at_once_into_a_new_embedded_store(tmp_path: Path, store: str) -> None:
    logs = tangle(tmp_path, 2)
    errors: list[Exception] = []

    def load_all(mine: list[Path]) -> None:
        try:
            load(store, mine)
        except StoreError as error:
            errors.append(error)

    loading = [threading.Thread(target=load_all, args=(logs[n % 3 :] + logs[: n % 3],)) for n in range(6)]
    for each in loading:
        each.start()
    for each in loading:
        each.join()
    assert errors == []
    assert tell_store(store) == tell(logs)


class Choosy(Database):
    """Refuses records that hold a word."""

    def put(self, rows: Sequence[Row], *more: Any, **facts: Any) -> int:
        if any("RUNNING" in row.record for row in rows):
            raise StoreRefused("refused")
        return super().put(rows, *more, **facts)


def test_what_the_database_refuses_is_told_and_the_rest_is_loaded(log: Path, store: str) -> None:
    told = Told(Choosy(store), log)
    assert told.load() == "5 records read: 5 new, 0 already there; 1 line is no record"
    assert told.damaged == [Damaged(log, 3, "refused")]
    assert load(store, [log]) == (0, 0)


class Lost(Database):
    """Is away for some calls, after what it was told has been stored or before."""

    def __init__(self, address: str, calls: int) -> None:
        super().__init__(address)
        self.calls = calls

    def put(self, rows: Sequence[Row], *more: Any, **facts: Any) -> int:
        self.calls -= 1
        if self.calls % 2:
            super().put(rows, *more, **facts)
        if self.calls >= 0:
            raise StoreLost("the store is away")
        return super().put(rows, *more, **facts)


def test_a_lost_database_is_waited_for(log: Path, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "FIRST_WAIT", 0.001)
    words: list[str] = []
    stop = threading.Event()

    def tell_until_it_is_back(told: str) -> None:
        words.append(told)
        if told.endswith("is back"):
            stop.set()

    with closing(Loader(Lost(store, 3), [log], tell=tell_until_it_is_back, damage=print)) as loader:
        loader.follow(stop)
    assert [word.partition(";")[0] for word in words] == [
        "the store is away",
        f"the store {store} is back",
    ]
    assert len(view_rows(store, "records")) == 6


def test_a_lost_database_ends_a_load_that_does_not_follow(log: Path, store: str) -> None:
    with pytest.raises(StoreLost):
        Told(Lost(store, 1), log).load()
    assert load(store, [log]) == (6, 6)


def test_a_stop_while_the_database_is_away(log: Path, store: str) -> None:
    told = Told(Lost(store, 1_000_000), log)
    stop = threading.Event()
    stop.set()
    told.loader.follow(stop)
    told.loader.close()
    assert "the next load goes on from there" in told.words[-1]


def test_following_sees_what_comes_and_goes_through_a_rotation(
    log: Path, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "POLL", 0.001)
    with Database(store) as database:
        database.set_up()
    told, stop = Told(Database(store), log), threading.Event()
    running = threading.Thread(target=told.loader.follow, args=(stop,))
    running.start()

    def wait_for(jobs: int) -> None:
        while len(view_rows(store, "jobs")) < jobs:
            assert running.is_alive()

    try:
        wait_for(1)
        write_log(log, [submit(20, "next")], ends=30)
        log.rename(log.with_name("log.1"))
        write_log(log, [submit(40, "last")], ends=50)
        wait_for(3)
    finally:
        stop.set()
        running.join()
    told.loader.close()
    assert not told.damaged
    assert told.loader.tally.words() == "16 records read: 16 new, 0 already there"


def packed(log: Path, name: str) -> Path:
    """The log as it is when it was rotated and compressed."""
    made = log.with_name(name)
    made.write_bytes(ZstdCompressor().compress(log.read_bytes()))
    log.unlink()
    return made


def test_rotated_and_compressed_files_are_loaded_once(log: Path, store: str) -> None:
    packed(log, "log.2.zst")
    packed(write_log(log, [submit(20, "next")], ends=30), "log.1.zst")
    write_log(log, [submit(40, "last")], ends=50)
    assert load(store, [log]) == (16, 16)
    assert view_rows(store, "jobs") == command_rows(tell([log]))["jobs"]
    packed(log, "log.0.zst")
    write_log(log, [submit(60, "new")], ends=70)
    assert load(store, [log]) == (5, 5)
    assert load(store, [log, *sorted(log.parent.glob("log.*"))]) == (0, 0)


def test_following_goes_through_two_rotations_between_two_looks(log: Path, store: str) -> None:
    told = Told(Database(store), log)

    class Rotating(threading.Event):
        """Rotates twice while the loader waits, and stops it when it waits again."""

        def wait(self, timeout: float | None = None) -> bool:
            if log.with_name("log.1").exists():
                self.set()
                return True
            log.rename(log.with_name("log.2"))
            packed(write_log(log, [submit(20, "next")], ends=30), "log.1.zst").rename(log.with_name("log.1"))
            write_log(log, [submit(40, "last")], ends=50)
            return False

    told.loader.follow(Rotating())
    told.loader.close()
    assert told.loader.tally.words() == "16 records read: 16 new, 0 already there"
    assert [row[1] for row in view_rows(store, "jobs")][1:] == ["next", "last"]


def test_damaged_compressed_data_is_told_and_the_rest_is_loaded(log: Path, store: str) -> None:
    one = packed(log, "log.20260921T141320Z-001.zst")
    one.write_bytes(one.read_bytes()[:-30])
    write_log(log, [submit(20, "next")], ends=30)
    told = Told(Database(store), log)
    told.load()
    assert [each.path for each in told.damaged] == [one]
    assert "next" in view_rows(store, "jobs")[-1]


def test_fingerprints_are_there_for_every_rule_that_the_views_judge(log: Path, store: str) -> None:
    load(store, [log])
    known = view_rows(store, "fingerprints")
    assert {row[0] for row in known} == REPLAYED
    assert {row[2] for row in known} == {"ecs:CreateServers", "ecs:ShowJob"}
