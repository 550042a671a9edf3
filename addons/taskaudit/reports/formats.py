"""The formats of a report, by name and by the suffix of the file it goes to.

The command line needs the names at its start; what a format is drawn with is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from taskaudit.contract.excerpt import escape
from taskaudit.contract.words import Language

if TYPE_CHECKING:
    from taskaudit.reports.model import Report


class Format(StrEnum):
    """How a report is written down."""

    HTML = "html"
    MARKDOWN = "markdown"
    JUNIT = "junit"
    SARIF = "sarif"
    JSON = "json"
    GITHUB = "github"


SUFFIXES = {
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".md": Format.MARKDOWN,
    ".xml": Format.JUNIT,
    ".sarif": Format.SARIF,
    ".sarif.json": Format.SARIF,
    ".json": Format.JSON,
}
"""The format that a file's suffix stands for, the longest that fits; GitHub's annotations have none."""


def format_for(path: Path) -> Format:
    """The format of a file by its suffix. Raises ValueError that names the suffixes there are."""
    name = path.name.lower()
    fitting = [suffix for suffix in SUFFIXES if name.endswith(suffix)]
    if not fitting:
        known = ", ".join(SUFFIXES)
        raise ValueError(f'the name "{escape(path.name)}" tells no format: it ends in none of {known}')
    return SUFFIXES[max(fitting, key=len)]


def render(report: Report, format: Format | str, language: Language) -> str:
    """The report in that format. Raises ValueError for a format there is not."""
    return _RENDERERS[Format(format)](report, language)


def _html(report: Report, language: Language) -> str:
    from taskaudit.reports.html import as_html

    return as_html(report, language)


def _markdown(report: Report, language: Language) -> str:
    from taskaudit.reports.markdown import as_markdown

    return as_markdown(report, language)


def _junit(report: Report, language: Language) -> str:
    from taskaudit.reports.junit import as_junit

    return as_junit(report, language)


def _sarif(report: Report, language: Language) -> str:
    from taskaudit.reports.sarif import as_sarif

    return as_sarif(report, language)


def _json(report: Report, language: Language) -> str:
    from taskaudit.reports.as_json import as_json

    return as_json(report)


def _github(report: Report, language: Language) -> str:
    from taskaudit.reports.github import as_annotations

    return as_annotations(report, language)


_RENDERERS: dict[Format, Callable[[Report, Language], str]] = {
    Format.HTML: _html,
    Format.MARKDOWN: _markdown,
    Format.JUNIT: _junit,
    Format.SARIF: _sarif,
    Format.JSON: _json,
    Format.GITHUB: _github,
}
