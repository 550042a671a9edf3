"""Hostile text in every field that reaches an output is harmless in all of them, in each language.

What counts as harmless stands in `tests/checkers.py`, by format; what is hostile, in `tests/hostile.py`.
"""

from __future__ import annotations

import dataclasses
import io
import json
import logging
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest
from click.testing import Result
from mitmproxy import contentviews, ctx, http
from mitmproxy.addons.view import View
from mitmproxy.io import FlowReader, FlowWriter
from mitmproxy.test import taddons
from msgspec import Struct, structs
from rich.console import Console
from typer.testing import CliRunner

from taskaudit.bug.curl import curl_command
from taskaudit.bug.text import bug_text
from taskaudit.cli import app
from taskaudit.config.loading import load
from taskaudit.contract.excerpt import escape
from taskaudit.contract.words import Language
from taskaudit.lifecycle import Thresholds
from taskaudit.listener.hook_time import HookTime
from taskaudit.listener.metrics import Measured, Metrics
from taskaudit.proxy.addon import TaskAudit
from taskaudit.proxy.annotate import KEY
from taskaudit.reports import github
from taskaudit.reports.formats import Format, render
from taskaudit.reports.gather import gather
from taskaudit.reports.html import live_html, sections_html
from taskaudit.reports.model import Report
from taskaudit.story.job_story import Steps
from taskaudit.story.jobs import one_line
from taskaudit.story.story import Story, tell
from taskaudit.story.tables import live_view
from taskaudit.text.terminal import headline
from taskaudit.totals import Totals
from tests import checkers
from tests.hostile import (
    FIELDS,
    KNOWN_ID,
    LONG,
    TEXTS,
    Planted,
    entries,
    entry,
    flow_file,
    flows,
    har,
    log_of,
    query,
)
from tests.hostile import outcomes as outcomes_in

PLAIN = "plain text"
CUT = 400_000
"""Bytes that no output for people goes beyond, whatever the length of a text; most stay far below."""


class Captured(NamedTuple):
    """The same hostile traffic as captures and as logs; `forged` holds it raw in each text of its records."""

    har: Path
    flows: Path
    log: Path
    forged: Path


@pytest.fixture(scope="module", autouse=True)
def prepared_once() -> Iterator[None]:
    """The shipped configuration is the same for many hundred commands, what was gathered for many reports."""

    @cache
    def gathered(*paths: Path) -> Report:
        return gather(paths, load())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("taskaudit.config.loading.load", cache(load))
        patch.setattr("taskaudit.reports.gather.gather", lambda paths, *_, **__: gathered(*paths))
        yield


type Captures = Callable[[str], Captured]


@pytest.fixture(scope="session")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Captures:
    @cache
    def made(text: str) -> Captured:
        folder = tmp_path_factory.mktemp("captured")
        listed = list(entries(Planted(text)))
        capture, flow = har(folder, listed), flow_file(folder, listed)
        log = log_of(folder / "log", [capture], _sound(Planted(text)["instance"]))
        return Captured(capture, flow, log, forged(folder / "forged", log, text))

    return made


def _sound(text: str) -> str:
    """Without lone surrogates, which no configuration file gives."""
    return text.encode("utf-8", "replace").decode()


_KEPT = frozenset(
    {
        "timestamp",
        "event_type",
        "record_id",
        "exchange_id",
        "session_id",
        "severity",
        "role",
        "reason",
        "state",
    }
)
"""What a log without is no log, and what has one of a few values, or else is damage."""


