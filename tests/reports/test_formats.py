"""One run in every format: the same counts in each, and none that hides what is not whole."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import junitparser
import pytest

from taskaudit.contract.words import Language
from taskaudit.reports.formats import Format, format_for, render
from taskaudit.reports.model import Report
from tests.reports.runs import RUN, hostile, report_on, reported
from tests.stories import write_log


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return reported(tmp_path_factory.mktemp("run"), RUN)


def summed(counts: Iterable[tuple[str, int]]) -> Counter[str]:
    total = Counter[str]()
    for rule, count in counts:
        total[rule] += count
    return total


def rules_in_json(text: str) -> Counter[str]:
    return summed((each["rule"], each["count"]) for each in json.loads(text)["findings"])


def rules_in_sarif(text: str) -> Counter[str]:
    results = json.loads(text)["runs"][0]["results"]
    return summed((each["ruleId"], each["occurrenceCount"]) for each in results)


def rules_in_junit(text: str) -> Counter[str]:
    suites: Any = junitparser.JUnitXml.fromstring(text.encode())
    counted = Counter[str]()
    for suite in suites:
        for each in suite.properties():
            if each.name.startswith("findings.TA"):
                counted[each.name.removeprefix("findings.")] += int(each.value)
    return counted


def rules_in_markdown(text: str) -> Counter[str]:
    found = re.findall(r"^- \*\*(TA\d{3}) [\w-]+\*\* \((\d+)\)", text, re.MULTILINE)
    return Counter({rule: int(count) for rule, count in found})


def rules_in_github(text: str) -> Counter[str]:
    counted = Counter[str]()
    for rule, often in re.findall(r"title=(TA\d{3}) .*%0A(once|\d+ times)[^%]*$", text, re.MULTILINE):
        counted[rule] += 1 if often == "once" else int(often.split()[0])
    return counted


def rules_in_html(text: str) -> Counter[str]:
    """By the table; the chart above it says the same."""
    rows = re.findall(r'data-value="(TA\d{3})">.*?data-value="(\d+)" class="number"', text, re.DOTALL)
    chart = text.partition('id="chart-rules"')[2].partition("</table>")[0]
    bars = re.findall(r">(TA\d{3})</a>.*?class=\"number\">(\d+)<", chart)
    counted = summed((rule, int(count)) for rule, count in rows)
    assert counted == {rule: int(count) for rule, count in bars}
    return counted


READERS = {
    Format.HTML: rules_in_html,
    Format.JSON: rules_in_json,
    Format.SARIF: rules_in_sarif,
    Format.JUNIT: rules_in_junit,
    Format.MARKDOWN: rules_in_markdown,
    Format.GITHUB: rules_in_github,
}


@pytest.mark.parametrize("format", Format)
def test_the_findings_are_counted_alike(report: Report, format: Format) -> None:
    expected = Counter(dict(report.rules))
    assert expected == {"TA003": 1, "TA304": 1, "TA306": 3, "TA501": 1, "TA502": 1}
    assert READERS[format](render(report, format, Language.EN)) == expected


@pytest.mark.parametrize("format", Format)
@pytest.mark.parametrize("language", Language)
def test_every_format_shows_the_coverage(report: Report, format: Format, language: Language) -> None:
    text = render(report, format, language)
    totals = report.coverage.totals
    assert (totals.seen, totals.other, totals.audited, totals.unaudited.total()) == (12, 1, 9, 2)
    is_chinese = language is Language.ZH and format is not Format.JSON
    line = (
        "12 = 其他 1 + 已审计 9 + 未审计 2" if is_chinese else "seen 12 = other 1 + audited 9 + unaudited 2"
    )
    assert line in plain(text)


def plain(text: str) -> str:
    """The text with its JSON escapes undone, as a reader sees it."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A killed session with a gap and a line that is no record; jobs were forgotten, and left out."""
    log = write_log(tmp_path_factory.mktemp("broken") / "audit.ndjson", RUN, stop=False)
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:3], *lines[5:8], b'{"cut": \n', *lines[8:]]))
    return replace(report_on(log), evicted=3, unlisted=4, repeated=5)


@pytest.mark.parametrize("format", [each for each in Format if each is not Format.HTML])
@pytest.mark.parametrize(
    "words",
    [
        "not JSON",
        "2 records LOST",
        "1 of 1 sessions are still running, or were killed",
        "3 jobs were forgotten",
        "4 more jobs are not listed",
        "5 exchanges stand in more than one source",
    ],
)
def test_no_format_hides_what_is_not_whole(broken: Report, format: Format, words: str) -> None:
    assert broken.coverage.missing == 2
    if format is not Format.JSON:
        assert words in render(broken, format, Language.EN)


def test_json_tells_what_is_not_whole_in_members(broken: Report) -> None:
    told = json.loads(render(broken, "json", Language.EN))
    assert "not JSON" in told["damaged"][0]
    assert {name: told["coverage"][name] for name in ("missing_records", "open_sessions", "is_whole")} == {
        "missing_records": 2,
        "open_sessions": 1,
        "is_whole": False,
    }
    assert (told["evicted_jobs"], told["unlisted_jobs"], told["repeated_exchanges"]) == (3, 4, 5)


@pytest.mark.parametrize("format", Format)
def test_every_format_holds_only_harmless_characters(tmp_path: Path, format: Format) -> None:
    text = render(reported(tmp_path, hostile()), format, Language.EN)
    assert not [char for char in text if not char.isprintable() and char not in "\n\r\t"]


@pytest.mark.parametrize("format", Format)
def test_nothing_to_report_on_is_no_pass(tmp_path: Path, format: Format) -> None:
    (tmp_path / "empty").mkdir()
    text = render(report_on(tmp_path / "empty"), format, Language.EN)
    assert "seen 0 = other 0 + audited 0 + unaudited 0" in text
    assert "Nothing was audited" in text or format is Format.JSON


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("r.html", Format.HTML),
        ("R.HTM", Format.HTML),
        ("r.md", Format.MARKDOWN),
        ("TEST-audit.xml", Format.JUNIT),
        ("r.sarif", Format.SARIF),
        ("r.sarif.json", Format.SARIF),
        ("r.json", Format.JSON),
    ],
)
def test_the_suffix_tells_the_format(name: str, format: Format) -> None:
    assert format_for(Path("folder.md") / name) is format


@pytest.mark.parametrize("name", ["report", "report.csv", "report.pdf", "html", ".htmlx"])
def test_another_suffix_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf'the name "{name}" tells no format: it ends in none of \.html'):
        format_for(Path(name))


def test_a_format_there_is_not(report: Report) -> None:
    with pytest.raises(ValueError, match="pdf"):
        render(report, "pdf", Language.EN)
