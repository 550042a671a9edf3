"""What the pages for operators and CONTRIBUTING.md name is there; what they show is what comes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text as sql
from typer.testing import CliRunner

from taskaudit.cli import app
from taskaudit.cli.options import tell_logs
from taskaudit.config.loading import load as load_config
from taskaudit.listener.hook_time import HookTime
from taskaudit.listener.metrics import Measured, Metrics
from taskaudit.policy.policy import Policy
from taskaudit.store.database import Database
from taskaudit.store.schema import LOADED_FILES, metadata
from taskaudit.story.tables import coverage_lines
from taskaudit.story.waiver_table import waiver_lines
from taskaudit.story.waivers import caught
from taskaudit.totals import Totals
from tests.generate import READMES, ROOT
from tests.pages import (
    CODE,
    audits,
    broken_links,
    every_help,
    names,
    prose,
    table,
    text_of,
    unknown,
    written_in,
)
from tests.record_schema import MEMBERS
from tests.samples import outcome
from tests.stories import START, ask, submit, write_log

STAGING, STORE, WAIVERS = (text_of(f"docs/{name}.md") for name in ("staging", "store", "waivers"))
CONTRIBUTING = text_of("CONTRIBUTING.md")
PACKAGE = ROOT / "addons" / "taskaudit"
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
WRITTEN = [page for page in PAGES if "/rules/" not in page]
"""Those that are not generated."""

pages = pytest.mark.parametrize("page", [*WRITTEN, "CONTRIBUTING.md", "CHANGELOG.md"])


@pytest.mark.parametrize("page", [*PAGES, "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_somewhere(page: str) -> None:
    assert broken_links(text_of(page), (ROOT / page).parent) == []


@pages
def test_each_command_is_there_with_its_options(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TASKAUDIT_LANG", "en")
    for words in audits(text_of(page)):
        assert unknown(words) == [], words


@pytest.mark.parametrize("page", [*WRITTEN, *READMES.values()])
def test_each_option_is_one_of_some_command(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    named = {code.split()[0] for code in CODE.findall(prose(text_of(page))) if code.startswith("--")}
    assert {option for option in named if not names(every_help(), option)} == set()


# How it works.


def test_the_diagram_names_what_is_there() -> None:
    (diagram,) = written_in("mermaid", text_of("docs/how-it-works.md"))
    named = set(re.findall(r"[(, ](\w+(?:/|\.py))", diagram))
    assert len(named) > 10
    assert {name for name in named if not (PACKAGE / name).exists()} == set()


def test_the_envelopes_are_what_they_should_be() -> None:
    for envelope in written_in("json", text_of("docs/how-it-works.md")):
        assert outcome(envelope, 200 if "job_id" in envelope else 400).findings == ()


# The threat model.


def test_each_claim_names_a_test_that_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text_of("docs/threats.md"))
    assert len(named) > 30
    assert [each for each in named if f"def {each[1]}" not in text_of(each[0])] == []
    claims = table(text_of("docs/threats.md"), "claim")
    assert all("`tests/" in held for _, held in claims)


# Staging.


def _families() -> dict[str, set[str]]:
    """Each metric with its labels; those of the process aside."""
    text = Metrics(lambda: Measured(Totals(), HookTime(), 0, 0, True)).text().decode()
    named = [
        name for name in re.findall(r"^# TYPE (\S+)", text, re.MULTILINE) if name.startswith("taskaudit_")
    ]
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {
        name: {label for each in samples if each.name.startswith(name) for label in each.labels} - {"le"}
        for name in named
    }


def test_each_metric_is_told_with_its_labels() -> None:
    told = {
        metric: set(CODE.findall(labels))
        for cell, labels in table(STAGING, "metric")
        for metric in CODE.findall(cell)
    }
    assert told == _families()
    assert set(re.findall(r"`(taskaudit_\w+)`", STAGING)) == set(told)


def test_each_member_that_is_shipped_is_there() -> None:
    named = {code for row in table(STAGING, "record") for code in CODE.findall(row[0])}
    assert len(named) > 10
    assert named <= MEMBERS


# The store.


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What the example of the waivers is made from."""
    body = '{"error": {"message": "m", "code": "Ecs.0001", "details": [{"message": "m", "code": 400}]}}'
    refused = [
        outcome(body, 400, exchange_id=f"refused-{at}", started=START + at - 0.25, ended=START + at)
        for at in (1, 2)
    ]
    return write_log(tmp_path / "today.ndjson", [*refused, submit(3), ask(4), ask(6), ask(8, "SUCCESS")])


def test_queries_are_answered_by_the_views(log: Path, tmp_path: Path) -> None:
    loaded = CliRunner().invoke(app, ["load", str(log), "--to", str(tmp_path / "audit.db")])
    assert loaded.exit_code == 0, loaded.output
    queries = [
        query
        for block in written_in("sql", STORE)
        for query in block.strip().split("\n")
        if "create_" not in query
    ]
    assert len(queries) == 2
    with Database(str(tmp_path / "audit.db")) as database, database.transaction(reading=True) as connection:
        for query in queries:
            connection.execute(sql(query)).all()


def test_tables_are_distributed_by_a_column_of_their_keys() -> None:
    told = re.findall(r"create_(\w+?)_table\('(\w+)'(?:, '(\w+)')?", STORE)
    assert {name for _, name, _ in told} == set(metadata.tables) - {LOADED_FILES.name}
    for kind, name, column in told:
        assert (kind == "distributed") == bool(column)
        assert not column or column in metadata.tables[name].primary_key.columns, name


# Waivers.


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The configuration that the page begins with."""
    path = tmp_path / "taskaudit.yaml"
    path.write_text(written_in("yaml", WAIVERS)[0], encoding="utf-8")
    return path


def test_the_waivers_are_a_configuration(written: Path) -> None:
    settings = load_config(written).settings
    assert (len(settings.severities), len(settings.waivers)) == (1, 1)


def test_what_a_waiver_would_catch_is_what_is_shown(written: Path, log: Path) -> None:
    loaded = load_config(written)
    story = tell_logs([log], None, loaded)
    # Whatever day it is: the example's waiver ends.
    lines = [
        *waiver_lines(caught(story.findings, Policy(waivers=loaded.policy.waivers))),
        *coverage_lines(story),
    ]
    shown = written_in("console", WAIVERS)[0].split("\n", 1)[1]
    assert "".join(f"{line.plain}\n" for line in lines) == shown


# CONTRIBUTING.md


def test_what_contributing_names_lies_there() -> None:
    named = {
        code
        for code in CODE.findall(prose(CONTRIBUTING))
        if re.fullmatch(r"[\w.][\w./-]*/[\w./-]*|\w[\w.-]*\.(?:py|md|toml|txt|yaml|json)", code)
    }
    assert len(named) > 30
    assert {name for name in named if not any((at / name).exists() for at in (ROOT, PACKAGE))} == set()


def test_contributing_names_every_room() -> None:
    rooms = {f"`{path.parent.name}/`" for path in PACKAGE.glob("*/__init__.py")}
    assert {room for room in rooms if f"| {room} |" not in CONTRIBUTING} == set()


def test_each_target_of_make_is_there() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", text_of("Makefile"), re.MULTILINE)
    assert phony
    named = re.findall(
        r"\bmake (?:[A-Z]+=\S+ )?([a-z-]+)",
        " ".join([*CODE.findall(CONTRIBUTING), *written_in("console", CONTRIBUTING)]),
    )
    assert named
    assert set(named) <= set(phony[1].split())
