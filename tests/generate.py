"""Files that are generated from the code: `python -m tests.generate` writes them, a test compares them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from taskaudit.config.document import PARSED, parse, text_digest
from taskaudit.contract.words import Language
from tests import rule_pages
from tests.record_schema import json_schema

ROOT = Path(__file__).resolve().parent.parent
READMES = {Language.EN: "README.md", Language.ZH: "README.zh-CN.md"}
"""The README in each language."""


def records_schema() -> str:
    """`configs/records.schema.json`."""
    return json.dumps(json_schema(), indent=2) + "\n"


def parsed_configs() -> str:
    """`configs/parsed.json`."""
    configs = ROOT / "configs"
    files = [configs / "default.yaml", *sorted((configs / "catalogue").glob("*.yaml"))]
    texts = {path.name: path.read_text(encoding="utf-8") for path in files}
    return json.dumps({text_digest(text): parse(name, text) for name, text in texts.items()}, indent=1) + "\n"


@cache
def generated() -> dict[Path, str]:
    """Each generated file, by its path from the root of the checkout, with what it should hold."""
    configs = Path("configs")
    made = {configs / "records.schema.json": records_schema(), configs / PARSED: parsed_configs()}
    for language in Language:
        made |= rule_pages.pages(language)
    return made


def left_over() -> list[Path]:
    """Pages on rules that are no more."""
    known = generated()
    lying = [path for folder in rule_pages.FOLDERS.values() for path in (ROOT / folder).glob("*")]
    return [path for path in lying if path.relative_to(ROOT) not in known]


def main() -> None:
    for path, text in generated().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
    for path in left_over():
        path.unlink()


if __name__ == "__main__":
    main()
