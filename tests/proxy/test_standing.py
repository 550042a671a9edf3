"""What stands behind the hooks: begun, replaced while it runs, refused, ended."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from taskaudit.config.document import ConfigError
from taskaudit.contract.verdict import Severity
from taskaudit.contract.words import Language
from taskaudit.listener.access import Address
from taskaudit.listener.server import Listener, ListenError
from taskaudit.log import LogError
from taskaudit.proxy import standing as module
from taskaudit.proxy.standing import STATS_EVERY, Standing, Wanted, wanted
from taskaudit.reports.html import live_html
from taskaudit.reports.model import live_report
from tests.samples import BAD_ERROR, outcome

Lines = Callable[[], list[dict[str, Any]]]
SERVICE = """\
service: mine
provider: me
source: here
submissions:
  - method: POST
    path: /v1/things
    operations: [CreateThing]
"""
IGNORE = "catalogue: [./mine.yaml]\nunlisted: ignore\n"


@pytest.fixture
def standing() -> Iterator[Standing]:
    made = Standing()
    yield made
    if made.listener is not None and not made.listener.is_started:
        made.listener.stop()
    made.listener = None
    made.stop()


class Files:
    """A log, and a configuration with a service file of the user's own."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.config = folder / "taskaudit.yaml"
        self.service = folder / "mine.yaml"
        self.log = log
        self.write(self.service, SERVICE)
        self.write(self.config, "catalogue: [./mine.yaml]\n")

    def write(self, path: Path, text: str) -> None:
        """Writes a file in the place of what was there, as an editor does: it is another file then."""
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").replace(path)

    def wanted(self, **changed: Any) -> Wanted:
        """What the options say."""
        return Wanted(self.config, self.log, None, "regular")._replace(**changed)


@pytest.fixture
def files(tmp_path: Path, log_path: Path) -> Files:
    return Files(tmp_path, log_path)


@pytest.fixture
def begun(standing: Standing, files: Files) -> Standing:
    standing.set_up(files.wanted(), is_watched=False)
    standing.start()
    return standing


def states(lines: list[dict[str, Any]]) -> list[str]:
    """Of the sessions."""
    return [each["session"]["state"] for each in lines if each["event_type"] == "session"]


def faults(lines: list[dict[str, Any]]) -> list[str]:
    return [each["fault"]["message"] for each in lines if each["event_type"] == "fault"]


def routes(standing: Standing) -> set[str]:
    assert standing.auditor is not None
    return {route.name for route in standing.auditor.catalogue.routes}


def test_the_options() -> None:
    found = wanted("~/c.yaml", "~/log", "9101", "reverse", "~/b.yaml")
    home = Path.home()
    assert found == (home / "c.yaml", home / "log", Address("127.0.0.1", 9101), "reverse", home / "b.yaml")
    assert wanted("", "log", "", "regular") == (None, Path("log"), None, "regular", None)


@pytest.mark.parametrize(("log", "listen", "error"), [("", "", LogError), ("log", "nowhere", ValueError)])
def test_wrong_options(log: str, listen: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        wanted("", log, listen, "regular")


def test_a_session_begins_and_ends(begun: Standing, lines: Lines) -> None:
    assert routes(begun) == {"mine:CreateThing"}
    begun.stop()
    assert states(lines()) == ["start", "stop"]
    assert begun.recorder is None


def test_what_is_as_it_was_begins_no_session(begun: Standing, files: Files, lines: Lines) -> None:
    before = begun.recorder
    begun.set_up(files.wanted(), is_watched=False)
    assert begun.recorder is before
    assert states(lines()) == ["start"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("config", IGNORE),
        ("service", SERVICE.replace("Thing", "Other")),
    ],
)
def test_a_changed_file_is_read_at_the_next_tick(
    begun: Standing, files: Files, lines: Lines, path: str, text: str
) -> None:
    digest = begun.recorder.config_digest if begun.recorder else ""
    begun.tick()
    assert states(lines()) == ["start"]
    files.write(getattr(files, path), text)
    begun.tick()
    assert states(lines()) == ["start", "stop", "start"]
    assert begun.recorder is not None
    assert begun.recorder.config_digest != digest
    begun.tick()
    assert states(lines()) == ["start", "stop", "start"]


