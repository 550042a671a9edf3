"""Inputs from the field, and variants of them: `check` makes of each what its row says.

To add one: put it into `tests/field/` (small, with made-up names and ids), and a row here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.running import run

FIELD = Path(__file__).resolve().parent / "field"


class Line(NamedTuple):
    """An audited exchange: `found` are the codes of its findings, `members` is what else it has."""

    role: str
    kind: str | None
    found: tuple[str, ...] = ()
    members: tuple[tuple[str, object], ...] = ()


class Row(NamedTuple):
    """A file with the lines that `check --format json` prints of it, and the exit status."""

    file: str
    lines: tuple[Line, ...]
    status: int


CLEAN, FINDINGS, UNREADABLE, NOTHING_AUDITED = 0, 1, 2, 3
JOB = Line("submission", "job", (), (("job_id", "70a599e0-31e7-49b7-b260-868f441e862b"), ("unaudited", None)))
QUERY = Line("job_query", None, (), (("unaudited", None),))
NOT_CAPTURED = (("unaudited", "not_captured"),)
NOT_KEPT = Line("submission", "unreadable", ("TA003",), NOT_CAPTURED)
UNKNOWN = Line("job_query", None, ("TA503",))

REFUSED = Line("submission", "error")
TAKEN, ASKED = Line("submission", "job"), Line("job_query", None)
FOLLOWED = (TAKEN, ASKED)


def submitted(*found: str) -> Line:
    """A submission that got a job."""
    return Line("submission", "job", found)


def asked(by: str, *found: str) -> Line:
    """A job query, and by what it was seen to be one."""
    return Line("job_query", None, found, (("matched_by", by),))


ROWS = [
    # Nova is no task-class API: a server, and nothing at all, are what it should answer.
    Row("c01-nova-create-cn-north-4.har", (), NOTHING_AUDITED),
    Row("c01v-nova-create-eu-de.har", (), NOTHING_AUDITED),
    Row("c02-nova-action-eu-de.har", (), NOTHING_AUDITED),
    Row("c02-nova-action-private-cloud.har", (), NOTHING_AUDITED),
    # Errors of Keystone, of JSON-RPC, of OAuth and of Google's APIs.
    Row("b11-iam-401.har", (), NOTHING_AUDITED),
    Row("b11v-iam-403-private-cloud.har", (), NOTHING_AUDITED),
    Row("b20-jsonrpc.har", (), NOTHING_AUDITED),
    Row("b20-errors-of-others.har", (), NOTHING_AUDITED),
    # Not an answer, but what the vendor's SDK prints of one.
    Row("r09-sdk-exception.json", (Line("submission", "foreign", ("TA103",)),), FINDINGS),
    Row("r09-sdk-exception-msg.json", (Line("submission", "foreign", ("TA103",)),), FINDINGS),
    # The query of the job is in no service file: it is known by the job's id.
    Row("24-kafka-extend.har", (submitted(), *[asked("job_id")] * 2), 0),
    Row("24-kafka-extend-latest-first.har", (*[asked("job_id")] * 2, submitted()), 0),
    Row("31-global-eip-associate.har", (submitted(), *[asked("job_id")] * 2), 0),
    Row("31-global-eip-query-string.har", (submitted(), *[asked("job_id")] * 2), 0),
    Row("41-swr-enterprise.har", (submitted(), *[asked("job_id")] * 2), 0),
    Row("41-swr-enterprise-terminated.har", (submitted(), *[asked("job_id")] * 2), 0),
    # Asked for by an id of the request: nothing that the answer returned.
    Row("36-vpn-upgrade.har", (submitted("TA501"),), 0),
    Row("36-vpn-upgrade-private-cloud.har", (submitted("TA501"),), 0),
    # Another service's query has the same path; its answers have another shape.
    Row("39-cfw-firewall.har", (submitted(), *[asked("job_id")] * 2), 0),
    Row("39-cfw-firewall-private-cloud.har", (submitted(), *[asked("route")] * 2), 0),
    # The reason of a failure is that of a sub-job.
    Row("b06-subjobs-fail.har", (submitted(), *[asked("route")] * 2), 0),
    Row("b06-subjobs-beside-status.har", (submitted(), *[asked("route")] * 2), 0),
    # The vendor's SDK reads the job once more for its result.
    Row("b07-getjobentity-after-success.har", (submitted(), *[asked("route")] * 4), 0),
    Row(
        "b07-asked-twice-after-success.har", (submitted(), *[asked("route")] * 4, asked("route", "TA505")), 0
    ),
    # A client that waits a second measures a little less.
    Row("b08b-poll-0_999s.har", (submitted(), *[asked("route")] * 9), 0),
    Row(
        "b08b-poll-0_89s.har",
        (submitted(), *[asked("route")] * 4, *[asked("route", "TA504")] * 4, asked("route")),
        0,
    ),
    # The job is followed through what it makes.
    Row("h19-prepaid-order-followed-not-job.har", (submitted(), *[asked("resource")] * 3), 0),
    Row("h19-server-followed-not-job.har", (submitted(), asked("resource")), 0),
    # Jobs have jobs below them.
    Row("h22-subjob-query.har", (submitted(), *[asked("route")] * 3), 0),
    Row(
        "h22-unknown-job-query.har", (submitted(), asked("route"), asked("route", "TA503"), asked("route")), 0
    ),
    # HARs as programs write them: said to be base64, other types, headers as an object, no time.
    *(
        Row(f"{name}.har", (JOB, QUERY), CLEAN)
        for name in (
            "h01-firefox-claims-base64",
            "h01v-base64-in-lines-url-safe",
            "h03-pollyjs-array-header",
            "h03v-headers-as-object",
            "h06b-no-start",
            "h06c-status-string",
            "h06cv-status-line",
            "h10-service-worker-duplicate",
            "h10v-chrome-marks-the-page",
            "h11d-base64-caps",
            "h11dv-base64-mixed-case",
            "h12d-header-number",
            "h12dv-header-lines-and-pairs",
            "h12l-size-string",
            "h12lv-numbers-in-strings",
        )
    ),
    Row("h06bv-time-as-number-and-none.har", (JOB, QUERY, QUERY), CLEAN),
    # Bodies that were not kept.
    *(
        Row(f"{name}.har", (NOT_KEPT, UNKNOWN), CLEAN)
        for name in (
            "h02c-playwright-omit",
            "h02cv-playwright-attach",
            "h02g-har-export-trigger-mime-only",
            "h02gv-content-empty-object",
        )
    ),
    *(
        Row(f"{name}.har", (JOB, QUERY._replace(members=NOT_CAPTURED)), CLEAN)
        for name in ("h02l-query-body-not-kept", "h02lv-query-text-empty-with-length")
    ),
    # Compressed, whole and cut short.
    *(Row(f"h04-{name}", FOLLOWED, CLEAN) for name in ("gz.har.gz", "zst.har.zst", "zip.zip")),
    Row("h04-cut.har.gz", (Line("submission", "job", ("TA501",)),), UNREADABLE),
    # What is no capture.
    *(Row(file, (), UNREADABLE) for file in ("h07-jsonp.har", "h07-entries-alone.har")),
    *(Row(file, (), UNREADABLE) for file in ("r10-hcloud.txt", "r10-text.txt")),
    # What curl and HTTPie print.
    Row("r06-curl-v.txt", (REFUSED,), CLEAN),
    *(
        Row(f"r06-{name}.txt", (TAKEN,), CLEAN)
        for name in (
            "curl-v-meter",
            "curl-v-redirect",
            "curl-v-utf-16",
            "curl-iv-terminal",
            "http-vv-colours",
        )
    ),
    Row("r06-curl-v-no-body.txt", (Line("submission", "unreadable", ("TA003",)),), NOTHING_AUDITED),
    Row("r06-http-v.txt", (REFUSED, ASKED), CLEAN),
    # Logs of providers: one pasted in part, and whole ones of several versions.
    Row("r11-tflog.txt", (Line("submission", "job", ("TA501",)),), CLEAN),
    Row("r11-flexibleengine.log", (REFUSED,), CLEAN),
    Row("r11-opentelekomcloud.log", (TAKEN, TAKEN, ASKED, ASKED), CLEAN),
    *(
        Row(f"r11-{name}.log", (TAKEN, ASKED, ASKED), CLEAN)
        for name in ("terraform-0.14", "terraform-1.1", "terraform-1.7", "terraform.json")
    ),
    # Flow files of versions that the installed mitmproxy does not read.
    *(Row(file, (), UNREADABLE) for file in ("v0.10.mitm", "v0.10-then-99.mitm")),
    *(Row(file, (), UNREADABLE) for file in ("newer-version-99.mitm", "newer-version-99-twice.mitm")),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.file)
def test_it_comes_out_as_it_should(row: Row) -> None:
    result = run("check", "--format", "json", FIELD / row.file)
    told = [json.loads(line) for line in result.stdout.splitlines()]
    lines = [
        Line(each["role"], each["kind"], tuple(finding["rule"] for finding in each["findings"]))
        for each in told
    ]
    assert lines == [line._replace(members=()) for line in row.lines], told
    for each, line in zip(told, row.lines, strict=True):
        assert {name: each[name] for name, _ in line.members} == dict(line.members)
    assert result.exit_code == row.status


@pytest.mark.parametrize(
    ("file", "severity"), [("36-vpn-upgrade.har", "info"), ("36-vpn-upgrade-private-cloud.har", "warning")]
)
def test_a_job_that_no_route_asks_for_is_no_warning(file: str, severity: str) -> None:
    result = run("check", "--format", "json", FIELD / file)
    (finding,) = json.loads(result.stdout)["findings"]
    assert (finding["rule"], finding["severity"]) == ("TA501", severity)


@pytest.mark.parametrize("file", ["b06-subjobs-fail.har", "b06-subjobs-beside-status.har"])
def test_the_reason_of_a_failed_sub_job_is_told(file: str) -> None:
    result = run("report", "--format", "json", FIELD / file)
    (job,) = json.loads(result.stdout)["jobs"]
    told = job["state"], job["last_status"], job["error_code"], job["fail_reason"]
    assert told == ("failed", "FAIL", "Ecs.0219", "no subnet address left")


@pytest.mark.parametrize(
    ("file", "state"),
    [
        ("24-kafka-extend-latest-first.har", "no-status"),
        ("31-global-eip-associate.har", "final"),
        ("39-cfw-firewall.har", "final"),
        ("41-swr-enterprise.har", "final"),
        ("h19-prepaid-order-followed-not-job.har", "by-resource"),
    ],
)
def test_how_the_job_stands(file: str, state: str) -> None:
    result = run("report", "--format", "json", FIELD / file)
    (job,) = json.loads(result.stdout)["jobs"]
    assert job["state"] == state


def test_each_file_has_its_row() -> None:
    assert {path.name for path in FIELD.iterdir()} == {row.file for row in ROWS}


@pytest.mark.parametrize(
    ("file", "said", "times"),
    [
        ("h07-jsonp.har", "give what is between its parentheses alone", 1),
        ("h07-entries-alone.har", "save a HAR", 1),
        ("r10-hcloud.txt", "give the JSON alone", 1),
        ("v0.10.mitm", "cannot read files with flow format version (0, 10)", 1),
        ("newer-version-99.mitm", "flow format version 99, please update mitmproxy", 1),
        ("newer-version-99-twice.mitm", "flow format version 99, please update mitmproxy", 1),
        ("v0.10-then-99.mitm", "flow format version", 2),
    ],
)
def test_a_message_says_what_it_is_and_what_to_do(file: str, said: str, times: int) -> None:
    result = run("check", FIELD / file)
    assert result.stderr.count(said) == times
    assert "damaged" not in result.stderr
    assert result.exit_code == UNREADABLE
