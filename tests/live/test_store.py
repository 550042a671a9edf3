"""The central store on a real PostgreSQL."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from time import perf_counter

import pytest
from postgres import PASSWORD, Postgres
from running import wait_until
from sqlalchemy import text
from zstandard import ZstdCompressor

from taskaudit.log import Damaged
from taskaudit.store.address import StoreError
from taskaudit.store.database import Database
from taskaudit.store.load import Loader
from taskaudit.store.reading import tell_store
from taskaudit.story.story import tell
from tests.cli.running import run
from tests.stories import ask, submit, write_log
from tests.tangles import command_rows, load, tangle, view_rows


class Following:
    """A `taskaudit load --follow` of its own process."""

    def __init__(self, url: str, folder: Path, name: str, *logs: Path) -> None:
        self._logs = {log.resolve() for log in logs}
        self._told, self._complaints = folder / f"{name}.out", folder / f"{name}.err"
        command = [Path(sys.executable).with_name("taskaudit"), "load", *logs, "--to", url, "--follow"]
        with self._told.open("wb") as told, self._complaints.open("wb") as complaints:
            self.process = subprocess.Popen(command, stdout=told, stderr=complaints)

    @property
    def complaints(self) -> str:
        """What it has said on standard error."""
        return self._complaints.read_text(encoding="utf-8")

    def stop(self) -> str:
        """Ends it in good order; what it says that it has loaded."""
        wait_until(self._has_begun, "it reads a log")
        self.process.terminate()
        assert self.process.wait(30) == 0, self.complaints
        return self._told.read_text(encoding="utf-8")

    def _has_begun(self) -> bool:
        opened = Path(f"/proc/{self.process.pid}/fd")
        with suppress(FileNotFoundError):
            return any(each.resolve() in self._logs for each in opened.iterdir())
        return False

    def close(self) -> None:
        """Ends it whatever is."""
        self.process.kill()
        self.process.wait()


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """What is closed at the end."""
    with ExitStack() as stack:
        yield stack


def count(url: str, table: str = "records") -> int:
    """How many rows there are."""
    with Database(url) as database, database.transaction(reading=True) as connection:
        return int(connection.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one())


def lines_of(*logs: Path) -> int:
    """How many lines the logs have."""
    return sum(len(log.read_bytes().splitlines()) for log in logs)


@pytest.mark.parametrize("seed", range(12))
def test_views_and_story_are_those_of_the_logs(tmp_path: Path, postgres_url: str, seed: int) -> None:
    logs = tangle(tmp_path, seed)
    assert load(postgres_url, logs)[1] == count(postgres_url)
    story = tell(logs)
    for view, rows in command_rows(story).items():
        assert view_rows(postgres_url, view) == rows
    assert tell_store(postgres_url) == story
    before = view_rows(postgres_url, "records")
    assert load(postgres_url, logs) == (0, 0)
    assert view_rows(postgres_url, "records") == before


def test_both_databases_hold_the_same(tmp_path: Path, postgres_url: str) -> None:
    logs, embedded = tangle(tmp_path, 3), str(tmp_path / "store.db")
    for store in (postgres_url, embedded):
        load(store, logs)
    for table in ("records", "doubles"):
        one, other = (
            sorted((row[:-1] for row in view_rows(store, table)), key=repr)
            for store in (postgres_url, embedded)
        )
        assert one == other


def test_the_command_tells_from_the_store(tmp_path: Path, postgres_url: str) -> None:
    log = write_log(tmp_path / "log", [submit(0), ask(9, "SUCCESS")])
    assert run("load", log, "--to", postgres_url).stdout == "5 records read: 5 new, 0 already there\n"
    for command in ("jobs", "findings"):
        told = run(command, "--from", postgres_url)
        assert told.exit_code == 0
        assert told.stdout == run(command, log).stdout


STATUSES = ((20, "RUNNING"), (30, "SUCCESS"))


def test_two_instances_are_one_story(tmp_path: Path, postgres_url: str) -> None:
    """Each job is submitted through one proxy and asked for through the other; one log is rotated away."""
    jobs = [f"job-{n}" for n in range(6)]
    asked = [ask(at + n, status, job) for n, job in enumerate(jobs) for at, status in STATUSES]
    submitted = [submit(n, job) for n, job in enumerate(jobs)]
    a = write_log(tmp_path / "a", [*submitted[:3], *asked[6:]], instance="proxy-a", ends=99)
    b = write_log(tmp_path / "b", submitted[3:], instance="proxy-b", ends=15, stop=False)
    b.with_name("b.1.zst").write_bytes(ZstdCompressor().compress(b.read_bytes()))
    b.unlink()
    write_log(b, asked[:6], instance="proxy-b", ends=99)
    for log in (a, b):
        run("load", log, "--to", postgres_url)
    story = tell([a, b])
    assert [(job.job_id, job.state) for job in story.jobs] == [(job, "final") for job in jobs]
    assert story.findings == ()
    assert tell_store(postgres_url).jobs == story.jobs
    for view, rows in command_rows(story).items():
        assert view_rows(postgres_url, view) == rows
    for command in ("jobs", "findings"):
        told = run(command, "--from", postgres_url, "--format", "json")
        assert told.stdout == run(command, a, b, "--format", "json").stdout
    assert run("report", "--from", postgres_url, "--format", "json").exit_code == 0


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_postgresql_stops_and_starts_while_a_log_is_followed(
    tmp_path: Path, postgres: Postgres, postgres_url: str, opened: ExitStack, mode: str
) -> None:
    log = write_log(tmp_path / "log", [submit(0)], stop=False)
    following = Following(postgres_url, tmp_path, "loader", log)
    opened.callback(following.close)
    wait_until(lambda: "loaded_files" in tables(postgres_url), "the schema is made")
    wait_until(lambda: count(postgres_url) == lines_of(log), "the first lines are loaded")

    postgres.stop(mode)
    try:
        write_log(log, [submit(n, f"job-{n}") for n in range(1, 200)], stop=False)
        wait_until(lambda: "trying again" in following.complaints, "it is told")
    finally:
        postgres.start()
    wait_until(lambda: count(postgres_url) == lines_of(log), "what came meanwhile is loaded")
    write_log(log, [submit(300, "later")])
    wait_until(lambda: count(postgres_url) == lines_of(log), "it goes on")

    told = following.stop()
    assert told == f"{lines_of(log)} records read: {lines_of(log)} new, 0 already there\n"
    complaints = following.complaints.splitlines()
    assert ["trying again" in line for line in complaints] == [True, False]
    assert complaints[1].endswith("is back")
    assert PASSWORD not in following.complaints
    assert command_rows(tell([log]))["jobs"] == view_rows(postgres_url, "jobs")


def test_a_loader_that_is_killed_leaves_nothing_half_done(
    tmp_path: Path, postgres_url: str, opened: ExitStack
) -> None:
    log = _multiplied(write_log(tmp_path / "log", [submit(n / 10, f"job-{n}") for n in range(100)]), 60)
    following = Following(postgres_url, tmp_path, "loader", log)
    opened.callback(following.close)
    wait_until(lambda: "records" in tables(postgres_url), "the schema is made")
    wait_until(lambda: count(postgres_url) > 0, "it has begun")
    following.close()
    loaded = count(postgres_url)
    assert load(postgres_url, [log]) == (lines_of(log) - loaded, lines_of(log) - loaded)
    assert count(postgres_url) == lines_of(log)


def _multiplied(log: Path, times: int) -> Path:
    """So many records that they are not stored all at once; nothing is asked of what they tell."""
    head, *lines = log.read_bytes().splitlines(keepends=True)
    start = re.compile(rb'(?<="record_id":")[0-9a-f]{8}')
    copies = (start.sub(b"%08x" % number, line) for number in range(times) for line in lines)
    log.write_bytes(head + b"".join(copies))
    return log


def tables(url: str) -> set[str]:
    """The names of the tables."""
    with Database(url) as database, database.transaction(reading=True) as connection:
        return set(connection.execute(text("SELECT tablename FROM pg_tables")).scalars())


def test_loaders_at_once(tmp_path: Path, postgres_url: str, opened: ExitStack) -> None:
    """Three of the same logs, in different orders, while the logs grow and there is no schema yet."""
    logs = [write_log(tmp_path / f"log-{n}", [], instance=f"proxy-{n}", stop=False) for n in range(3)]
    loaders = [
        Following(postgres_url, tmp_path, f"loader-{n}", *logs[n:], *logs[:n]) for n in range(len(logs))
    ]
    for loader in loaders:
        opened.callback(loader.close)
    for step in range(20):
        for log in logs:
            write_log(log, [submit(step + n / 100, f"{log.name}-{step}-{n}") for n in range(20)], stop=False)
    for log in logs:
        write_log(log, [submit(999, log.name)])
    wait_until(lambda: "records" in tables(postgres_url), "the schema is made")
    wait_until(lambda: count(postgres_url) == lines_of(*logs), "all is loaded")
    told = [loader.stop() for loader in loaders]
    assert [loader.complaints for loader in loaders] == ["", "", ""]
    assert sum(int(each.split()[3]) for each in told) == lines_of(*logs)
    assert count(postgres_url, "doubles") == 0
    assert tell_store(postgres_url) == tell(logs)


def test_two_loaders_of_the_same_replayed_records_do_not_lock_each_other_out(
    tmp_path: Path, postgres_url: str
) -> None:
    outcomes = [submit(n / 10, f"job-{n}") for n in range(500)]
    logs = [write_log(tmp_path / name, outcomes, instance=name) for name in ("a", "b")]
    loading = [threading.Thread(target=load, args=(postgres_url, each)) for each in (logs, logs[::-1])]
    for each in loading:
        each.start()
    for each in loading:
        each.join()
    assert count(postgres_url) + count(postgres_url, "doubles") == lines_of(*logs)
    assert tell_store(postgres_url) == tell(logs)


def test_what_postgresql_refuses_is_told(tmp_path: Path, postgres_url: str) -> None:
    log = write_log(tmp_path / "log", [submit(n, f"job-{n}") for n in range(9)])
    whole = log.read_bytes().splitlines(keepends=True)
    whole[4] = whole[4].replace(b'"flow_id"', b'"flow\\q":1,"flow_id"')
    whole[6] = whole[6].replace(b"job-5", b"nul\\u0000")
    log.write_bytes(b"".join(whole))
    damaged: list[Damaged] = []
    with closing(Loader(Database(postgres_url), [log], tell=print, damage=damaged.append)) as loader:
        loader.load()
    assert [(each.path, each.line) for each in damaged] == [(log, 5)]
    assert count(postgres_url) == len(whole) - 1
    assert loader.tally.new == loader.tally.records == len(whole) - 1
    assert r"nul\u0000" in {row[1] for row in view_rows(postgres_url, "jobs")}


def test_sql_reads_the_whole_record(tmp_path: Path, postgres_url: str) -> None:
    load(postgres_url, [write_log(tmp_path / "log", [submit(0, "8ab1")])])
    query = text("SELECT record->'submission'->>'job_id' FROM records WHERE job_id = '8ab1' AND has_job")
    with Database(postgres_url) as database, database.transaction(reading=True) as connection:
        assert connection.execute(query).scalars().all() == ["8ab1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((PASSWORD, "wrong-canary"), "password authentication failed"),
        (("/store", "/nowhere"), 'database "nowhere'),
    ],
)
def test_what_cannot_be_connected_to(postgres_url: str, change: tuple[str, str], message: str) -> None:
    wrong = postgres_url.replace(*change)
    with Database(wrong) as database, pytest.raises(StoreError) as error:
        database.set_up()
    assert message in str(error.value)
    assert "canary" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_database_without_a_store(postgres_url: str) -> None:
    result = run("jobs", "--from", postgres_url)
    assert result.exit_code == 2
    assert "there is none; taskaudit load LOG --to makes one" in result.stderr
    assert PASSWORD not in result.stderr


def test_the_speed_is_told(tmp_path: Path, postgres_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    log = write_log(tmp_path / "log", [submit(n / 10, f"job-{n}") for n in range(2000)])
    began = perf_counter()
    records, _ = load(postgres_url, [log])
    with capsys.disabled():
        print(f"\n{records / (perf_counter() - began):,.0f} records/s, the start included")
