"""Secrets in headers, queries, request bodies and unnamed members of answers appear in no output.

Where they are planted, and what the contract allows to be shown, stands in `tests/canary.py`.
"""

from __future__ import annotations

import io
import json
import logging
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from click.testing import Result
from mitmproxy import command, http
from mitmproxy.addons.view import View
from mitmproxy.io import FlowReader, FlowWriter
from mitmproxy.test import taddons
from typer.testing import CliRunner

from taskaudit.bug.curl import curl_command
from taskaudit.bug.text import bug_text
from taskaudit.cli import app
from taskaudit.config.loading import load
from taskaudit.contract.words import Language
from taskaudit.proxy.addon import TaskAudit
from taskaudit.proxy.annotate import KEY, findings_on
from taskaudit.reports.formats import Format
from taskaudit.reports.gather import gather
from taskaudit.reports.html import live_html, sections_html
from taskaudit.sources import reading
from taskaudit.sources.reading import Captured, read
from taskaudit.sources.window import Window
from tests import canary
from tests.canary import found, places, secret
from tests.hostile import KNOWN_ID, entry, flow_file, flows, har, log_of, outcomes
from tests.samples import BAD_ERROR, auditor


class Planted(NamedTuple):
    """The same secrets in captures of each kind and in the log of a proxy."""

    har: Path
    flows: Path
    raw: Path
    bare: Path
    curl: Path
    terraform: Path
    packed: Path
    log: Path


