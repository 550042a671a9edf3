"""The lines that people see while traffic passes."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from msgspec import structs

from taskaudit.auditor import Outcome
from taskaudit.contract.rules.lifecycle import TA501
from taskaudit.contract.verdict import Finding, Severity
from taskaudit.lifecycle import Late
from taskaudit.policy.policy import Policy
from taskaudit.proxy.telling import tell, tell_distrust, tell_findings, tell_late
from tests.samples import BAD_ERROR, JOB_ID, outcome, waiver
from tests.stories import under

REQUEST = "POST ecs.example.com/v1/0123/cloudservers (ecs:CreateServers)"
NASTY = '{"error": {"message": "m", "code": 4, "details": ["\\u001b[31m"]}, "\\u001b[2J": 1, "\\u001b[2J": 2}'
NEVER = Finding(TA501.code, TA501.name, TA501.severity, "", "a query", "none", "none")


@pytest.fixture(autouse=True)
def all_of_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(each.levelname, each.getMessage()) for each in caplog.records]


def late(job: Outcome) -> None:
    tell_late([Late(job, NEVER)])


def test_each_exchange_has_a_line(caplog: pytest.LogCaptureFixture) -> None:
    tell(outcome())
    tell(outcome(BAD_ERROR, 400))
    assert lines(caplog) == [
        ("INFO", f"taskaudit: job {JOB_ID} {REQUEST} HTTP 200"),
        ("WARNING", f"taskaudit: error {REQUEST} HTTP 400 TA306"),
    ]


def test_without_people_only_what_is_wrong_has(caplog: pytest.LogCaptureFixture) -> None:
    tell_findings(outcome())
    tell_findings(outcome('{"error": {"message": "bad", "code": 400, "details": null}}', 400))
    assert lines(caplog) == [
        (
            "WARNING",
            f"taskaudit: TA306 error-code-not-string: {REQUEST} HTTP 400 /error/code found Number 400",
        ),
        ("WARNING", f"taskaudit: TA402 details-null: {REQUEST} HTTP 400 /error/details found null"),
    ]


def test_what_becomes_of_a_job_has_a_line(caplog: pytest.LogCaptureFixture) -> None:
    late(outcome())
    assert lines(caplog) == [
        ("WARNING", f"taskaudit: TA501 job-never-queried: {REQUEST} HTTP 200 job {JOB_ID}")
    ]


def test_a_certificate_that_is_not_trusted_has_a_line(caplog: pytest.LogCaptureFixture) -> None:
    for path in ("/v1/0123/cloudservers", "/v1/0123/cloudvolumes"):
        tell_distrust(outcome(None, path=path), "self-signed certificate")
    assert lines(caplog)[0] == (
        "WARNING",
        f"taskaudit: {REQUEST}: the server's certificate is not trusted (self-signed certificate): "
        "trust its CA with --set ssl_verify_upstream_trusted_ca=FILE (PEM), "
        "or any certificate with --set ssl_insecure=true",
    )
    assert len({each.__dict__["fingerprint"] for each in caplog.records}) == 1


def test_equal_findings_have_equal_fingerprints(caplog: pytest.LogCaptureFixture) -> None:
    for other in ("request-1", "request-2"):
        tell_findings(outcome(BAD_ERROR, 400, exchange_id=other))
    tell_findings(outcome(BAD_ERROR, 400, path="/v1/0123/cloudvolumes"))
    one, same, other_one = (each.__dict__["fingerprint"] for each in caplog.records)
    assert one == same != other_one


@pytest.mark.parametrize("say", [tell, tell_findings, late])
@pytest.mark.parametrize("body", [NASTY, '{"job_id": "\\u001b[31m\\n' + "x" * 5000 + '"}'])
def test_lines_are_harmless_and_bounded(
    caplog: pytest.LogCaptureFixture, say: Callable[[Outcome], None], body: str
) -> None:
    say(outcome(body, 400, path="/v1/\x1b[31m\r\n/cloudservers"))
    assert caplog.records
    for _, line in lines(caplog):
        assert line.isprintable()
        assert len(line) < 1500


@pytest.mark.parametrize(
    ("severity", "level"),
    [(Severity.ERROR, "WARNING"), (Severity.WARNING, "WARNING"), (Severity.INFO, "INFO")],
)
def test_the_level_is_that_of_the_severity(
    caplog: pytest.LogCaptureFixture, severity: Severity, level: str
) -> None:
    tell_late([Late(outcome(), structs.replace(NEVER, severity=severity))])
    assert [level for level, _ in lines(caplog)] == [level]


@pytest.mark.parametrize("say", [tell, tell_findings])
def test_what_is_waived_is_no_warning(
    caplog: pytest.LogCaptureFixture, say: Callable[[Outcome], None]
) -> None:
    (known,) = under(Policy(waivers=[waiver("TA306")]), [outcome(BAD_ERROR, 400)])
    say(known)
    say(outcome(BAD_ERROR, 400))
    (level, told), (new_level, new) = lines(caplog)
    assert (level, new_level) == ("INFO", "WARNING")
    assert "waived" in told
    assert "waived" not in new


def test_a_finding_is_told_when_its_waiver_has_ended(caplog: pytest.LogCaptureFixture) -> None:
    (known,) = under(Policy(waivers=[waiver("TA306")]), [outcome(BAD_ERROR, 400)])
    tell_findings(known)
    tell_findings(outcome(BAD_ERROR, 400))
    waived, new = (each.__dict__["fingerprint"] for each in caplog.records)
    assert waived != new
