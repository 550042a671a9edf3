"""Runs the benchmarks and prints their table; a part of them by name, all without.

    python -m tests.benchmarks [NAME...] [--json FILE] [--page]

`--json` writes the figures, `--page` makes `docs/performance.md` and its pictures of them.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.measure import Curve, Row, shown
from tests.benchmarks.page import machine, write_page

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--page", action="store_true", help="make docs/performance.md of the figures")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(NAMES):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    console = Console(width=None if sys.stdout.isatty() else 180)
    results = {name: measured(name, console) for name in asked.names or NAMES}
    if asked.json:
        asked.json.write_text(json.dumps(as_json(results), indent=1) + "\n")
    if asked.page:
        write_page(results)


def measured(name: str, console: Console) -> tuple[str, list[Row], list[Curve]]:
    """Runs one benchmark: its title, rows and curves; prints the rows as they come."""
    module = importlib.import_module(f"tests.benchmarks.bench_{name}")
    began = perf_counter()
    table = Table(title=module.TITLE, title_justify="left", title_style="bold", expand=False)
    for head in ("what", "against", "goal", "median", "quartiles", "rounds", "", "figures"):
        table.add_column(head, overflow="fold")
    rows = list(module.rows()) if hasattr(module, "rows") else []
    for row in rows:
        table.add_row(*cells(row))
    if rows:
        console.print(table)
    for row in rows:
        if not row.is_met:
            console.print(f"  [bold]{row.what}[/]: {row.why}")
    curves = list(module.curves()) if hasattr(module, "curves") else []
    for curve in curves:
        console.print(f"[bold]{curve.title}[/] ({curve.y} by {curve.x})")
        for line, points in curve.lines.items():
            console.print(f"  {line}: " + "  ".join(f"{shown(x)}: {shown(y)}" for x, y in points))
    console.print(f"({perf_counter() - began:.0f} s)\n")
    return module.TITLE, rows, curves


def cells(row: Row) -> Iterator[str]:
    """A row as it is printed."""
    found = row.found
    yield row.what
    yield row.against
    yield str(row.goal)
    yield shown(found.middle)
    yield f"{shown(found.low)} to {shown(found.high)}"
    yield str(found.rounds)
    yield "met" if row.is_met else "NOT MET"
    yield row.detail


def as_json(results: dict[str, tuple[str, list[Row], list[Curve]]]) -> dict[str, Any]:
    """The figures with the machine they are of."""
    return {
        "machine": machine(),
        "benchmarks": {
            name: {
                "title": title,
                "rows": [
                    {
                        "what": row.what,
                        "against": row.against,
                        "goal": row.goal._asdict(),
                        "is_met": row.is_met,
                        **row.found._asdict(),
                        "detail": row.detail,
                    }
                    for row in rows
                ],
                "curves": [curve._asdict() for curve in curves],
            }
            for name, (title, rows, curves) in results.items()
        },
    }


if __name__ == "__main__":
    main()