@pytest.fixture(scope="module", autouse=True)
def configured_once() -> Iterator[None]:
    """The shipped configuration is the same for each of many commands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("taskaudit.config.loading.load", cache(load))
        yield


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    folder = tmp_path_factory.mktemp("planted")
    listed = list(canary.entries())
    capture, flow = har(folder, listed), flow_file(folder, listed)
    raw, bare = folder / "answers.txt", folder / "bodies"
    raw.write_text(canary.raw_response(), encoding="utf-8")
    bare.mkdir()
    for number, (_, body, _) in enumerate((*canary.sound(), *canary.broken())):
        text = body if isinstance(body, str) else json.dumps(body, indent=1)
        (bare / f"{number:02}.json").write_text(text, encoding="utf-8")
    curl, terraform, packed = folder / "curl.txt", folder / "terraform.log", folder / "packed.zip"
    curl.write_text(canary.transcript(), encoding="utf-8")
    terraform.write_text(canary.debug_log(), encoding="utf-8")
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        archive.write(capture, "capture.har")
        archive.writestr("damaged.har", b"\x00" + capture.read_bytes()[1:])
        archive.writestr("notes.txt", secret("token"))
    log = log_of(folder / "log", [capture, flow])
    return Planted(capture, flow, raw, bare, curl, terraform, packed, log)


def run(*arguments: str | Path, language: Language = Language.EN) -> Result:
    environment = {"COLUMNS": "100", "TASKAUDIT_LANG": language.value}
    result = CliRunner().invoke(app, list(map(str, arguments)), env=environment)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


CAPTURES = ("har", "flows", "raw", "bare", "curl", "terraform", "packed")
COMMANDS = {
    **{f"check of {source}": (source, "check") for source in CAPTURES},
    **{f"check json of {source}": (source, "check", "-f", "json") for source in CAPTURES},
    **{f"bug of {source}": (source, "bug") for source in CAPTURES},
    **{f"jobs as {form}": ("log", "jobs", "-f", form) for form in ("table", "json", "csv")},
    **{f"one job as {form}": ("log", "jobs", "--job", KNOWN_ID, "-f", form) for form in ("table", "json")},
    **{f"findings as {form}": ("log", "findings", "-f", form) for form in ("table", "json", "csv")},
    **{
        f"report of {source} as {form}": (source, "report", "-f", form.value)
        for source in (*CAPTURES, "log")
        for form in Format
    },
}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_prints_a_secret(planted: Planted, command: str) -> None:
    source, *arguments = COMMANDS[command]
    for language in Language:
        result = run(*arguments, getattr(planted, source), language=language)
        assert len(result.stdout) > 200
        assert found(result.stdout, places()) == []
        assert found(result.stderr, places()) == []


def test_secrets_would_be_found() -> None:
    """As they are, in the middle of something, encoded for a URL or in base64."""
    for place in places():
        whole = secret(place)
        told = f"Basic {b64encode(f'user:{whole}'.encode()).decode()}"
        for text in (
            whole,
            whole[:8],
            f"<{whole[-8:]}",
            quote(whole, safe=""),
            json.dumps({"x": whole}),
            told,
        ):
            assert found(text, places()) == [place], place


def test_the_captures_hold_them_all(planted: Planted) -> None:
    assert set(found(planted.har.read_text(encoding="utf-8"), places())) == set(places())
    assert len(set(places())) == len(places())


def test_each_source_is_tried(planted: Planted) -> None:
    paths = [getattr(planted, source) for source in CAPTURES]
    files = [each for path in paths for each in (path.iterdir() if path.is_dir() else [path])]
    tried = {reading.format_of(Window(io.BytesIO(each.read_bytes()))) for each in files}
    with ZipFile(planted.packed) as archive:
        tried |= {reading.format_of(Window(io.BytesIO(archive.read(each)))) for each in archive.infolist()}
    assert tried == set(reading.Format) - {reading.Format.LOG}


@pytest.mark.parametrize("source", ["har", "flows"])
def test_each_exchange_is_in_scope(planted: Planted, source: str) -> None:
    """Else nothing of the above would be known."""
    judged = list(outcomes([getattr(planted, source)]))
    assert len(judged) == len(list(canary.entries()))
    assert all(outcome.audited for outcome in judged)
    rules = {finding.rule for outcome in judged for finding in outcome.findings}
    assert {"TA005", "TA006", "TA007", "TA009", "TA101", "TA103", "TA105", "TA404", "TA508"} <= rules


def test_a_log_holds_none(planted: Planted) -> None:
    assert found(planted.log.read_text(encoding="utf-8"), places()) == []


@pytest.mark.parametrize("source", CAPTURES)
@pytest.mark.parametrize("language", Language)
def test_no_bug_report_holds_one(planted: Planted, source: str, language: Language) -> None:
    audit, path = auditor(), getattr(planted, source)
    for each in sorted(path.iterdir()) if path.is_dir() else [path]:
        for item in read(each):
            if not isinstance(item, Captured):
                continue
            outcome = audit.look(item.exchange)
            assert found(curl_command(outcome.exchange) or "", places()) == []
            for finding in outcome.findings:
                assert found(bug_text(outcome, finding, 1, language), places()) == [], finding


@pytest.mark.parametrize("language", Language)
def test_no_status_page_holds_one(planted: Planted, language: Language) -> None:
    report = gather([planted.har, planted.log], load())
    assert found(live_html(report, language, "1"), places()) == []
    assert found(sections_html(report, language), places()) == []


@pytest.mark.parametrize("is_headless", [False, True])
def test_no_proxy_tells_or_notes_one(
    log_path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, is_headless: bool
) -> None:
    caplog.set_level(logging.INFO)
    passed = flows(canary.entries())
    audit = TaskAudit(headless=is_headless)
    with taddons.context(loadcore=True) as context:
        context.master.addons.add(View(), audit)
        context.configure(audit, taskaudit_log=str(log_path))
        for flow in passed:
            audit.requestheaders(flow)
            audit.responseheaders(flow)
            audit.response(flow)
        audit.done()
        told = [each.getMessage() for each in caplog.records if each.name.startswith("taskaudit")]
    assert len(told) > 20
    assert found("\n".join(told), places()) == []
    assert found(log_path.read_text(encoding="utf-8"), places()) == []
    if not is_headless:
        notes = [(flow.marked, flow.comment, flow.metadata[KEY]) for flow in saved(tmp_path, passed)]
        assert found(json.dumps(notes), places()) == []


class Console:
    """What tells the console of mitmproxy from the other front ends."""

    @command.command("console.view.eventlog")
    def eventlog(self) -> None:
        """Never called."""


@pytest.mark.parametrize("others", [(), (Console(),)], ids=["mitmweb", "console"])
def test_no_command_in_a_front_end_tells_one(
    log_path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, others: tuple[object, ...]
) -> None:
    """The content view alone shows a body as it is, as mitmproxy does: what commands say is logged, too."""
    caplog.set_level(logging.INFO)
    audit, view = TaskAudit(), View()
    with taddons.context(loadcore=True) as context:
        context.master.addons.add(view, audit, *others)
        context.configure(audit, taskaudit_log=str(log_path))
        execute, told = context.master.commands.execute, []
        for flow in flows(canary.entries()):
            for hook in ("requestheaders", "response"):
                getattr(audit, hook)(flow)
                getattr(view, hook)(flow)
            view.focus.flow = flow
            told += execute("taskaudit.explain" if others else "taskaudit.explain TA306")
            if findings_on(flow):
                told += execute(f"taskaudit.bug @focus {tmp_path / 'bug.md'}")
                told.append((tmp_path / "bug.md").read_text(encoding="utf-8"))
        for name in ("summary", "jobs"):
            told += execute(f"taskaudit.{name}")
        execute("taskaudit.next")
        execute("taskaudit.recheck @all")
        audit.done()
    assert len(told) > 200
    assert found("\n".join([*told, *caplog.messages]), places()) == []


def saved(folder: Path, passed: list[http.HTTPFlow]) -> list[http.HTTPFlow]:
    """The flows as they come back from a file."""
    path = folder / "saved"
    with path.open("wb") as file:
        writer = FlowWriter(file)
        for flow in passed:
            writer.add(flow)
    with path.open("rb") as file:
        return [flow for flow in FlowReader(file).stream() if isinstance(flow, http.HTTPFlow)]


def _cut(data: bytes) -> Iterator[bytes]:
    """The file cut within its last secrets, as a full disk leaves it."""
    at = data.rindex(secret("cookie").encode()[:8])
    yield from (data[: at + length] for length in (0, 4, 8, 20))


def _twisted(data: bytes) -> Iterator[bytes]:
    """One byte before, in or behind a secret that is another one."""
    starts = (data.find(secret(place).encode()[:8]) for place in ("token", "sent", "beside a job", "reason"))
    for at in filter(lambda at: at >= 0, starts):
        for near in (at - 1, at + 3, at + 21):
            for byte in (b"\x00", b'"', b"\xff", b"\n"):
                yield data[:near] + byte + data[near + 1 :]


DAMAGE: dict[str, Callable[[bytes], Iterator[bytes]]] = {"cut": _cut, "twisted": _twisted}


@pytest.fixture(scope="module")
def to_damage(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Captures as `planted` has them, the first exchanges and the last: they are read many times."""
    folder, listed = tmp_path_factory.mktemp("damaged"), list(canary.entries())
    few = [*listed[:3], *listed[-2:]]
    return {
        "har": har(folder, few).read_bytes(),
        "flows": flow_file(folder, few).read_bytes(),
        "raw": canary.raw_response(5).encode(),
        "curl": canary.transcript(5).encode(),
        "terraform": canary.debug_log(5).encode(),
    }


