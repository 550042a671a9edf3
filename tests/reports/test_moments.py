"""One log at every moment of its life: what a person reads agrees with the sum of the records, everywhere."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskaudit.auditor import Outcome
from taskaudit.config.loading import load
from taskaudit.contract.words import Language
from taskaudit.lifecycle import Lifecycle
from taskaudit.log import LogFile
from taskaudit.log.settings import LogSettings
from taskaudit.policy.policy import Policy
from taskaudit.recording.board import Board
from taskaudit.recording.recorder import Recorder
from taskaudit.reports.formats import Format, render
from taskaudit.reports.gather import gather
from taskaudit.reports.html import live_html
from taskaudit.reports.model import Report, live_report
from taskaudit.story.story import tell
from taskaudit.story.tables import findings_lines, story_lines
from taskaudit.story.told import REPLAYED
from tests.reports.runs import aborted, refused
from tests.samples import outcome, waiver
from tests.stories import START, ask, submit, under

OTHER = "other"
KNOWN = Policy(waivers=[waiver("TA306")])
COVERAGE = re.compile(r"seen (\d+) = other (\d+) \+ audited (\d+) \+ unaudited (\d+)")
HEADLINE = re.compile(
    r"(?:No findings|(?:(\d+) errors?)?(?:, )?(?:(\d+) warnings?)?(?:, )?(?:(\d+) infos?)?)"
    r"(?: \((\d+) more waived\))? in (\d+) audited exchange"
)
SMALL = LogSettings.model_construct(rotate_bytes=16_000)
"""Less than can be configured: each file begins with some thousand bytes."""


def exchange(kind: str, n: int) -> Outcome:
    """The n-th exchange, at its second."""
    made = {
        "submit": lambda: submit(n, f"job-{n}"),
        "ask": lambda: ask(n, "RUNNING", "job-0"),
        "refuse": lambda: refused(n),
        "waive": lambda: under(KNOWN, [refused(n)])[0],
        "abort": lambda: aborted(n),
        OTHER: lambda: outcome(method="GET", path="/v1/0123/flavors", started=START + n, ended=START + n),
    }
    return made[kind]()


KINDS = st.lists(
    st.sampled_from(["submit", "ask", "refuse", "waive", "abort", OTHER]), min_size=1, max_size=30
)


class Run(NamedTuple):
    """A log with what wrote it last, and the live story of that."""

    log: Path
    board: Board
    recorder: Recorder


def record(folder: Path, kinds: Iterable[str], *, log: LogFile | None = None, at: int = 0) -> Run:
    """A session that goes on; totals are recorded after each fifth exchange."""
    board = Board()
    log = log or LogFile(folder / "audit.ndjson", SMALL)
    clock = [START]
    recorder = Recorder(
        log,
        instance_id=folder.name,
        mode="regular",
        config_digest="d" * 64,
        lifecycle=Lifecycle(),
        board=board,
        clock=lambda: clock[0],
    )
    recorder.start()
    for n, kind in enumerate(kinds, at):
        clock[0] = START + n
        recorder.record(exchange(kind, n))
        if n % 5 == 4:
            recorder.stats()
    return Run(log.path, board, recorder)


def empty(folder: Path, _: list[str]) -> Run:
    """The proxy has started."""
    return record(folder, [])


def first(folder: Path, kinds: list[str]) -> Run:
    """The first exchange has passed."""
    return record(folder, kinds[:1])


def running(folder: Path, kinds: list[str]) -> Run:
    """It goes on, and has been rotated meanwhile."""
    return record(folder, kinds)


def killed(folder: Path, kinds: list[str]) -> Run:
    """In the middle of a line."""
    run = record(folder, [*kinds, "submit"])
    run.recorder.log.close()
    run.log.write_bytes(run.log.read_bytes()[:-7])
    return run


def pruned(folder: Path, kinds: list[str]) -> Run:
    """Of many small files the oldest are gone."""
    run = record(folder, (kinds * 120)[:120])
    for old in sorted(folder.glob("audit.*-*.ndjson"))[:-1]:
        old.unlink()
    return run


def reloaded(folder: Path, kinds: list[str]) -> Run:
    """A configuration was accepted: a second session in the same file."""
    run = record(folder, kinds)
    run.recorder.stop(close=False, is_last=False)
    assert isinstance(run.recorder.log, LogFile)
    return record(folder, kinds, log=run.recorder.log, at=1000)


def stopped(folder: Path, kinds: list[str]) -> Run:
    """All is told."""
    run = record(folder, kinds)
    run.recorder.stop()
    return run


MOMENTS = [empty, first, running, killed, pruned, reloaded, stopped]


def records_of(folders: Iterable[Path]) -> list[dict[str, Any]]:
    """The records of all files, without any of the readers."""
    lines = (
        line
        for folder in folders
        for path in folder.glob("audit*.ndjson")
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True)
    )
    return sorted(
        (json.loads(line) for line in lines if line.endswith("\n")),
        key=lambda each: (each["session_id"], each["seq"]),
    )


def sums(records: list[dict[str, Any]]) -> tuple[int, int, int, int]:
    """seen, other, audited, unaudited: by hand, as the contract has it."""
    other, audited, unaudited = 0, 0, 0
    for session in {each["session_id"] for each in records}:
        own = [each for each in records if each["session_id"] == session]
        told = [each.get("stats") or each["session"]["totals"] for each in own if totals_in(each)]
        other += told[-1]["other"] if told else 0
        if any(each["event_type"] == "session" and each["session"]["state"] == "stop" for each in own):
            audited += told[-1]["audited"]
            unaudited += sum(told[-1]["unaudited"].values())
        else:
            types = Counter(each["event_type"] for each in own)
            audited += types["submission"] + types["job_query"]
            unaudited += types["unaudited"]
    return other + audited + unaudited, other, audited, unaudited


def totals_in(each: dict[str, Any]) -> bool:
    return "stats" in each or bool(each.get("session", {}).get("totals"))


def readable(text: str) -> str:
    """As a person reads it, without escapes and line ends."""
    return " ".join(unescape(text).split())


def check_text(text: str, expected: tuple[int, ...], report: Report) -> None:
    lines = {tuple(map(int, found)) for found in COVERAGE.findall(readable(text))}
    assert lines == {expected}
    for *found, waived, audited in HEADLINE.findall(readable(text)):
        assert int(audited) == expected[2]
        assert [int(each or 0) for each in found] == list(report.severities.values())
        assert int(waived or 0) == sum(count for _, count in report.waived)


def check_tables(report: Report, records: list[dict[str, Any]]) -> None:
    """What is listed is what the records hold; findings over several exchanges are judged anew."""
    kept = Counter(each["event_type"] for each in records)
    assert sum(each.audited for each in report.operations) == kept["submission"] + kept["job_query"]
    assert sum(each.seen - each.audited for each in report.operations) == kept["unaudited"]
    found = [each["finding"] for each in records if each["event_type"] == "finding"]
    own = [each for each in found if each["rule"] not in REPLAYED]
    assert +Counter(dict(report.waived)) == Counter(each["rule"] for each in own if each["waiver"])
    told = Counter({rule: count for rule, count in report.rules if rule not in REPLAYED})
    assert +told == Counter(each["rule"] for each in own if not each["waiver"])
    assert sum(report.severities.values()) == sum(count for _, count in report.rules)
    counted = Counter[str]()
    for operation in report.operations:
        counted.update(dict(operation.rules))
    assert counted == +Counter(dict(report.rules))
    assert sum(each.waived for each in report.operations) == sum(count for _, count in report.waived)


def check_everywhere(folders: list[Path], logs: list[Path]) -> Report:
    """Every format of the report, and the text of `jobs` and `findings`."""
    records = records_of(folders)
    expected = sums(records)
    report = gather(logs, load(), clock=lambda: START + 5000)
    check_tables(report, records)
    for form in Format:
        text = render(report, form, Language.EN)
        assert COVERAGE.search(readable(text)), form
        headline = HEADLINE.search(readable(text)) or "Nothing was audited" in readable(text)
        assert form is Format.JSON or headline, form
        check_text(text, expected, report)
    counts = json.loads(render(report, Format.JSON, Language.EN))
    assert counts["counts"]["severities"] == {key.value: n for key, n in report.severities.items()}
    assert tuple(counts["coverage"][key] for key in ("seen", "other", "audited")) == expected[:3]
    story = tell(logs)
    for lines in (story_lines(story, []), findings_lines(story, story.findings)):
        check_text("\n".join(line.plain for line in lines), expected, report)
    return report


@pytest.mark.parametrize("moment", MOMENTS)
@settings(max_examples=8, deadline=None)
@given(kinds=KINDS)
def test_all_numbers_agree(moment: Any, kinds: list[str]) -> None:
    with TemporaryDirectory() as name:
        run = moment(Path(name), kinds)
        report = check_everywhere([Path(name)], [run.log])
        assert report.coverage.missing == 0
        assert bool(report.coverage.pruned) is (moment is pruned)
        assert bool(report.coverage.open_sessions) is (moment is not stopped)
        run.recorder.log.close()


@settings(max_examples=8, deadline=None)
@given(kinds=KINDS, others=KINDS)
def test_two_logs_agree(kinds: list[str], others: list[str]) -> None:
    """One proxy was killed, another runs; a copy of a log changes nothing."""
    with TemporaryDirectory() as name:
        folders = [Path(name, "a"), Path(name, "b")]
        for folder in folders:
            folder.mkdir()
        one = killed(folders[0], kinds)
        two = record(folders[1], others, at=5000)
        copy = Path(name, "copy")
        copy.write_bytes(one.log.read_bytes())
        report = check_everywhere(folders, [one.log, two.log])
        again = gather([one.log, two.log, copy], load(), clock=lambda: START + 5000)
        assert again.coverage == report.coverage
        two.recorder.log.close()


@settings(max_examples=15, deadline=None)
@given(kinds=KINDS)
def test_the_status_page_agrees(kinds: list[str]) -> None:
    with TemporaryDirectory() as name:
        run = record(Path(name), kinds)
        run.recorder.stats()
        records = records_of([Path(name)])
        report = live_report(run.board, START + 5000)
        check_tables(report, records)
        page = live_html(report, Language.EN, "")
        check_text(page, sums(records), report)
        assert HEADLINE.search(readable(page)) or not sums(records)[2]
        tiles = dict(re.findall(r"<dt>Findings: (\w+)</dt><dd>(\d+)</dd>", page))
        severities = {key.value: str(count) for key, count in report.severities.items()}
        assert {key: tiles[key] for key in severities} == severities
        run.recorder.log.close()
