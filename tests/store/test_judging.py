"""The rules that a store judges anew: all of them, and by which thresholds is in `test_views`."""

from __future__ import annotations

from taskaudit.contract.rules import RULES
from taskaudit.store.judging import JUDGED, POINTERS, story_sql
from taskaudit.story.told import REPLAYED


def test_every_rule_on_more_than_one_exchange_is_judged() -> None:
    assert {rule.code for rule in JUDGED} == set(POINTERS) == REPLAYED
    assert all(RULES[rule.code] is rule for rule in JUDGED)


def test_every_rule_is_in_the_sql() -> None:
    sql = story_sql("")
    assert [code for code in POINTERS if f"'{code}'" not in sql] == []
    assert not set("{}") & set(sql)
