"""What the audit adds to an exchange in mitmdump: CPU time of the proxy for one request, with and without.

Method. `mitmdump -q` in reverse mode with the audit, which writes its log, against the same with an addon
that has no hooks. Both run side by side and are loaded in turn, some hundred requests at a time. As two
processes of the same program differ by a per cent, by chance, there are several pairs, and each contributes
the same number of rounds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

from taskaudit.paths import addon_script
from tests.benchmarks.load import OTHER, SUBMISSIONS, Loaded, Traffic, mitmdump, origin
from tests.benchmarks.measure import Goal, Row, in_turn

TITLE = "An exchange in mitmdump, with the audit"

PAIRS = 3
ROUNDS = 10
SLICE = 300
WARM_UP = 600

type Pair = tuple[Loaded, Loaded]
"""With the audit, and without."""

WHY = (
    "of some 130 µs a submission (50 in a loop that does nothing else: between two exchanges the caches"
    " go cold), making the exchange takes 30, the verdict 18, the route 17, following the job 15, the "
    "line of the log 20 and its write 22, mark and comment 16. 50 would be allowed."
)
_EMPTY = "class Empty:\n    pass\n\n\naddons = [Empty()]\n"


def rows() -> Iterator[Row]:
    """One for traffic that is not ours, one where all of it is submissions."""
    with tempfile.TemporaryDirectory() as folder, origin() as address, ExitStack() as running:
        pairs = [_pair(running, Path(folder), address, number) for number in range(PAIRS)]
        yield _row("traffic that is not ours", pairs, OTHER, Goal(1.02))
        yield _row("submissions, with the log", pairs, SUBMISSIONS, Goal(1.05))


def _row(what: str, pairs: list[Pair], traffic: Traffic, goal: Goal) -> Row:
    for pair in pairs:
        for proxy in pair:
            proxy.slice(traffic, WARM_UP)
    ours, empty = cycle(ours for ours, _ in pairs), cycle(empty for _, empty in pairs)
    ratio, mine, bare = in_turn(
        lambda: next(ours).slice(traffic, SLICE), lambda: next(empty).slice(traffic, SLICE), ROUNDS * PAIRS
    )
    detail = f"{mine.middle * 1e6:.0f} µs of CPU a request, {bare.middle * 1e6:.0f} µs without"
    return Row(what, "an empty addon", ratio, goal, detail, WHY)


def _pair(running: ExitStack, folder: Path, address: str, number: int) -> Pair:
    """The same program, with the audit and with an addon that does nothing."""
    empty = folder / "empty.py"
    empty.write_text(_EMPTY)
    audit = ["-s", str(addon_script()), "--set", f"taskaudit_log={folder / f'{number}.ndjson'}"]
    return mitmdump(running, folder, address, *audit), mitmdump(running, folder, address, "-s", str(empty))
