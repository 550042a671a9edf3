"""Files that are generated from the code: `python -m tests.generate` writes them, a test compares them."""

from __future__ import annotations

import json
from pathlib import Path

from taskaudit.config import PARSED, parse, text_digest
from taskaudit.contract.rules import RULES
from taskaudit.contract.words import Language
from taskaudit.records import json_schema

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- rules:begin -->", "<!-- rules:end -->"
READMES = {Language.EN: "README.md", Language.ZH: "README.zh-CN.md"}
"""The README in each language."""
_HEAD = {
    Language.EN: "| code | name | severity | when |",
    Language.ZH: "| 编号 | 名称 | 级别 | 条件 |",
}


def records_schema() -> str:
    """`configs/records.schema.json`."""
    return json.dumps(json_schema(), indent=2) + "\n"


def parsed_configs(root: Path = ROOT) -> str:
    """`configs/parsed.json`."""
    configs = root / "configs"
    files = [configs / "default.yaml", *sorted((configs / "catalogue").glob("*.yaml"))]
    texts = {path.name: path.read_text(encoding="utf-8") for path in files}
    return json.dumps({text_digest(text): parse(name, text) for name, text in texts.items()}, indent=1) + "\n"


def rule_table(language: Language = Language.EN) -> str:
    """The table of all rules in Markdown."""
    rows = [f"| {r.code} | {r.name} | {r.severity} | {_cell(r.when.of(language))} |" for r in RULES.values()]
    return "\n".join([_HEAD[language], "|---|---|---|---|", *rows])


def with_rule_table(readme: str, language: Language = Language.EN) -> str:
    """The text with the table between its markers. Raises ValueError where these are missing."""
    if BEGIN not in readme or END not in readme:
        raise ValueError(f"{READMES[language]} has no {BEGIN} and {END} for the rule table")
    before, _, rest = readme.partition(BEGIN)
    return f"{before}{BEGIN}\n{rule_table(language)}\n{END}{rest.partition(END)[2]}"


def generated(root: Path = ROOT) -> dict[Path, str]:
    """Each generated file with what it should hold. Raises ValueError."""
    readmes = {root / name: language for language, name in READMES.items()}
    return {
        root / "configs" / "records.schema.json": records_schema(),
        root / "configs" / PARSED: parsed_configs(root),
        **{
            path: with_rule_table(path.read_text(encoding="utf-8"), language)
            for path, language in readmes.items()
        },
    }


def main() -> None:
    """Writes the schema first: it needs no markers."""
    (ROOT / "configs" / "records.schema.json").write_text(records_schema(), encoding="utf-8")
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    main()
