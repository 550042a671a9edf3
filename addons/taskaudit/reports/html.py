"""The report as HTML: one self-contained file, or the status page and what that fetches.

Nothing is loaded from elsewhere. Styles and scripts stand in files of their own (`STATIC`): a file has them
inlined and named by their hashes in its policy, the status page gets them from its own server. The
templates print each text through `escape`, and through Jinja2's own escaping.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from functools import cache, partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from taskaudit import __version__
from taskaudit.contract.excerpt import escape
from taskaudit.contract.phrases import spoken
from taskaudit.contract.rules import RULES
from taskaudit.contract.words import Language
from taskaudit.reports.model import Report
from taskaudit.reports.page import (
    LIVE_PAGE,
    REPORT,
    Limits,
    Page,
    anchor,
    clock,
    is_conversation,
    page_of,
    sent,
    since,
    vocabulary,
)
from taskaudit.reports.page_words import PAGE
from taskaudit.reports.shown import about, is_placed, waived
from taskaudit.story.jobs import seconds, why_failed
from taskaudit.text.terms import SEVERITIES, STATES
from taskaudit.text.waiver_words import with_waived
from taskaudit.times import rfc3339

type Choice = tuple[str, str, int]
"""A box of a filter: its value, its words, how many rows it stands for."""

STATIC = Path(__file__).parent / "static"
"""Style sheet and scripts."""

_TEMPLATES = Path(__file__).parent / "templates"
_LANGUAGES = {Language.EN: "en", Language.ZH: "zh-Hans"}
_PART_ENDS = re.compile(r"[|:/]")
_LONGEST = 1000
"""To how many characters a text is cut. Ids are not cut before that: they are there to be copied."""


def as_html(report: Report, language: Language, limits: Limits = REPORT) -> str:
    """The report as one file that needs no other."""
    css, js = _static("report.css"), _static("report.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(css)}'; script-src '{_hash(js)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    inlined = {"policy": Markup(policy), "css": Markup(css), "js": Markup(js)}
    return _drawn("report.html.j2", page_of(report, language, limits), language, **inlined)


def live_html(report: Report, language: Language, version: str, limits: Limits = LIVE_PAGE) -> str:
    """The status page; `version` is that of the report it starts with."""
    return _drawn("live.html.j2", page_of(report, language, limits), language, live_version=version)


def sections_html(report: Report, language: Language, limits: Limits = LIVE_PAGE) -> str:
    """What stands inside the page's `<main id="report">`."""
    return _drawn("sections.html.j2", page_of(report, language, limits), language)


def _drawn(template: str, page: Page, language: Language, **more: object) -> str:
    words = vocabulary(language)
    known = {"page": page, "language": language, "lang": _LANGUAGES[language], "version": __version__}
    return (
        _environment()
        .get_template(template)
        .render(
            **known,
            **words,
            **_choices(page, language),
            phrase=partial(spoken, language=language),
            over_time_alt=_over_time(page, language),
            **more,
        )
    )


def _choices(page: Page, language: Language) -> dict[str, list[Choice]]:
    """What the filters offer: what there is in the tables, with how many rows each."""
    found = Counter(found.severity.value for found in page.findings)
    states = Counter(shown.job.state.value for shown in page.jobs)
    severities = {key: words.of(language) for key, words in SEVERITIES.items()}
    named_states = {key: words.of(language) for key, words in STATES.items()}
    of_jobs = {**severities, "none": PAGE["no_rule"].of(language)}
    return {
        "severity_choices": [(key, text, found[key]) for key, text in severities.items() if found[key]],
        "state_choices": [(key, text, states[key]) for key, text in named_states.items() if states[key]],
        "job_severity_choices": [
            (key, text, page.job_severities[key])
            for key, text in of_jobs.items()
            if page.job_severities.get(key)
        ],
    }


def _over_time(page: Page, language: Language) -> str:
    """The picture of the activity in words."""
    if page.activity is None:
        return ""
    over = page.activity
    return (
        PAGE["over_time_alt"]
        .of(language)
        .format(
            submissions=sum(column.submissions for column in over.columns),
            queries=sum(column.queries for column in over.columns),
            start=clock(rfc3339(over.axis.start)),
            end=clock(rfc3339(over.axis.end)),
            busiest=over.busiest,
            width=seconds(over.axis.span * over.width / 100),
        )
    )


@cache
def _environment() -> Environment:
    """Prints texts harmless, whatever a template forgets; misspelt names raise."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )
    functions = (
        about,
        anchor,
        clock,
        is_conversation,
        is_placed,
        seconds,
        sent,
        since,
        waived,
        why_failed,
        with_waived,
    )
    environment.globals.update({each.__name__: each for each in functions})
    environment.globals["breakable"] = _breakable
    environment.globals["known_rules"] = RULES
    environment.globals["rule_name"] = lambda code: RULES[code].name if code in RULES else ""
    return environment


def _breakable(name: str) -> Markup:
    """A name of parts, harmless, that may break after each of them and nowhere else, where there is room."""
    return Markup(_PART_ENDS.sub(r"\g<0><wbr>", str(Markup.escape(escape(name, _LONGEST)))))


def _harmless(value: object) -> object:
    return escape(value, _LONGEST) if type(value) is str else value  # Markup is ours, and a str too.


@cache
def _static(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """A source of a Content-Security-Policy that allows just this text (CSP 3, section 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
