"""`taskaudit demo`: the main job on real traffic, all of it on the loopback."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

from taskaudit.demo.api import DemoApi
from taskaudit.demo.client import CALLS, Client
from taskaudit.demo.logview import LogView
from taskaudit.demo.mitmdump import Mitmdump, NotStarted
from taskaudit.jobs import Job, jobs_in
from taskaudit.paths import addon_script
from taskaudit.terminal import jobs_table, summary_text

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

_TABLE_WIDTH = 150
"""Columns of the table of jobs: on a terminal with less it runs over the edge, and stays whole."""


def run(console: Console) -> int:
    """Shows the audit at work; the exit status, 1 where something is not as it should be."""
    folder = Path(tempfile.mkdtemp(prefix="taskaudit-demo-"))
    view = LogView(folder / "taskaudit.ndjson")
    try:
        with _terminated_as_interrupted():
            wrong = _traffic(console, view)
    except (NotStarted, OSError) as error:
        console.print(Text(f"taskaudit demo: {error}", "red"))
        return 1
    except KeyboardInterrupt:
        console.print(f"\ntaskaudit demo: interrupted; what was recorded is in {view.path}")
        return INTERRUPTED
    _print_results(console, view)
    for trouble in wrong:
        console.print(Text(f"not as expected: {trouble}", "bold red"))
    return 1 if wrong else 0


def _traffic(console: Console, view: LogView) -> list[str]:
    """Runs the client's calls, printing verdicts as answers come; what was not as expected."""
    with (
        tempfile.TemporaryDirectory() as confdir,
        DemoApi() as api,
        _mitmdump(api, Path(confdir), view.path) as proxy,
    ):
        (port,) = proxy.ports()
        _print_start(console, api.url, port)
        client = Client(port)
        answered = [job_id for job_id in _calls(console, client, view) if job_id is not None]
        jobs_ended = sum(client.wait_for(job_id) != "unknown" for job_id in answered)
        client.close()
        status = proxy.stop()
        _print_news(console, view)
    return list(_wrong(view, client.requests, answered, jobs_ended, status))


def _calls(console: Console, client: Client, view: LogView) -> Iterator[str | None]:
    for call in CALLS:
        yield client.call(call)
        # The records are in the log before the client has its answer: there is nothing to wait for.
        _print_news(console, view)


def _print_news(console: Console, view: LogView) -> None:
    for line in view.news(console.width):
        console.print(line)


def _mitmdump(api: DemoApi, confdir: Path, log: Path) -> Mitmdump:
    arguments = ["-s", str(addon_script()), "--mode", f"reverse:{api.url}", "--listen-host", "127.0.0.1"]
    arguments += ["--listen-port", "0", "--set", f"taskaudit_log={log}", "--set", "flow_detail=0"]
    return Mitmdump(arguments, confdir)


def _wrong(view: LogView, requests: int, answered: list[str], jobs_ended: int, status: int) -> Iterator[str]:
    totals = view.totals
    if status != 0:
        yield f"mitmdump ended with exit status {status}"
    if totals.seen != requests:
        yield f"the client made {requests} requests, the audit saw {totals.seen}"
    if totals.seen != totals.other + totals.audited + totals.unaudited.total():
        yield f"the totals do not add up: {totals.coverage()}"
    if missing := set(answered) - {job.job_id for job in _jobs(view.path)}:
        yield f"job ids that the client has and the log has not: {', '.join(sorted(missing))}"
    if jobs_ended != len(answered):
        yield f"{len(answered)} jobs were submitted, {jobs_ended} answered to queries"
    if totals.lost:
        yield f"{totals.lost} records were lost"


def _print_start(console: Console, api: str, port: int) -> None:
    console.print(Text("taskaudit demo", "bold"))
    console.print(
        f"client -> mitmdump with the audit (127.0.0.1:{port}) -> an API like the vendor's ({api[7:]})"
    )
    console.print(
        Text("Each verdict below is read back from the log the moment the client has its answer.\n", "dim")
    )


def _print_results(console: Console, view: LogView) -> None:
    console.print(Text("\nJobs", "bold"))
    console.print(jobs_table(_jobs(view.path)), width=max(console.width, _TABLE_WIDTH), crop=False)
    console.print(Text("Summary", "bold"))
    for line in summary_text(view.totals):
        console.print(line)
    console.print(Text("\nThe log", "bold"), Text(f"({view.records} records, one JSON object a line)", "dim"))
    console.print(str(view.path))
    console.print(Text("\nNext", "bold"))
    for what, command in _next_steps(view.path):
        console.print(Text.assemble((f"{what:<24}", "dim"), command))


def _next_steps(log: Path) -> list[tuple[str, str]]:
    return [
        ("audit your own traffic", "mitmdump -s $(taskaudit addon)"),
        ("why a rule matters", "taskaudit explain TA306"),
        ("the job ids in a log", f"taskaudit jobs {log}"),
    ]


def _jobs(log: Path) -> list[Job]:
    return [item for item in jobs_in(log) if isinstance(item, Job)]


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM stops what was started, as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        with suppress(TypeError):  # A handler that was not set from Python cannot be put back.
            signal.signal(signal.SIGTERM, before)
