"""How long the program takes to start: `taskaudit --help`, and `taskaudit check` on one small file.

Method. The installed command is run as a process of its own, its output thrown away, with compiled modules
that are there, as after an installation. The goals are seconds by the clock on a machine that has nothing
else to do; where it has, the seconds of CPU (user and system, of the whole process) tell more, and how many
times those of `python -c pass` and of `python -c 'import pydantic'` they are. The four are run in turn.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.measure import Goal, Row, shown, spread
from tests.benchmarks.programs import TASKAUDIT, Cost, cost

TITLE = "Start"
ROUNDS = 9
PYDANTIC = "from pydantic import BaseModel"


def rows() -> Iterator[Row]:
    """The help, a small file as text, and as JSON."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        small = folder / "small.json"
        small.write_text('{"job_id": "70a599e0-31e7-49b7-b260-868f441e862b"}', encoding="utf-8")
        commands: dict[str, tuple[str | Path, ...]] = {
            "taskaudit --help": (TASKAUDIT, "--help"),
            "taskaudit check small.json": (TASKAUDIT, "check", small),
            "taskaudit check -f json small.json": (TASKAUDIT, "check", "-f", "json", small),
            "pass": (sys.executable, "-c", "pass"),
            "pydantic": (sys.executable, "-c", PYDANTIC),
        }
        costs = _in_turn(commands, folder / "pycache")
    goals = (0.15, 0.3, 0.3)
    for (what, ours), goal in zip(list(costs.items())[:3], goals, strict=True):
        walls = spread([each.wall for each in ours])
        yield Row(what, "by the clock", walls, Goal(goal, "s"), _detail(ours, costs))


def _in_turn(commands: dict[str, tuple[str | Path, ...]], pycache: Path) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {what: [] for what in commands}
    for number in range(ROUNDS + 1):
        for what, command in commands.items():
            found = cost(*command, pycache=pycache)
            if number:  # The first round compiles.
                costs[what].append(found)
    return costs


def _detail(ours: list[Cost], costs: dict[str, list[Cost]]) -> str:
    def ratio(other: str) -> str:
        pairs = zip(ours, costs[other], strict=True)
        return shown(spread([one.cpu / two.cpu for one, two in pairs]).middle)

    seconds = shown(spread([each.cpu for each in ours]).middle)
    return f"{seconds} s of CPU: {ratio('pass')} times `pass`, {ratio('pydantic')} times importing pydantic"