def forged(path: Path, log: Path, text: str) -> Path:
    """A log with `text` for every text of its records but the first one's; all its findings are waived."""
    first, *rest = log.read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in rest]
    for record in records:
        if record["event_type"] == "finding":
            record["finding"]["waiver"] = {"reason": text, "owner": text, "until": text}
    lines = [first, *(json.dumps(_with(record, text)) for record in records)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _with(value: Any, text: str, key: str = "") -> Any:
    if key in _KEPT:
        return value
    match value:
        case str():
            return Planted(text)["job_id"] if key == "job_id" else text
        case dict():
            return {name: _with(each, text, name) for name, each in value.items()}
        case list():
            return [_with(each, text, key) for each in value]
        case _:
            return value


def run(*arguments: str | Path, language: Language = Language.EN, stdin: str | bytes = "") -> Result:
    environment = {"COLUMNS": "100", "TASKAUDIT_LANG": language.value}
    result = CliRunner().invoke(app, list(map(str, arguments)), input=stdin, env=environment)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    checkers.plain_text(result.stderr)
    return result


class Output(NamedTuple):
    """A command over one of the captures, what its output is held to, and fields that it shows for certain.

    `JOB` among the arguments is the id of a job with queries. What programs read is in one language.
    """

    source: str
    arguments: tuple[str, ...]
    check: Callable[[str], None]
    shows: str
    languages: tuple[Language, ...] = tuple(Language)


JOB = "JOB"
_ONE = (Language.EN,)
_OF_JOB = ("jobs", "--job", JOB)
OUTPUTS = {
    "check": Output("har", ("check",), checkers.plain_text, "job_id,code,error,name,host,path"),
    "check of flows": Output("flows", ("check",), checkers.plain_text, "job_id,code,error,name,host,path"),
    "check json": Output("har", ("check", "-f", "json"), checkers.json_lines, "job_id,error,name,path", _ONE),
    "bug": Output("har", ("bug",), checkers.markdown, ""),
    "jobs": Output("log", ("jobs",), checkers.plain_text, "job_id,asked,failed code,fail_reason"),
    "jobs json": Output("log", ("jobs", "-f", "json"), checkers.json_lines, "job_id,asked,fail_reason", _ONE),
    "jobs csv": Output(
        "log", ("jobs", "-f", "csv"), checkers.table, "job_id,asked,fail_reason,instance", _ONE
    ),
    "one job": Output("log", _OF_JOB, checkers.plain_text, "status,failed code,fail_reason"),
    "one job json": Output("log", (*_OF_JOB, "-f", "json"), checkers.json_lines, "status,instance", _ONE),
    "findings": Output("log", ("findings",), checkers.plain_text, "job_id,error,name,path"),
    "findings json": Output(
        "log", ("findings", "-f", "json"), checkers.json_lines, "job_id,error,name", _ONE
    ),
    "findings csv": Output("log", ("findings", "-f", "csv"), checkers.table, "job_id,error,name,path", _ONE),
}
_REPORTS: dict[Format, tuple[Callable[[str], None], str]] = {
    Format.HTML: (checkers.html, "job_id,asked,status,fail_reason,error,name,path"),
    Format.MARKDOWN: (checkers.markdown, "job_id,asked,fail_reason,error,name,path"),
    Format.JUNIT: (checkers.xml, "error,name,path"),
    Format.SARIF: (checkers.json_document, "error,name,path"),
    Format.JSON: (checkers.json_document, "job_id,asked,status,fail_reason,error,name,path"),
    Format.GITHUB: (checkers.workflow_commands, "error,name,path"),
}
for _form, (_check, _shows) in _REPORTS.items():
    _languages = _ONE if _form is Format.JSON else tuple(Language)
    for _source in ("har", "log"):
        OUTPUTS[f"{_form} of {_source}"] = Output(
            _source, ("report", "-f", _form), _check, _shows, _languages
        )


@pytest.fixture
def unbounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what is hostile is not merely left out."""
    monkeypatch.setattr(github, "MOST", 10_000)


def printed(output: Output, path: Path, job_id: str = KNOWN_ID) -> Iterator[str]:
    arguments = [job_id if word == JOB else word for word in output.arguments]
    for language in output.languages:
        result = run(*arguments, path, language=language)
        assert result.stdout, result.stderr
        yield result.stdout


@contextmanager
def about(name: str) -> Iterator[None]:
    """A failure says which text it was."""
    try:
        yield
    except Exception as error:
        error.add_note(f"the text: {name}")
        raise


@pytest.mark.usefixtures("unbounded")
@pytest.mark.parametrize("output", OUTPUTS)
def test_what_a_command_prints_is_harmless(captured: Captures, output: str) -> None:
    wanted = OUTPUTS[output]
    for name, hostile in TEXTS.items():
        with about(name):
            for text in printed(wanted, getattr(captured(hostile), wanted.source)):
                wanted.check(text)


@pytest.mark.usefixtures("unbounded")
@pytest.mark.parametrize("output", [each for each in OUTPUTS if OUTPUTS[each].source == "log"])
def test_what_a_command_prints_of_anybodys_log_is_harmless(captured: Captures, output: str) -> None:
    wanted = OUTPUTS[output]
    for name, hostile in TEXTS.items():
        with about(name):
            for text in printed(wanted, captured(hostile).forged, Planted(hostile)["job_id"]):
                wanted.check(text)


@pytest.mark.usefixtures("unbounded")
@pytest.mark.parametrize("output", OUTPUTS)
def test_what_is_planted_is_shown(captured: Captures, output: str) -> None:
    """Else nothing of the above would be known."""
    wanted = OUTPUTS[output]
    for text in printed(wanted, getattr(captured(PLAIN), wanted.source)):
        missing = [each for each in filter(None, wanted.shows.split(",")) if FIELDS[each] not in text]
        assert not missing


def planted(report: Report, text: str) -> Report:
    """A report on `PLAIN` text with another one in its place; names of sources are escapes from the start."""
    made: Report = planted_in(report, text)
    return dataclasses.replace(made, sources=(escape(text, 1000),))


def planted_in(value: Any, text: str) -> Any:
    """A value of a report, likewise."""
    if isinstance(value, str):
        return value if isinstance(value, StrEnum) else value.replace(PLAIN, text)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        named = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return dataclasses.replace(value, **{name: planted_in(each, text) for name, each in named.items()})
    if isinstance(value, Struct):
        named = {name: getattr(value, name) for name in value.__struct_fields__}
        return structs.replace(value, **{name: planted_in(each, text) for name, each in named.items()})
    if isinstance(value, Steps):
        return tuple(planted_in(each, text) for each in value)
    if isinstance(value, tuple):
        made = [planted_in(each, text) for each in value]
        return type(value)(*made) if hasattr(value, "_fields") else tuple(made)
    return value


def _json_shape(text: str) -> Any:
    def shape(value: Any) -> Any:
        match value:
            case dict():
                return {name: shape(each) for name, each in value.items()}
            case list():
                return [shape(each) for each in value]
            case _:
                return type(value).__name__

    return shape(json.loads(text))


def _xml_shape(text: str) -> set[Any]:
    """The elements, but not how many: paths fall into other groups where there are digits in them."""
    found = ElementTree.fromstring(text.encode("utf-8")).iter()
    return {(element.tag, tuple(sorted(element.attrib))) for element in found}


SHAPES: dict[str, Callable[[str], Any]] = {
    Format.HTML: checkers.html_shape,
    Format.MARKDOWN: checkers.markdown_shape,
    Format.JUNIT: _xml_shape,
    Format.SARIF: _json_shape,
    Format.JSON: _json_shape,
    Format.GITHUB: lambda text: [line.split(" ", 1)[0] for line in text.splitlines()],
}
PAGES: dict[str, Callable[[Report, Language], str]] = {
    "status page": lambda report, language: live_html(report, language, "7"),
    "sections of the status page": sections_html,
}


@pytest.fixture(scope="module")
def plain_report(captured: Captures) -> Report:
    paths = captured(PLAIN)
    report = gather([paths.har, paths.log], load())
    return dataclasses.replace(report, sources=(PLAIN,), damaged=(PLAIN, PLAIN))


@pytest.fixture(scope="module")
def hostile_reports(plain_report: Report) -> dict[str, Report]:
    """By the name of the text."""
    return {name: planted(plain_report, text) for name, text in TEXTS.items()}


def drawn(report: Report, form: str, language: Language) -> str:
    return PAGES[form](report, language) if form in PAGES else render(report, form, language)


@pytest.mark.usefixtures("unbounded")
@pytest.mark.parametrize("form", [*Format, *PAGES])
@pytest.mark.parametrize("language", Language)
def test_no_element_of_a_report_comes_from_the_text(
    plain_report: Report, hostile_reports: dict[str, Report], form: str, language: Language
) -> None:
    shape = checkers.html_shape if form in PAGES else SHAPES[form]
    expected = shape(drawn(plain_report, form, language))
    for name, report in hostile_reports.items():
        hostile = drawn(report, form, language)
        (checkers.html if form in PAGES else OUTPUTS[f"{form} of har"].check)(hostile)
        assert shape(hostile) == expected, name


@pytest.mark.parametrize("name", TEXTS)
def test_a_bug_report_is_harmless(captured: Captures, name: str) -> None:
    for outcome in outcomes_in([captured(TEXTS[name]).har, captured(TEXTS[name]).flows]):
        for finding in outcome.findings:
            for language in Language:
                checkers.markdown(bug_text(outcome, finding, 1, language))


@pytest.mark.parametrize("name", TEXTS)
def test_a_curl_command_holds_the_words_it_should(captured: Captures, name: str) -> None:
    for outcome in outcomes_in([captured(TEXTS[name]).har, captured(TEXTS[name]).flows]):
        command = curl_command(outcome.exchange)
        assert command
        checkers.plain_text(command)
        words = iter(shlex.split(command.replace("\\\n", " ")))
        assert next(words) == "curl"
        for word in words:
            if word in ("-X", "-H", "--data"):
                assert re.fullmatch(r"[A-Za-z-]+|[\w.-]+: (<redacted>|[a-z/+-]+)|@request.json", next(words))
            else:
                assert re.fullmatch(r"https?://[\w.%~\[\]:-]+/[\w.%:@+,=/~-]*(\?<query not shown>)?", word), (
                    word
                )


@pytest.mark.parametrize("name", TEXTS)
def test_a_log_has_one_record_a_line(captured: Captures, name: str) -> None:
    checkers.log_lines(captured(TEXTS[name]).log.read_bytes())


@pytest.mark.parametrize("name", TEXTS)
def test_lines_on_jobs_and_exchanges_are_lines(captured: Captures, name: str) -> None:
    paths = captured(TEXTS[name])
    for outcome in outcomes_in([paths.har, paths.flows]):
        for language in Language:
            checkers.one_line(headline(outcome, language))
    for log in (paths.log, paths.forged):
        story = tell([log], Thresholds())
        for language in Language:
            for job in story.jobs:
                checkers.one_line(one_line(job, language))
            checkers.plain_text(drawn_on_terminal(story, language))


def drawn_on_terminal(story: Story, language: Language) -> str:
    """What `jobs --follow` draws on a wide and on a narrow terminal, without the colours."""
    out = io.StringIO()
    for width in (60, 200):
        console = Console(file=out, width=width, markup=False, highlight=False, emoji=False)
        console.print(live_view(story, story.jobs, width, 100, language))
    return out.getvalue()


@pytest.mark.parametrize("name", TEXTS)
def test_metrics_know_no_text_of_the_traffic(captured: Captures, name: str) -> None:
    totals = Totals()
    for outcome in outcomes_in([captured(TEXTS[name]).har]):
        totals.add(outcome)
    text = Metrics(lambda: Measured(totals, HookTime(), 0, 0, True)).text().decode("utf-8")
    checkers.metrics(text)
    assert not [word for word in FIELDS.values() if word in text]


@pytest.fixture(params=Language)
def audit(
    log_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TaskAudit]:
    """The addon in a mitmproxy that lists flows: there it keeps the story of jobs, too."""
    monkeypatch.setenv("TASKAUDIT_LANG", request.param)
    audit = TaskAudit()
    with taddons.context(loadcore=True) as context:
        context.master.addons.add(View(), audit)
        context.configure(audit, taskaudit_log=str(log_path))
        yield audit
        audit.done()


@pytest.mark.parametrize("name", TEXTS)
def test_a_proxy_tells_annotates_and_shows_harmlessly(
    audit: TaskAudit, log_path: Path, caplog: pytest.LogCaptureFixture, tmp_path: Path, name: str
) -> None:
    caplog.set_level(logging.INFO)
    passed = flows(entries(Planted(TEXTS[name])))
    for flow in passed:
        audit.requestheaders(flow)
        audit.responseheaders(flow)
        audit.response(flow)
    told = [record.getMessage() for record in caplog.records if record.name.startswith("taskaudit")]
    assert len(told) > len(passed) / 2
    for line in told:
        checkers.one_line(line)
        assert "TA901" not in line
    checkers.log_lines(log_path.read_bytes())
    for flow in passed:
        checkers.mitmproxy_annotations(flow.marked, flow.comment, flow.metadata)
        if KEY in flow.metadata:
            assert flow.response is not None
            shown = contentviews.prettify_message(flow.response, flow, "auto")
            assert shown.view_name == "Task response"
            checkers.plain_text(shown.text)
    caplog.clear()
    for command in ("summary", "jobs"):
        (first, _), whole = ctx.master.commands.execute(f"taskaudit.{command}"), caplog.messages[-1]
        checkers.one_line(first)
        checkers.plain_text(whole)
        assert "= other" in whole or "= 其他" in whole
    assert [flow.comment for flow in saved(tmp_path, passed)] == [flow.comment for flow in passed]


def saved(folder: Path, passed: list[http.HTTPFlow]) -> list[http.HTTPFlow]:
    """The flows as they come back from a file."""
    path = folder / "saved"
    with path.open("wb") as file:
        writer = FlowWriter(file)
        for flow in passed:
            writer.add(flow)
    with path.open("rb") as file:
        return [flow for flow in FlowReader(file).stream() if isinstance(flow, http.HTTPFlow)]


def file_name(text: str) -> str:
    """The text as far as the name of a file can hold it, bytes that are no text among it."""
    sound = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    return sound.replace("/", "").replace("\0", "")[:60] + "\udc9b2J\udcff"


COMMANDS = ("check", "bug", "jobs", "findings", "report", "config check", "check -c", "jobs -c", "report -o")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_message_on_a_file_that_is_not_there_is_one_line(tmp_path: Path, command: str) -> None:
    given = [har(tmp_path, [entry(0, {"job_id": 1})])] if " -" in command else []
    for name, text in TEXTS.items():
        with about(name):
            result = run(*command.split(), tmp_path / file_name(text) / "missing", *given)
            assert result.exit_code == 2
            checkers.one_line(result.stderr.splitlines()[0])
            assert "missing" in result.output


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A damaged capture and a damaged log with a few exchanges, some of them with findings."""
    folder = tmp_path_factory.mktemp("few")
    capture = har(folder, list(entries(Planted(PLAIN)))[1:12:2])
    return capture.read_bytes() + b"trailing", log_of(folder / "log", [capture]).read_bytes() + b"cut"


@pytest.mark.parametrize("name", TEXTS)
def test_names_of_files_are_harmless(tmp_path: Path, few: tuple[bytes, bytes], name: str) -> None:
    capture, log = (tmp_path / f"{kind}{file_name(TEXTS[name])}" for kind in ("capture", "log"))
    capture.write_bytes(few[0])
    log.write_bytes(few[1])
    for language in Language:
        checkers.plain_text(run("check", capture, language=language).stdout)
        checkers.plain_text(run("jobs", log, language=language).stdout)
        for form, (check, _) in _REPORTS.items():
            check(run("report", "-f", form, capture, log, language=language).stdout)
    checkers.json_lines(run("check", "-f", "json", capture).stdout)
    for source in (capture, log):
        checkers.markdown(run("bug", source).stdout)
        checkers.plain_text(run("bug", source).stderr)
    assert run("jobs", capture).exit_code == 2


@pytest.mark.parametrize("form", ["{0}: 1", "unlisted: {0}", "catalogue: [{0}]", "instance_id: [{0}]", "{1}"])
def test_each_message_on_a_configuration_is_one_line(tmp_path: Path, form: str) -> None:
    for name, text in TEXTS.items():
        path = tmp_path / f"config{file_name(text)}.yaml"
        raw = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        path.write_text(form.format(json.dumps(text), raw), encoding="utf-8")
        with about(name):
            result = run("config", "check", path)
            assert result.exit_code == 2 or form == "{1}"
            checkers.plain_text(result.stdout)
            messages = result.stderr.splitlines()
            assert bool(messages) == (result.exit_code == 2)
            assert all(each.startswith("taskaudit: ") for each in messages)


@pytest.mark.parametrize(
    "command", ["explain", "findings {} --rule", "bug {} --rule", "jobs {} --job", "jobs {} --since"]
)
def test_a_message_on_an_argument_is_harmless(captured: Captures, command: str) -> None:
    paths = captured(PLAIN)
    words = [
        str(paths.har if "bug" in command else paths.log) if word == "{}" else word
        for word in command.split()
    ]
    for name, text in TEXTS.items():
        with about(name):
            result = run(
                *words[:-1], *([words[-1]] if words[-1] == "explain" else []), *_valued(words[-1], text)
            )
            assert result.exit_code == 2
            assert result.stdout == ""
            assert result.stderr.count("\n") == 1


def _valued(option: str, value: str) -> list[str]:
    return [f"{option}={value}"] if option.startswith("--") else ["--", value]


def long_entries() -> Iterator[dict[str, Any]]:
    """Each text as long as it may be, in an exchange of its own, so that no body is over the limit."""
    text = "y" * LONG
    for at, body in enumerate(
        (
            {"job_id": text},
            {"error": {"message": text, "code": "E.1"}},
            {"error": {"message": "m", "code": text}},
            {"error": {"message": "m", "code": 1, "details": text}},
            {"error": {"message": "m", "code": 1, "details": [text]}},
            {"error": text},
            {text: 1},
            {text: {"job_id": "8ab1"}},
            f'{{"job_id": {text}',
            f'{{"job_id": {"9" * LONG}}}',
            text,
        )
    ):
        yield entry(at, body, 200)
    yield entry(20, {"job_id": 1}, path="/v9/" + text)
    yield entry(21, {"job_id": 1}, host=text)
    yield entry(22, {"job_id": 1}, client=text)
    yield entry(23, {"job_id": 1}, request_headers=[(text, text)], headers=[("X-Request-Id", text)])
    yield query(24, KNOWN_ID, {"job_id": KNOWN_ID, "status": text})
    yield query(25, KNOWN_ID, {"status": "FAIL", "fail_reason": text, "error_code": "E.1"})
    yield query(26, KNOWN_ID, {"status": "FAIL", "sub_jobs": [{"status": text}]})


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Captured:
    folder = tmp_path_factory.mktemp("long")
    listed = list(long_entries())
    capture, flow = har(folder, listed), flow_file(folder, listed)
    return Captured(capture, flow, log_of(folder / "log", [capture], "proxy-a"), Path())


WHOLE_IDS = {
    "check json": 1,
    "jobs json": 1,
    "jobs csv": 1,
    "findings json": 2,
    "findings csv": 2,
    "json of har": 3,
    "json of log": 3,
}
"""How often a program gets a job id that is very long: it asks with it, so that it is never cut (TA203)."""


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_very_long_text_is_cut(long: Captured, output: str) -> None:
    wanted = OUTPUTS[output]
    for text in printed(wanted, getattr(long, wanted.source)):
        whole = WHOLE_IDS.get(output, 0)
        assert text.count("y" * LONG) == whole
        assert len(text) < CUT + whole * LONG


def test_a_log_holds_a_very_long_job_id_alone(long: Captured) -> None:
    """Nobody has a job id that the log does not have."""
    text = long.log.read_text(encoding="utf-8")
    assert text.count("y" * LONG) == 1
    assert len(text) < LONG + CUT