@pytest.mark.parametrize("source", ["har", "flows", "raw", "curl", "terraform"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_no_message_on_damage_shows_one(
    to_damage: dict[str, bytes], tmp_path: Path, source: str, damage: str
) -> None:
    path = tmp_path / "damaged"
    for data in DAMAGE[damage](to_damage[source]):
        path.write_bytes(data)
        for name in ("check", "report"):
            result = run(name, path)
            assert found(result.stderr, places()) == []
            # A quote in the wrong place makes a value the name of a member, and that of another its value.
            if name == "report":
                assert found(result.stdout, places()) == []


NAME = "names"
NAMED: dict[str, str] = {
    "beside a job": '{"job_id": "8ab1", "%s": 1, "o": {"%s": 1}}',
    "beside a wrong job id": '{"%s": 1, "job_id": 5}',
    "in an error": '{"error": {"message": "m", "code": 400, "%s": "x"}}',
    "in details": '{"error": {"message": "m", "code": "E.1", "details": [{"%s": 1}]}}',
    "beside the fault": '{"%s": 1, XXX}',
    "a name cut": '{"job_id": "8ab1", "%s',
    "in a foreign error": '{"error_code": "E.1", "error_msg": "m", "%s": 1}',
}


@pytest.mark.parametrize("where", NAMED)
def test_names_of_members_are_recorded_only_where_a_rule_is_about_them(tmp_path: Path, where: str) -> None:
    body = NAMED[where].replace("%s", secret(NAME))
    capture = har(tmp_path, [entry(0, body, 400), entry(1, BAD_ERROR, 400)])
    log = log_of(tmp_path / "log", [capture])
    assert found(log.read_text(encoding="utf-8"), [NAME]) == []
    assert found(run("check", "-f", "json", capture).stdout, [NAME]) == []
    for form in Format:
        assert found(run("report", "-f", form, capture).stdout, [NAME]) == []


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ('{"%s": 1}', "TA101"),
        ('{"%s": {"job_id": "8ab1"}}', "TA105"),
        ('{"job_id": "8ab1", "%s": 1, "%s": 2}', "TA007"),
    ],
)
def test_names_of_members_are_told_where_a_rule_is_about_them(tmp_path: Path, body: str, rule: str) -> None:
    capture = har(tmp_path, [entry(0, body.replace("%s", "anyName"))])
    told = json.loads(run("check", "-f", "json", capture).stdout)
    about = [each for each in told["findings"] if each["rule"] == rule]
    assert "anyName" in about[0]["pointer"] + about[0]["found"]
