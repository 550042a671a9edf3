"""Generated files are up to date: run `make schema` where one is not."""

from __future__ import annotations

import pytest

from taskaudit.config import PARSED
from taskaudit.contract.words import Language
from tests.generate import (
    BEGIN,
    END,
    READMES,
    ROOT,
    parsed_configs,
    records_schema,
    rule_table,
    with_rule_table,
)


def test_the_schema_that_ships_is_made_from_the_records() -> None:
    shipped = ROOT / "configs" / "records.schema.json"
    assert shipped.read_text(encoding="utf-8") == records_schema()


def test_what_ships_parsed_is_what_the_yaml_files_hold() -> None:
    shipped = ROOT / "configs" / PARSED
    assert shipped.read_text(encoding="utf-8") == parsed_configs()


@pytest.mark.parametrize("language", Language)
def test_the_rule_table_of_the_readme_is_made_from_the_rules(language: Language) -> None:
    readme = (ROOT / READMES[language]).read_text(encoding="utf-8")
    assert readme == with_rule_table(readme, language)


@pytest.mark.parametrize("language", Language)
def test_what_stands_around_the_table_stays(language: Language) -> None:
    table = rule_table(language)
    assert with_rule_table(f"a\n{BEGIN}\nold\n{END}\nb\n", language) == f"a\n{BEGIN}\n{table}\n{END}\nb\n"


def test_missing_markers_are_told() -> None:
    with pytest.raises(ValueError, match="rules:begin"):
        with_rule_table("# taskaudit\n")
