"""Every file that is read, cut at 200 places and changed at 2,000: `make fuzz` all of it, `make test` a part.

Captures of each form by `check`, logs by the commands that read them, settings, service files and baselines.
Nothing is raised, the coverage adds up, and what the damage does not touch is read.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from taskaudit.cli import app
from taskaudit.config import loading
from taskaudit.config.baseline import Before, baseline_text, load_baseline
from taskaudit.config.document import ConfigError
from taskaudit.config.loading import load_service, load_settings
from taskaudit.contract.verdict import Severity
from taskaudit.offline.check import Check, Checked
from taskaudit.paths import configs_dir
from taskaudit.story.merged import Merged
from tests.fuzz import COVERAGE, STATUSES
from tests.fuzz_inputs import KINDS, seeds
from tests.samples import BAD_ERROR, auditor, outcome
from tests.stories import START, ask, submit, write_log

CUTS, FLIPS = 200, 2000
SEED = 20260921
LOST = {"har": 1, "flow": 1}
"""How many exchanges one byte may cost; what is packed, or holds but one, may lose all."""
DOCUMENTS: dict[str, Callable[[Path], object]] = {
    "settings": load_settings,
    "service": load_service,
    "baseline": load_baseline,
}
COMMANDS = (
    *(["jobs"], ["findings"], ["bug"], ["load", "--to", "sqlite:///{folder}/store"]),
    *(["report", "--format", form] for form in ("html", "json", "markdown", "junit", "sarif", "github")),
)
SETTINGS = """\
scope: {hosts: ["*.example.com"]}
catalogue: [ecs, evs]
query_within: 5m
severities: [{rule: TA304, severity: "off"}]
log: {rotate_bytes: 10MB, keep_days: 7, compress: zstd}
waivers: []
"""


class Damaged(NamedTuple):
    """A file with damage: from this byte on nothing is left, or this byte is another one."""

    data: bytes
    at: int
    is_cut: bool


def damaged(data: bytes, part: int = 1) -> Iterator[Damaged]:
    """All of them, or every `part`-th; always the same."""
    chosen = random.Random(SEED)
    for number in range(0, CUTS, part):
        at = number * len(data) // CUTS
        yield Damaged(data[:at], at, is_cut=True)
    for _ in range(0, FLIPS, part):
        at = chosen.randrange(len(data))
        changed = chosen.choice([data[at] ^ 1 << chosen.randrange(8), chosen.randrange(256)])
        yield Damaged(data[:at] + bytes([changed]) + data[at + 1 :], at, is_cut=False)


def hold_captures(kind: str, folder: Path, part: int = 1) -> int:
    """The longest of those that are not too long."""
    data = max((each for each in seeds()[kind] if len(each) < 20_000), key=len)
    path, before = folder / "capture", 0
    whole, inputs = read_capture(data, path), list(damaged(data, part))
    for each in inputs:
        found = read_capture(each.data, path)
        if kind in LOST:
            least = before if each.is_cut else whole - LOST[kind]
            assert found >= least, f"{found} of {whole} exchanges, byte {each.at}, cut: {each.is_cut}"
        before = found
    return len(inputs)


def read_capture(data: bytes, path: Path) -> int:
    """How many exchanges there are."""
    path.write_bytes(data)
    run = Check(auditor())
    told = [item for item in run.over([path]) if isinstance(item, Checked)]
    totals = run.totals
    assert totals.seen == totals.other + totals.audited + totals.unaudited.total()
    assert len(told) == totals.in_scope
    assert run.exit_status(Severity.ERROR) in STATUSES
    return totals.seen


def hold_logs(folder: Path, part: int = 1) -> int:
    """Read line by line, and by one command after the other. At most two lines are damaged by one byte."""
    path = folder / "log"
    story = [submit(0), ask(1), ask(2, "FAIL", error_code="Ecs.0001", fail_reason="no"), submit(3, None)]
    story += [submit(4, "job-4"), outcome(BAD_ERROR, 400, started=START + 5, ended=START + 6)]
    data = write_log(path, story).read_bytes()
    first = data.index(b"\n")
    for number, each in enumerate(damaged(data, part), 1):
        path.write_bytes(each.data)
        if each.at > first:
            merged = Merged()
            merged.read(path)
            assert len(merged.damaged) <= (1 if each.is_cut else 2)
        _command(COMMANDS[number % len(COMMANDS)], path)
    return number


def _command(words: list[str], path: Path) -> None:
    filled = [word.format(folder=path.parent) for word in words]
    result = CliRunner().invoke(app, [*filled, str(path)], env={"TASKAUDIT_LANG": "en", "COLUMNS": "200"})
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code in STATUSES
    if covered := COVERAGE.search(result.stdout):
        seen, *parts = map(int, covered.groups())
        assert seen == sum(parts)


def hold_documents(kind: str, folder: Path, part: int = 1) -> int:
    """They are read, or refused with a message."""
    service = configs_dir() / "catalogue" / "otc-vbs.yaml"
    before = Before("TA306", "ecs:CreateServers", "/error/code", "0" * 32)
    texts = {"settings": SETTINGS, "service": service.read_text("utf-8"), "baseline": baseline_text([before])}
    path = folder / "document.yaml"
    path.write_text(texts[kind], encoding="utf-8")
    assert _refusal(kind, path) == str(path)
    inputs = list(damaged(texts[kind].encode(), part))
    for each in inputs:
        path.write_bytes(each.data)
        assert str(path) in _refusal(kind, path)
    return len(inputs)


def _refusal(kind: str, path: Path) -> str:
    """What is said of a document that is refused; of one that is taken, its name."""
    try:
        DOCUMENTS[kind](path)
    except ConfigError as error:
        return str(error)
    return str(path)


def main() -> int:
    """All of it; some minutes."""
    loaded = loading.load()
    loading.load = lambda *_: loaded  # type: ignore[assignment]  # takes longer than a log
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        holds = {kind: (lambda kind=kind: hold_captures(kind, folder)) for kind in KINDS}
        holds |= {kind: (lambda kind=kind: hold_documents(kind, folder)) for kind in DOCUMENTS}
        holds["log"] = lambda: hold_logs(folder)
        for kind, hold in holds.items():
            began = time.monotonic()
            print(f"{kind}: {hold()} inputs, {time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
