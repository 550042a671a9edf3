"""`taskaudit check` on input that nobody meant: `make fuzz` for a time, `tests/test_fuzz.py` for a moment.

Whatever a capture holds: nothing is raised, the exit status is 0 to 3, each line is JSON, the coverage adds
up, nothing that a terminal would obey is printed, what is read does not hang on how it arrives, and neither
time nor memory run away. An input that breaks this is made small and saved; once mended, it stays in
`tests/data/fuzz/`.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import resource
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from taskaudit.cli import app
from taskaudit.cli import check as command
from taskaudit.config.loading import load
from taskaudit.contract.rules import RULES
from taskaudit.sources.reading import read
from tests.checkers import HARMFUL
from tests.fuzz_inputs import KINDS, SAMPLES, inputs

SAVED = Path(".hypothesis") / "fuzz"
"""Where what breaks is put."""
SECONDS = 10.0
"""Of processor time that one input may take; the largest seeds take a tenth."""
MEMORY = 400 * 1024
"""KiB by which the process may grow over all inputs."""
STATUSES = frozenset({0, 1, 2, 3})
MEMBERS = frozenset(
    {"source", "index", "role", "kind", "job_id", "well_formed"}
    | {"method", "host", "path", "route", "status", "findings"}
)
COVERAGE = re.compile(r"^seen (\d+) = other (\d+) \+ audited (\d+) \+ unaudited (\d+)", re.MULTILINE)


class Bytes(io.BytesIO):
    """A stream that gives as little as it likes."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self.size = size

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(self.size, size) if size and size > 0 else self.size)


def hold(data: bytes, folder: Path, pieces: int = 1000) -> None:
    """Everything that has to hold of `check` on one input. Raises AssertionError."""
    path = folder / "capture"
    path.write_bytes(data)
    began = time.process_time()
    lines, text = _run(path, "--format", "json"), _run(path)
    assert time.process_time() - began < SECONDS, "takes too long"
    assert lines.exit_code == text.exit_code
    told = [_line(each) for each in lines.stdout.splitlines()]
    covered = COVERAGE.search(text.stdout)
    assert covered, "no coverage"
    seen, other, audited, unaudited = map(int, covered.groups())
    assert seen == other + audited + unaudited
    assert len(told) == audited + unaudited, "a line for each exchange in scope"
    assert sum(each["unaudited"] is not None for each in told) == unaudited
    _status(lines.exit_code, told, audited)
    for output in (lines.output, text.output):
        assert not {unicodedata.category(char) for char in output.replace("\n", "")} & HARMFUL
    assert _reading(data, len(data) + 1) == _reading(data, pieces), "it hangs on how the input arrives"


def _run(path: Path, *options: str) -> Result:
    result = CliRunner().invoke(app, ["check", *options, str(path)], env={"TASKAUDIT_LANG": "en"})
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code in STATUSES
    return result


def _line(text: str) -> dict[str, Any]:
    line = json.loads(text)
    assert set(line) >= MEMBERS
    codes = [found["rule"] for found in line["findings"]]
    assert codes == sorted(codes)
    assert set(codes) <= set(RULES)
    errors = any(found["severity"] == "error" for found in line["findings"])
    assert line["well_formed"] is not errors
    assert all(re.fullmatch(r"(/([^~/]|~[01])*)*", found["pointer"], re.DOTALL) for found in line["findings"])
    return dict(line)


def _status(status: int, told: list[dict[str, Any]], audited: int) -> None:
    if status != 2:  # Else something was damaged, which is told of before all else.
        ill = any(not each["well_formed"] for each in told)
        assert status == (1 if ill else 0 if audited else 3)


def _reading(data: bytes, size: int) -> list[object]:
    return list(read(Bytes(data, size), chunk=size))


class Fuzz:
    """One run: how many inputs of each kind there were, and the smallest that broke something."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tried: Counter[str] = Counter()
        self.broken: dict[str, bytes] = {}

    def batch(self, kind: str, number: int, examples: int) -> None:
        """Tries some inputs; the same number makes the same. Raises what breaks."""

        @seed(number)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        )
        @given(inputs(kind), st.integers(1, 4000))
        def tried(data: bytes, pieces: int) -> None:
            self.tried[kind] += 1
            try:
                hold(data, self.folder, pieces)
            except Exception:
                self.broken[kind] = data  # The last one is the smallest.
                raise

        tried()


def only_once(path: Path | None = None) -> None:
    """The catalogue takes longer to load than an input to check: `check` gets one that is loaded."""
    loaded = load(path)
    command.load_config = lambda *_: loaded  # type: ignore[attr-defined]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long")
    parser.add_argument("--seed", type=int, help="begin with this one")
    parser.add_argument("--kind", choices=KINDS, action="append", help="only this; may be given again")
    asked = parser.parse_args(arguments)
    number = asked.seed if asked.seed is not None else int(time.time())
    only_once()
    with tempfile.TemporaryDirectory() as folder:
        fuzz = Fuzz(Path(folder))
        hold(b"{}", fuzz.folder)  # What is loaded at the first time does not count as growth.
        return _go_on(fuzz, asked.kind or list(KINDS), number, time.monotonic() + asked.seconds)


def _go_on(fuzz: Fuzz, kinds: list[str], number: int, until: float) -> int:
    before, left = _peak(), list(kinds)
    first = number
    while left and time.monotonic() < until:
        for kind in list(left):
            try:
                fuzz.batch(kind, number, 40)
            except Exception as error:  # noqa: BLE001 - whatever is raised is what is looked for
                left.remove(kind)
                _save(kind, number, fuzz.broken.get(kind, b""), error)
        number += 1
    grown = _peak() - before
    tried = ", ".join(f"{count} {kind}" for kind, count in fuzz.tried.items())
    print(f"tried {tried}; seeds {first} to {number - 1}; grown by {grown // 1024} MiB")
    if grown > MEMORY:
        print(f"memory grew by more than {MEMORY // 1024} MiB")
    return 1 if fuzz.broken or len(left) < len(kinds) or grown > MEMORY else 0


def _save(kind: str, number: int, data: bytes, error: Exception) -> None:
    SAVED.mkdir(parents=True, exist_ok=True)
    path = SAVED / f"{kind}-{number}"
    path.write_bytes(data)
    print(f"{kind}, seed {number}: {error!r:.2000}")
    print(f"  the input is in {path}; once mended, it belongs in {SAMPLES}")


def _peak() -> int:
    """KiB of the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    sys.exit(main())