def test_a_file_that_is_written_again_as_it_was_begins_no_session(
    begun: Standing, files: Files, lines: Lines
) -> None:
    files.write(files.service, SERVICE)
    begun.tick()
    assert states(lines()) == ["start"]


BROKEN = [("config", "catalogue: [\n"), ("service", "service: [\n"), ("config", "unlistd: ignore\n")]


@pytest.mark.parametrize(("path", "text"), BROKEN)
def test_a_wrong_file_is_refused_told_once_and_healed(
    begun: Standing, files: Files, lines: Lines, caplog: pytest.LogCaptureFixture, path: str, text: str
) -> None:
    good = getattr(files, path).read_text()
    files.write(getattr(files, path), text)
    for _ in range(3):
        begun.tick()
    assert routes(begun) == {"mine:CreateThing"}
    [message] = faults(lines())
    assert getattr(files, path).name in message
    assert [each["fault"]["reason"] for each in lines() if "fault" in each] == ["config_rejected"]
    [reason] = begun.health.reasons()
    assert message in reason
    assert begun.status() == reason
    assert not begun.measured().is_healthy
    assert caplog.text.count("the last good configuration stays in force") == 1
    files.write(getattr(files, path), good)
    begun.tick()
    assert list(begun.health.reasons()) == []
    assert states(lines()) == ["start"]


def test_a_configuration_is_healed_by_a_service_file_that_only_it_names(
    begun: Standing, files: Files, tmp_path: Path
) -> None:
    second = tmp_path / "second.yaml"
    files.write(files.config, "catalogue: [./mine.yaml, ./second.yaml]\n")
    begun.tick()
    assert "second.yaml: no such file" in begun.status()
    files.write(second, "service: [\n")
    begun.tick()
    assert "second.yaml, line" in begun.status()
    files.write(second, SERVICE.replace("mine", "second").replace("hing", "hink"))
    begun.tick()
    assert list(begun.health.reasons()) == []
    assert routes(begun) == {"mine:CreateThing", "second:CreateThink"}


