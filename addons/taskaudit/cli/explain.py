"""`taskaudit explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from taskaudit.cli.options import LangOption, language_of
from taskaudit.cli.printing import fail, new_console
from taskaudit.cli.root import app


@app.command()
def explain(
    context: typer.Context,
    rules: Annotated[
        list[str] | None, typer.Argument(help="Rule codes or names, such as TA306.", show_default=False)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Explain every rule.", show_default=False)] = False,
    lang: LangOption = None,
) -> None:
    """Explain rules: what, why it matters, a bad and a good example, the source."""
    from taskaudit.contract.rules import RULES
    from taskaudit.text.explain import explanation, find_rule

    language = language_of(context, lang)
    if not rules and not every:
        fail("name a rule, such as TA306, or --all")
    console = new_console()
    try:
        chosen = list(RULES.values()) if every else [find_rule(name) for name in rules or ()]
    except LookupError as error:
        fail(str(error.args[0]))
    for number, rule in enumerate(chosen):
        if number:
            console.print()
        for line in explanation(rule, language):
            console.print(line)
