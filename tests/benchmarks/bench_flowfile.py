"""`check` on flow files against mitmproxy's own reader.

Method. One file of 5,000 flows is checked, as `taskaudit check FILE --format json` does it but for printing,
and read by mitmproxy's `FlowReader` in a loop that does nothing with the flows; both in turn, in this
process, by its CPU time. The configuration is loaded before. The curve has files of several lengths.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from mitmproxy.io import FlowReader

from tests.benchmarks.captures import checked, growth, write_flows
from tests.benchmarks.measure import Curve, Goal, Row, cpu, in_turn, shown

TITLE = "check on flow files"
FLOWS = 5_000
ROUNDS = 5
WHY = (
    "some 67 µs a flow, where 58 are allowed. Reading takes 37: one step of Python for each of some 37 "
    "members of a flow that have to be passed or read. The rest is the exchange, its verdict, keeping "
    "it until the last one is read, and its line; no part of it is a fifth."
)
TRAFFIC = {"one flow in ten is a submission": 10, "all flows are submissions": 1}


def read(path: Path) -> int:
    """mitmproxy's own loop."""
    with path.open("rb") as file:
        return sum(1 for _ in FlowReader(file).stream())


def rows() -> Iterator[Row]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "flows"
        for what, every in TRAFFIC.items():
            write_flows(path, FLOWS, every)
            assert checked(path) == read(path) == FLOWS
            yield against_mitmproxy(path, FLOWS, what, "mitmproxy's FlowReader")


def against_mitmproxy(path: Path, count: int, what: str, against: str) -> Row:
    """A file with `count` exchanges, read by mitmproxy and checked by us."""
    ratio, theirs, ours = in_turn(lambda: cpu(lambda: read(path)), lambda: cpu(lambda: checked(path)), ROUNDS)
    detail = f"{shown(count / ours.middle)}/s against {shown(count / theirs.middle)}/s"
    return Row(what, against, ratio, Goal(5, at_least=True), detail, WHY)


def curves() -> Iterator[Curve]:
    lines = growth(write_flows, (1_000, 4_000, 16_000), TRAFFIC)
    yield Curve("flowfile", "check on a flow file", "flows", "µs per flow", lines)
