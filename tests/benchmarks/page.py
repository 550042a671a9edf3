"""`docs/performance.md` and its pictures, made of the last results."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.measure import Curve, Row, shown

DOCS = Path(__file__).resolve().parents[2] / "docs"
PARTS = ("mitmproxy", "pydantic", "jiter", "msgspec", "psycopg")

_ABOUT = (
    "Made by `make bench`, which takes some minutes. Each figure is a ratio of two things that were run in",
    "turn, or says what it is: the median of the rounds, with quartiles. How it is measured stands in",
    "[measure.py](../tests/benchmarks/measure.py), and what exactly at the head of each benchmark beside it.",
)


def machine() -> dict[str, str]:
    """What the figures depend on: processor, system, versions, day."""
    processor = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return {
        "processor": f"{processor[1] if processor else platform.machine()}, {os.cpu_count()} cores, shared",
        "python": platform.python_version(),
        **{part: version(part) for part in PARTS},
        "day": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def write_page(results: dict[str, tuple[str, list[Row], list[Curve]]]) -> None:
    """Writes the page, and a picture for each curve."""
    (DOCS / "performance.md").write_text("\n".join(_lines(results)))
    for _, _, curves in results.values():
        for curve in curves:
            _draw(curve, DOCS / "pictures" / f"performance-{curve.name}.svg")


def _lines(results: dict[str, tuple[str, list[Row], list[Curve]]]) -> Iterator[str]:
    facts = machine()
    yield "# What it costs"
    yield ""
    yield from _ABOUT
    yield ""
    yield ", ".join(f"{name} {fact}" for name, fact in facts.items() if name != "day") + f"; {facts['day']}."
    for title, rows, curves in results.values():
        yield ""
        yield f"## {title}"
        if rows:
            yield ""
            yield "| what | against | goal | median | quartiles | figures |"
            yield "|---|---|---|---|---|---|"
        for row in rows:
            found = f"**{shown(row.found.middle)}**" + ("" if row.is_met else " (not met)")
            quartiles = f"{shown(row.found.low)} to {shown(row.found.high)}"
            yield f"| {row.what} | {row.against} | {row.goal} | {found} | {quartiles} | {row.detail} |"
        missed = [row for row in rows if not row.is_met]
        if missed:
            yield ""
            yield "Why goals are not met:"
            yield ""
        yield from (f"- *{row.what}*: {row.why}" for row in missed)
        for curve in curves:
            yield ""
            yield f"![{curve.title}](pictures/performance-{curve.name}.svg)"
    yield ""


def _draw(curve: Curve, path: Path) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "taskaudit"
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.subplots()
    for name, points in curve.lines.items():
        axes.plot(*zip(*points, strict=True), marker="o", markersize=4, label=name)
    axes.set(title=curve.title, xlabel=curve.x, ylabel=curve.y)
    axes.set_xscale("log" if curve.log_x else "linear")
    axes.set_yscale("log" if curve.log_y else "linear")
    if not curve.log_y:
        axes.set_ylim(bottom=0)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, format="svg", metadata={"Date": None})