def test_a_file_that_changes_while_it_is_read_is_read_again(
    standing: Standing, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = module.load

    def slow(path: Path | None, baseline: Path | None) -> Any:
        loaded = load(path, baseline)
        files.write(files.service, SERVICE.replace("Thing", "Other"))
        return loaded

    monkeypatch.setattr(module, "load", slow)
    standing.set_up(files.wanted(), is_watched=False)
    assert routes(standing) == {"mine:CreateThing"}
    monkeypatch.undo()
    standing.tick()
    assert routes(standing) == {"mine:CreateOther"}


def test_a_missing_file_is_refused(begun: Standing, files: Files) -> None:
    files.config.unlink()
    begun.tick()
    assert "taskaudit.yaml: no such file" in begun.status()
    assert routes(begun) == {"mine:CreateThing"}


def test_a_message_is_harmless_and_short(begun: Standing, files: Files) -> None:
    files.write(files.config, f'"\\e[31m{"x" * 5000}": 1\n')
    begun.tick()
    assert begun.health.rejected is not None
    assert "\x1b" not in begun.health.rejected
    assert len(begun.health.rejected) < 600


def test_renewed_it_reads_the_configuration_and_opens_the_log_anew(
    begun: Standing, files: Files, tmp_path: Path
) -> None:
    moved = tmp_path / "moved"
    files.log.rename(moved)
    files.write(files.config, IGNORE)
    begun.renew()
    begun.stop()
    records = {
        path: [json.loads(line) for line in path.read_text().splitlines()] for path in (moved, files.log)
    }
    assert [states(each) for each in records.values()] == [["start"], ["continue", "stop", "start", "stop"]]


def test_renewed_before_the_start_nothing_happens(standing: Standing) -> None:
    standing.renew()
    assert standing.tick() == []


def test_another_log_is_refused_with_what_was_in_force_kept(
    begun: Standing, files: Files, tmp_path: Path
) -> None:
    begun.set_up(files.wanted(listen=Address("127.0.0.1", 0)), is_watched=False)
    listener, recorder = begun.listener, begun.recorder
    nowhere = files.wanted(log=tmp_path / "none" / "log", listen=Address("127.0.0.2", 0))
    with pytest.raises(LogError):
        begun.set_up(nowhere, is_watched=False)
    assert (begun.listener, begun.recorder) == (listener, recorder)


def test_wrong_configurations_and_addresses_are_refused(
    begun: Standing, files: Files, tmp_path: Path
) -> None:
    recorder = begun.recorder
    with pytest.raises(ConfigError):
        begun.set_up(files.wanted(config=tmp_path / "none.yaml"), is_watched=False)
    taken = Listener(Address("127.0.0.1", 0), {})
    with pytest.raises(ListenError):
        begun.set_up(files.wanted(listen=taken.address), is_watched=False)
    taken.stop()
    assert (begun.recorder, begun.listener) == (recorder, None)
    begun.tick()
    begun.tick()
    assert begun.recorder is recorder


def test_a_language_that_is_none_is_refused(
    standing: Standing, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKAUDIT_LANG", "fr")
    with pytest.raises(ConfigError, match="TASKAUDIT_LANG"):
        standing.set_up(files.wanted(), is_watched=False)
    monkeypatch.setenv("TASKAUDIT_LANG", "zh")
    standing.set_up(files.wanted(), is_watched=False)
    assert standing.language is Language.ZH


def test_the_story_is_kept_only_where_somebody_sees_it(begun: Standing, files: Files, lines: Lines) -> None:
    assert begun.board is None
    begun.set_up(files.wanted(), is_watched=True)
    board = begun.board
    assert board is not None
    assert states(lines()) == ["start", "stop", "start"]
    files.write(files.config, IGNORE)
    begun.tick()
    assert begun.board is board


def test_counts_go_on_over_sessions(begun: Standing, files: Files, tmp_path: Path) -> None:
    begun.set_up(files.wanted(), is_watched=True)
    for name in ("one", "two"):
        assert begun.recorder is not None
        begun.recorder.record(outcome(BAD_ERROR, 400))
        begun.set_up(files.wanted(log=tmp_path / name), is_watched=True)
    assert begun.board is not None
    assert begun.totals().seen == live_report(begun.board, 0).coverage.totals.seen == 2
    assert begun.measured().totals.findings == {"TA306": 2}
    assert begun.status() == "seen 2 = other 0 + audited 2 + unaudited 0"
    begun.stop()
    assert begun.totals().seen == 2


@pytest.mark.parametrize(
    ("fail_on", "has"), [(Severity.ERROR, True), (Severity.WARNING, True), (Severity.INFO, True)]
)
def test_whether_there_was_a_finding(begun: Standing, fail_on: Severity, has: bool) -> None:
    assert not begun.has(fail_on)
    assert begun.recorder is not None
    begun.recorder.record(outcome(BAD_ERROR, 400))
    assert begun.has(fail_on) is has


def test_the_last_line_counts_from_the_start_of_the_process(
    begun: Standing, files: Files, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for name in ("first", "second"):
        assert begun.recorder is not None
        begun.recorder.record(outcome())
        begun.set_up(files.wanted(log=tmp_path / name), is_watched=False)
    begun.stop()
    assert caplog.messages[-1] == "taskaudit: seen 2 = other 0 + audited 2 + unaudited 0"


def test_lesser_findings_are_none(begun: Standing) -> None:
    assert begun.recorder is not None
    begun.recorder.record(outcome('{"job_id": "a/b"}'))
    assert begun.totals().severities == {Severity.WARNING: 1}
    assert (begun.has(Severity.ERROR), begun.has(Severity.WARNING)) == (False, True)


def test_stats_come_at_their_time(begun: Standing, lines: Lines) -> None:
    for _ in range(2 * STATS_EVERY):
        begun.tick()
    assert [each["event_type"] for each in lines()] == ["session", "stats", "stats"]


def test_the_page_shows_what_healthz_says(begun: Standing, files: Files) -> None:
    begun.set_up(files.wanted(), is_watched=True)
    well, version = live_html(begun._take()(), Language.EN, ""), begun.version()
    assert '<section id="health" role="alert" class="unseen">' in well
    begun.health.rejected = "a.yaml, line 3: no <such> member"
    begun.health.failed("KeyError in look, line 3")
    assert begun.version() != version  # So that an open page fetches it.
    page = unescape(live_html(begun._take()(), Language.EN, ""))
    assert '<section id="health" role="alert" class="trouble">' in page
    for reason in begun.health.reasons():
        assert f"<p>{reason}</p>" in page
    begun.health.rejected = None
    assert "no <such> member" not in unescape(live_html(begun._take()(), Language.EN, ""))


def test_versions_differ_when_something_has_happened_and_between_runs(
    begun: Standing, files: Files, tmp_path: Path
) -> None:
    begun.set_up(files.wanted(), is_watched=True)
    versions = [begun.version()]
    for other in (outcome(), outcome(path="/else", method="GET", body=None), outcome(BAD_ERROR, 400)):
        assert begun.recorder is not None
        begun.recorder.record(other)
        versions.append(begun.version())
    begun.set_up(files.wanted(log=tmp_path / "other"), is_watched=True)
    versions.append(begun.version())
    again = Standing()
    again.set_up(files.wanted(log=tmp_path / "again"), is_watched=True)
    versions.append(again.version())
    again.stop()
    versions.append(again.version())
    assert len(set(versions)) == len(versions)
    assert begun.version() == begun.version()


def test_the_listener_moves_when_the_option_does(
    standing: Standing, files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    async def move() -> None:
        found = []
        for host in ("127.0.0.1", "127.0.0.1", "127.0.0.2"):
            standing.set_up(files.wanted(listen=Address(host, 0)), is_watched=False)
            standing.listen()
            assert standing.listener is not None
            found.append(standing.listener)
            assert await _answers(standing.listener.address)
        assert found[0] is found[1] is not found[2]
        assert not await _answers(found[0].address)
        standing.set_up(files.wanted(listen=None), is_watched=False)
        assert standing.listener is None
        assert not await _answers(found[2].address)

    caplog.set_level(logging.INFO)
    asyncio.run(move())
    told = [each.getMessage() for each in caplog.records if "status page" in each.getMessage()]
    assert [line.rpartition(":")[0] for line in told] == [
        f"taskaudit: status page: http://{host}" for host in ("127.0.0.1", "127.0.0.2")
    ]


def test_a_session_that_is_replaced_keeps_the_listener(standing: Standing, files: Files) -> None:
    async def change() -> None:
        standing.set_up(files.wanted(listen=Address("127.0.0.1", 0)), is_watched=False)
        standing.listen()
        listener = standing.listener
        assert listener is not None
        files.write(files.config, IGNORE)
        standing.tick()
        assert standing.listener is listener
        assert await _answers(listener.address)
        standing.stop()
        assert not await _answers(listener.address)

    asyncio.run(change())


async def _answers(address: Address) -> bool:
    try:
        reader, writer = await asyncio.open_connection(*address)
    except OSError:
        return False
    writer.write(f"GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.endswith(b"ok\n")


def test_a_baseline_waives_what_was_there_before(standing: Standing, files: Files, lines: Lines) -> None:
    """It is read anew when it changes, as the configuration is."""
    baseline = files.log.with_name("base.yaml")
    files.write(baseline, "findings: []\n")
    standing.set_up(files.wanted(baseline=baseline), is_watched=False)
    standing.start()

    def record(flow_id: str) -> dict[str, Any]:
        assert standing.auditor is not None
        assert standing.recorder is not None
        seen = outcome(BAD_ERROR, 400, path="/v1/things", flow_id=flow_id)
        standing.recorder.record(standing.auditor.look(seen.exchange))
        found: dict[str, Any] = lines()[-1]["finding"]
        return found

    first = record("1")
    assert first["waiver"] is None
    line = {"rule": "TA306", "route": "mine:CreateThing", "pointer": "/error/code"}
    entry = json.dumps({**line, "fingerprint": first["fingerprint"]})
    files.write(baseline, f"findings:\n- {entry}\n")
    standing.tick()
    assert record("2")["waiver"] == {"reason": "base.yaml", "owner": "baseline", "until": "9999-12-31"}
    assert [standing.has(Severity.ERROR), standing.totals().waived["TA306"]] == [True, 1]
