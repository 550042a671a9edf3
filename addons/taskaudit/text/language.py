"""Which language people are spoken to in: as they ask for, or else as their locale says."""

from __future__ import annotations

from collections.abc import Mapping

from taskaudit.contract.words import Language

OPTION = "--lang"
VARIABLE = "TASKAUDIT_LANG"
LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")
"""The variables of the locale, the one that wins first (POSIX, section 8.2)."""


def chosen(option: str | None, environ: Mapping[str, str]) -> Language:
    """The language of `--lang`, else of `TASKAUDIT_LANG`, else of the locale; English where none is named.

    Raises ValueError that says which of the two is wrong, what stands there, and what may.
    """
    if option is not None:
        return _named(OPTION, option)
    if named := environ.get(VARIABLE):
        return _named(VARIABLE, named)
    locale = next(filter(None, map(environ.get, LOCALE)), "")
    return Language.ZH if locale.lower().startswith("zh") else Language.EN


def _named(where: str, value: str) -> Language:
    try:
        return Language(value.strip().lower())
    except ValueError:
        # Here, because it takes longer to import than the command line needs to print its help.
        from taskaudit.contract.excerpt import escape

        right = " or ".join(Language)
        raise ValueError(f'{where} is "{escape(value, 40)}"; expected {right}') from None
