"""The pages to look things up in: every key, member and command is there, and none that is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.test import taddons
from pydantic import BaseModel, TypeAdapter, ValidationError

from taskaudit.cli.root import COMMANDS
from taskaudit.config.settings import SHIPPED, Settings
from taskaudit.contract.words import Language, Words
from taskaudit.proxy.addon import TaskAudit
from taskaudit.reports.formats import Format
from taskaudit.sources.reading import Format as Source
from taskaudit.units import Seconds, Size
from tests.generate import ROOT
from tests.pages import CODE, table, text_of, typed, written_in
from tests.programs import found, output_of
from tests.record_schema import EVENT_TYPES, MEMBERS, members_of
from tests.samples import outcome
from tests.stories import START, ask, submit, write_log

FOLDERS = {Language.EN: "docs", Language.ZH: "docs/zh"}
KEYS = {Language.EN: "key | default", Language.ZH: "键 | 默认值"}
"""How the table of the configuration begins."""
EVENTS = {Language.EN: "`event_type` | one for", Language.ZH: "`event_type` | 何时产生"}
"""How the table of the records begins."""
HEADER = {Language.EN: "member", Language.ZH: "成员"}
"""How the table of the header of a record begins."""

both = pytest.mark.parametrize("language", Language)


def page(name: str, language: Language) -> str:
    return text_of(f"{FOLDERS[language]}/{name}.md")


# testing.md


@both
def test_each_command_of_the_addon_is_told(language: Language) -> None:
    with taddons.context(TaskAudit()) as context:
        known = set(context.master.commands.commands)
    named = re.findall(r"^\| `(taskaudit\.\w+)", page("testing", language), re.MULTILINE)
    assert named
    assert set(named) == {command for command in known if command.startswith("taskaudit.")}


def test_each_option_of_the_addon_that_is_named_is_there() -> None:
    with taddons.context(TaskAudit()) as context:
        options = set(context.options.keys())
    texts = [
        path.read_text(encoding="utf-8") for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    ]
    named = set(re.findall(r"--set (taskaudit_\w+)", "\n".join(texts)))
    assert named
    assert named <= options


# configuration.md


@both
def test_each_configuration_key_is_in_the_table_with_its_default(language: Language) -> None:
    told = {row[0].strip("`"): row[1] for row in table(page("configuration", language), KEYS[language])}
    known = dict(settings(Settings))
    assert set(told) == set(known)
    for key, cell in told.items():
        if cell.startswith("`"):
            assert as_yaml(measured(cell.strip("`"))) == as_yaml(known[key]), key


@both
def test_each_shipped_service_is_named_and_counted(language: Language) -> None:
    told = page("configuration", language)
    (row,) = [row for row in table(told, KEYS[language]) if row[0] == "`catalogue`"]
    assert str(len(SHIPPED)) in row[1]
    assert [name for name in SHIPPED if f"`{name}`" not in told] == []


def settings(model: type[BaseModel], within: str = "") -> Iterator[tuple[str, Any]]:
    """Each key, nested ones as `log.fsync`, with its default."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from settings(kind, f"{within}{name}.")
        else:
            yield within + name, field.default


def measured(text: str) -> object:
    """A size in bytes, a time in seconds, and any other text as it is."""
    for kind in (Size, Seconds):
        with suppress(ValidationError):
            return TypeAdapter[object](kind).validate_python(text)
    return text


def as_yaml(value: object) -> str:
    return "null" if value is None else f"{value:.15g}" if isinstance(value, int | float) else str(value)


# reports.md


@both
def test_each_format_of_a_report_is_named(language: Language) -> None:
    assert [kind for kind in Format if f"`{kind}`" not in page("reports", language)] == []


def test_each_format_of_a_report_is_named_by_the_command() -> None:
    assert [kind for kind in Format if kind not in COMMANDS["report"].help.lower()] == []


# integrating.md

SOURCES = {
    Source.FLOWS: Words("flow file", "flow 文件"),
    Source.HAR: Words("HAR", "HAR"),
    Source.RAW: Words("curl -i", "curl -i"),
    Source.TRANSCRIPT: Words("curl -v", "curl -v"),
    Source.TERRAFORM: Words("Terraform", "Terraform"),
    Source.BARE: Words("bare JSON", "单独的 JSON"),
}
"""What people call that which `check` takes."""


def test_each_source_has_a_name() -> None:
    assert set(SOURCES) == set(Source) - {Source.LOG, Source.NONE, Source.BROKEN_HAR}


@both
def test_each_source_is_named(language: Language) -> None:
    told = " ".join(page("integrating", language).split())
    assert [name for name in SOURCES.values() if name.of(language) not in told] == []


def test_each_source_is_named_by_the_command_and_to_developers() -> None:
    for told in (COMMANDS["check"].help, text_of("CONTRIBUTING.md")):
        assert [name.en for name in SOURCES.values() if name.en not in told] == []


# records.md


@both
def test_each_member_of_the_records_is_told(language: Language) -> None:
    events = table(page("records", language), EVENTS[language])
    rows = {row[0].strip("`"): CODE.findall(row[-1]) for row in events}
    assert set(rows) == set(EVENT_TYPES)
    for kind, named in rows.items():
        body = {path.split(".")[1] for path in MEMBERS if path.startswith(f"{kind}.")}
        assert set(named) - {"start", "continue", "stop"} == body, kind


@both
def test_each_member_of_the_header_is_told(language: Language) -> None:
    told = {
        code for row in table(page("records", language), HEADER[language]) for code in CODE.findall(row[0])
    }
    assert told == {name for kind in EVENT_TYPES for name in members_of(kind)} - {*EVENT_TYPES}


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a log in which something of everything has happened."""
    folder = tmp_path_factory.mktemp("log")
    bad = '{"error": {"message": "The flavor is sold out.", "code": 400, "details": null}}'
    write_log(
        folder / "today.ndjson",
        [
            submit(1),
            outcome(bad, 400, exchange_id="bad-1", started=START + 1.75, ended=START + 2),
            outcome(
                bad,
                400,
                exchange_id="bad-2",
                started=START + 2.75,
                ended=START + 3,
                client="192.0.2.8",
                request_id="95675a2f",
            ),
            submit(4, "8ab1", 500),
            ask(5),
            ask(8, "FAIL", error_code="Ecs.0019", fail_reason="The flavor is sold out."),
            submit(9, None),
            submit(10, "8ab2", client="192.0.2.8"),
        ],
        ends=20,
    )
    return folder


def test_each_question_is_answered_as_shown(today: Path) -> None:
    blocks = written_in("console", page("records", Language.EN))
    commands = [command for block in blocks for command in typed(block)]
    assert len(commands) >= 10
    found("jq")
    for block in blocks:
        (command,) = typed(block)
        shown = block.removeprefix(f"$ {command}\n")
        assert output_of("bash", "-c", f"set -o pipefail; cd {today}; {command}") == shown, command


def test_what_jq_asks_for_is_there() -> None:
    """A misspelt member is null to jq, and no error."""
    known = {path.rpartition(".")[2] for path in MEMBERS}
    blocks = written_in("console", page("records", Language.EN))
    for command in [command for block in blocks for command in typed(block)]:
        asked = set(re.findall(r"\.([a-z]\w+)", re.sub(r'"[^"]*"|\S+\.ndjson', "", command)))
        assert asked <= known, command
