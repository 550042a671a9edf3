"""`check` on HARs: entries per second, against mitmproxy's reader, on several cores, and its memory.

Method. Entries are some 2.4 KB, indented as browsers write them, with bodies of 300 bytes. The rate is that
of `taskaudit check FILE --format json` but for printing, by the CPU time of this process, with the
configuration loaded before: where one entry in ten is a submission, and where all are. mitmproxy's reader
takes a HAR whole, so that a shorter one is enough. Several files are measured by CPU time, too, start of
the processes included, as the wall's clock tells nothing where other programs keep the cores busy: that of
the main process, and half of what its two children took, against the same files in one process. Memory is
the peak of the real command over 2 GB, as the kernel knows it (`VmHWM`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory

from taskaudit.processes import cores
from tests.benchmarks.bench_flowfile import against_mitmproxy
from tests.benchmarks.captures import checked, growth, write_har
from tests.benchmarks.measure import Curve, Goal, Row, cpu, in_turn, shown, spread
from tests.benchmarks.programs import TELLING, cost

TITLE = "check on HARs"
ENTRIES = 20_000
ROUNDS = 5
WHY = (
    "of some 32 µs an entry, where 17 are allowed, decoding takes 3, making an exchange of it 7 (two "
    "digests, the URL, the headers, the time), its verdict and route 5, keeping it until the last one "
    "is read 7 (out of the way, and back), what becomes of its job 6 with the finding that nobody asked"
    " for it, its line 3; counting, and the calls in between, are the rest. No part is a quarter of it:"
    " that rate is out of Python's reach on one core."
)
RATE = Goal(60_000, "entries/s", at_least=True)
TRAFFIC = {"one entry in ten is a submission": 10, "all entries are submissions": 1}
BIG = 2 * 10**9


def rows() -> Iterator[Row]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        yield from rates(folder)
        write_har(folder / "b.har", 3_000, 10)
        yield against_mitmproxy(folder / "b.har", 3_000, next(iter(TRAFFIC)), "mitmproxy's HAR reader")
        yield several(folder)
        yield memory(folder)


def rates(folder: Path) -> Iterator[Row]:
    path = folder / "a.har"
    for what, every in TRAFFIC.items():
        write_har(path, ENTRIES, every)
        assert checked(path) == ENTRIES
        found = spread([ENTRIES / cpu(lambda: checked(path)) for _ in range(ROUNDS)])
        yield Row(what, "", found, RATE, f"{shown(path.stat().st_size / ENTRIES)} bytes an entry", WHY)


def several(folder: Path) -> Row:
    paths = [folder / f"c{number}.har" for number in range(2)]
    for path in paths:
        write_har(path, 8 * ENTRIES, 10)
    ratio, ours, alone = in_turn(lambda: critical(paths, processes=True), lambda: critical(paths), 2)
    detail = f"{shown(ours.middle)} s against {shown(alone.middle)} s, {cores()} cores"
    return Row("two files of 375 MB on two cores", "one process", ratio, Goal(0.8), detail)


def critical(paths: list[Path], *, processes: bool = False) -> float:
    """Seconds of CPU that nothing runs beside: this process's, and half of what its two children share."""
    before = getrusage(RUSAGE_CHILDREN)
    ours = cpu(lambda: checked(*paths, processes=processes))
    after = getrusage(RUSAGE_CHILDREN)
    return ours + (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / len(paths)


def memory(folder: Path) -> Row:
    path = folder / "big.har"
    write_har(path, 1_000, 10)
    count = BIG * 1_000 // path.stat().st_size
    write_har(path, count, 10)
    ran = cost(*TELLING, "check", "--format", "json", path, pycache=folder / "pycache")
    detail = f"{path.stat().st_size / 1e9:.2f} GB, {count:,} entries, {ran.wall:.0f} s"
    return Row("2 GB, peak of the command", "", spread([ran.peak]), Goal(300, "MiB"), detail)


def curves() -> Iterator[Curve]:
    lines = growth(write_har, (1_000, 6_000, 36_000), TRAFFIC)
    yield Curve("har", "check on a HAR", "entries", "µs per entry", lines)
