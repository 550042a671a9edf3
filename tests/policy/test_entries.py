"""`severities` and `waivers` as they are written down, and what a wrong entry is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskaudit.config.document import ConfigError
from taskaudit.config.loading import load
from taskaudit.contract.rules import RULES
from taskaudit.contract.verdict import Severity, Waiver
from taskaudit.policy.policy import EMPTY, Override

WAIVER = "{rule: TA306, reason: r, owner: o, until: 2026-12-31}"
BOTH = """\
severities:
  - rule: TA009
    route: "ecs:*"
    severity: info
  - rule: Content-Type-not-JSON
    severity: off
waivers:
  - rule: TA306
    route: ecs:CreateServers
    pointer: /error/details/*/code
    reason: "backend ticket 1234"
    owner: team-ecs
    until: 2026-12-31
  - rule: job-never-queried
    reason: a script that only submits
    owner: me
    until: "2026-02-28"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "c.yaml"


def wrong(config: Path, content: str) -> str:
    """What is said of the file."""
    config.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load(config)
    told = str(raised.value)
    assert "\n" not in told
    return told.removeprefix(f"{config}, ")


def test_both_tables(config: Path) -> None:
    config.write_text(BOTH, encoding="utf-8")
    policy = load(config).policy
    assert policy.overrides == (Override("TA009", Severity.INFO, "ecs:*"), Override("TA009", None))
    ticket = "backend ticket 1234"
    assert policy.waivers == (
        Waiver("TA306", ticket, "team-ecs", "2026-12-31", "ecs:CreateServers", "/error/details/*/code"),
        Waiver("TA501", "a script that only submits", "me", "2026-02-28"),
    )
    assert policy.expired == ()


def test_without_them_there_is_no_policy() -> None:
    assert load().policy is EMPTY


def test_the_digest_tells_of_them(config: Path) -> None:
    config.write_text(BOTH, encoding="utf-8")
    before = load(config).digest
    config.write_text(BOTH.replace("2026-12-31", "2027-12-31"), encoding="utf-8")
    assert before != load(config).digest


@pytest.mark.parametrize("code", [code for code in RULES if not code.startswith("TA9")])
def test_every_rule_about_traffic_can_be_waived(config: Path, code: str) -> None:
    config.write_text(f"waivers: [{WAIVER.replace('TA306', code)}]", encoding="utf-8")
    assert [waiver.rule for waiver in load(config).policy.waivers] == [code]


IN_A_WAIVER = [
    (
        "TA306",
        "TA3O6",
        'rule: found the text "TA3O6"; expected the code or name of a rule; did you mean "TA306"?',
    ),
    (
        "TA306",
        "error-code-not-strng",
        'rule: found the text "error-code-not-strng"; expected the code or name of a rule; did you mean '
        '"error-code-not-string"?',
    ),
    (
        "TA306",
        "zzz",
        'rule: found the text "zzz"; expected the code or name of a rule; taskaudit explain --all',
    ),
    ("TA306", "306", "rule: found the number 306; expected text"),
    (
        "TA306",
        "TA901",
        'rule: found the text "TA901"; expected a rule about answers or jobs: this one is about',
    ),
    ("TA306", "TA902", 'rule: found the text "TA902"; expected a rule about answers or jobs'),
    ("2026-12-31", "2026-02-30", 'until: found the text "2026-02-30"; expected a date such as 2026-12-31'),
    ("2026-12-31", "20261231", "until: found the number 20261231; expected a date such as 2026-12-31"),
    ("2026-12-31", "2026-W01-1", 'until: found the text "2026-W01-1"; expected a date such as 2026-12-31'),
    ("2026-12-31", "2026-12-31 10:00:00", "until: found the text"),
    ("2026-12-31", "", "until: found nothing; expected a date such as 2026-12-31"),
    ("reason: r", 'reason: ""', 'reason: found the text ""; expected text that is not empty'),
    ("reason: r", 'reason: " "', 'reason: found the text " "; expected text that is not blank'),
    ("reason: r", f"reason: {'r' * 201}", f'reason: found the text "{"r" * 80}…"; expected at most 200 char'),
    ("owner: o", "owner: 7", "owner: found the number 7; expected text"),
    ("owner: o", "owner: o, route: ''", 'route: found the text ""; expected text that is not empty'),
    ("owner: o", "owner: o, pointer: error/code", "pointer: found the text"),
    (
        "owner: o",
        "owner: o, route: ecs:CreatServers",
        'route: no service lists a route "ecs:CreatServers"; did you mean "ecs:CreateServers"?',
    ),
    (
        "owner: o",
        "owner: o, route: everything",
        'route: no service lists a route "everything"; expected a name such as ecs:CreateServers',
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), IN_A_WAIVER)
def test_a_wrong_waiver(config: Path, old: str, new: str, expected: str) -> None:
    told = wrong(config, f"waivers:\n- {WAIVER}\n- {WAIVER.replace(old, new)}\n")
    assert told.startswith(f"line 3: waivers[1].{expected}")


WRONG = [
    ("waivers: [{rule: TA306, reason: r, owner: o}]", 'line 1: the key "until" is missing in waivers[0]'),
    (f"waivers: [{WAIVER.replace('until', 'untl')}]", 'line 1: unknown key "untl"; did you mean "until"?'),
    ("waivers: TA306", 'line 1: waivers: found the text "TA306"; expected a list'),
    ("waiver: []", 'line 1: unknown key "waiver"; did you mean "waivers"?'),
    ("severities: [TA306]", 'line 1: severities[0]: found the text "TA306"; expected keys and values'),
    ("severities: [{rule: TA306}]", 'line 1: the key "severity" is missing in severities[0]'),
    (
        "severities:\n- {rule: TA306, severity: of}",
        "line 2: severities[0].severity: found the text \"of\"; expected 'error', 'warning', 'info' or 'off';"
        ' did you mean "off"?',
    ),
    (
        "severities:\n- {rule: TA306, severity: off}\n- {rule: TA306, route: 'ecs:*', severity: info}",
        "line 3: severities[1] never counts: the first entry that fits is taken, and severities[0]",
    ),
    (
        "severities:\n- {rule: TA306, route: e*, severity: off}\n- {rule: TA306, route: e*, severity: info}",
        "line 3: severities[1] never counts",
    ),
]


@pytest.mark.parametrize(("content", "expected"), WRONG)
def test_a_wrong_table(config: Path, content: str, expected: str) -> None:
    assert wrong(config, content).startswith(expected)


@pytest.mark.parametrize(
    "route",
    ["ecs:CreateServers", "ecs:*", "nothing:*", "POST /v9/{project_id}/things", "ecs:BatchStopServers"],
)
def test_routes_that_may_stand_there(config: Path, route: str) -> None:
    config.write_text(f"severities: [{{rule: TA306, severity: info, route: '{route}'}}]", encoding="utf-8")
    assert load(config).policy.overrides[0].route == route
