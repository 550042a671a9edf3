"""The pages on rules, made from the registry: one a rule, and an index, in each language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from taskaudit.contract.excerpt import escape
from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.rule import Conversation, Example, Rule
from taskaudit.contract.words import Language, Words

FOLDERS = {Language.EN: Path("docs/rules"), Language.ZH: Path("docs/zh/rules")}
"""Where the pages of each language lie."""
_WAIVERS = {Language.EN: "../waivers.md", Language.ZH: "../../waivers.md"}
_OWN = frozenset({"TA901", "TA902"})
"""Rules on the audit itself: there is nothing to show, and nothing to waive."""

_TITLE = Words("Rules", "规则")
_INTRO = Words(
    "`error` breaks the contract, `warning` will likely break a client, `info` is worth knowing. TA204 and\n"
    "TA501 to TA507 are about several exchanges: they need a live proxy, a HAR or a flow file.",
    "`error` 违反约定，`warning` 很可能让客户端出错，`info` 值得了解。"
    "TA204 以及 TA501 至 TA507 涉及多次交互：需要在线代理、HAR 或 flow 文件。",
)
_HEAD = Words("| code | name | severity | when |", "| 编号 | 名称 | 级别 | 条件 |")
_SEVERITY = Words("Severity:", "级别：")
_ALL = Words("All rules", "全部规则")
_WHEN = Words("When", "条件")
_WHY = Words("Why", "影响")
_BAD = Words("Bad", "反例")
_GOOD = Words("Good", "正例")
_SOURCE = Words("Source", "出处")
_NO_BODY = Words("(no body)", "（无响应体）")
_ACCEPT = Words(
    "Known, and accepted for a time? Write a [waiver]({}).",
    "已知问题，暂时接受？请写一条[豁免]({})（英文）。",
)


def pages(language: Language) -> dict[Path, str]:
    """Each page, by its path from the root of the checkout."""
    folder, rules = FOLDERS[language], list(RULES.values())
    made = {folder / "README.md": _index(rules, language)}
    return made | {folder / f"{rule.code}.md": page(rule, language) for rule in rules}


def page(rule: Rule, language: Language) -> str:
    """The page on one rule."""
    return "\n".join(_page(rule, language)) + "\n"


def _index(rules: list[Rule], language: Language) -> str:
    rows = [
        f"| [{r.code}]({r.code}.md) | {r.name} | {r.severity} | {_cell(r.when.of(language))} |" for r in rules
    ]
    parts = (f"# {_TITLE.of(language)}", "", _INTRO.of(language), "", _HEAD.of(language), "|---|---|---|---|")
    return "\n".join([*parts, *rows]) + "\n"


def _page(rule: Rule, language: Language) -> Iterator[str]:
    yield f"# {rule.code} {rule.name}"
    yield f"\n{_SEVERITY.of(language)} `{rule.severity}` · [{_ALL.of(language)}](README.md)"
    yield f"\n## {_WHEN.of(language)}\n\n{_sentence(rule.when, language)}"
    yield f"\n## {_WHY.of(language)}\n\n{_prose(rule.why.of(language))}"
    for label, example in ((_BAD, rule.bad), (_GOOD, rule.good)):
        if example is not None:
            yield f"\n## {label.of(language)}\n"
            yield from _example(example, language) if isinstance(example, Example) else _steps(example)
    yield f"\n## {_SOURCE.of(language)}\n\n{rule.source}."
    if rule.code not in _OWN:
        yield f"\n{_ACCEPT.of(language).format(_WAIVERS[language])}"


def _example(example: Example, language: Language) -> Iterator[str]:
    if example.note:
        yield f"{_sentence(example.note, language)}\n"
    yield from ("```http", f"HTTP/1.1 {example.status}")
    for name, value in (
        ("Content-Type", example.content_type),
        ("Content-Encoding", example.content_encoding),
    ):
        if value:
            yield f"{name}: {value}"
    yield f"\n{_shown(example.sent) or _NO_BODY.of(language)}"
    yield "```"


def _steps(steps: Conversation) -> Iterator[str]:
    yield "```"
    for step in steps:
        yield f"{step.at:>4g} s  {step.request} -> {step.status} {step.body}".rstrip()
    yield "```"


def _shown(body: bytes) -> str:
    """As `taskaudit explain` shows it: what cannot be printed is escaped."""
    return escape(body.decode("utf-8", "replace"), 1000)


def _sentence(words: Words, language: Language) -> str:
    """A clause as a sentence; a member's name at its start stays as it is."""
    text = words.of(language)
    if language is Language.ZH:
        return _prose(text) + "。"
    first, rest = text.partition(" ")[::2]
    is_word = first.isalpha() and first.islower() and first not in _MEMBERS
    return _prose(f"{first.capitalize() if is_word else first} {rest}") + "."


_MEMBERS = frozenset({"error", "details", "message", "code", "status", "job_id"})


_MARKUP = re.compile(r"[*`<\[]|(?<!\w)_|_(?!\w)")


def _prose(text: str) -> str:
    """Nothing in it is markup."""
    return _MARKUP.sub(r"\\\g<0>", text)


def _cell(text: str) -> str:
    return _prose(text).replace("|", "\\|")
