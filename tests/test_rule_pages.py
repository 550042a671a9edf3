"""The pages on rules: everything that the registry tells, and nothing of it taken for markup."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from taskaudit.contract.rules import RULES
from taskaudit.contract.rules.rule import Example, Rule
from taskaudit.contract.words import Language
from tests.pages import HEADING, table, written_in
from tests.rule_pages import FOLDERS, page, pages

each = pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
both = pytest.mark.parametrize("language", Language)


def read(markdown: str) -> str:
    """What a reader sees of it, without white space."""
    tokens = MarkdownIt().parse(markdown)
    texts = [child.content for token in tokens for child in token.children or ()]
    return re.sub(r"\s", "", "".join([*texts, *(token.content for token in tokens if not token.children)]))


@each
@both
def test_a_page_tells_all_of_a_rule(rule: Rule, language: Language) -> None:
    told = read(page(rule, language))
    when = re.sub(r"\s", "", rule.when.of(language))
    for text in (rule.code, rule.name, rule.severity.value, when[1:], rule.why.of(language), rule.source):
        assert re.sub(r"\s", "", text) in told


@each
def test_the_answers_are_as_they_are(rule: Rule) -> None:
    shown = "\n".join(
        [*written_in("http", page(rule, Language.EN)), *written_in("", page(rule, Language.EN))]
    )
    for example in (rule.bad, rule.good):
        if isinstance(example, Example):
            assert f"HTTP/1.1 {example.status}\n" in shown
            if example.sent.isascii() and example.sent.decode().isprintable():
                assert example.sent.decode() in shown
        else:
            assert all(step.request in shown and step.body in shown for step in example or ())


@each
def test_both_languages_have_the_same_parts(rule: Rule) -> None:
    levels = [[marks for marks, _ in HEADING.findall(page(rule, language))] for language in Language]
    assert levels[0] == levels[1]


@both
def test_the_index_names_each_rule_with_its_page(language: Language) -> None:
    index = pages(language)[FOLDERS[language] / "README.md"]
    head = {Language.EN: "code", Language.ZH: "编号"}[language]
    rows = [(row[0], row[1], row[2]) for row in table(index, head)]
    assert rows == [(f"[{r.code}]({r.code}.md)", r.name, r.severity.value) for r in RULES.values()]
    assert all((FOLDERS[language] / f"{code}.md") in pages(language) for code in RULES)
