"""`taskaudit demo`: the main job on real traffic, all of it on the loopback."""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

from taskaudit.config.loading import load_settings
from taskaudit.demo.api import DemoApi
from taskaudit.demo.behaviours import BEHAVIOURS, CONFIG, MIN_INTERVAL, QUERY_WITHIN, Behaviour
from taskaudit.demo.client import CALLS, Client
from taskaudit.demo.logview import LogView
from taskaudit.demo.mitmdump import Mitmdump, NotStarted
from taskaudit.paths import addon_script
from taskaudit.story.job_story import JobStory
from taskaudit.story.story import tell
from taskaudit.story.tables import WIDE, jobs_table
from taskaudit.text.coverage import coverage_line
from taskaudit.text.terminal import summary_text

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

_PATIENCE = 8.0
"""Seconds to wait for a finding that comes by the clock."""


def run(console: Console) -> int:
    """Shows the audit at work; the exit status, 1 where something is not as it should be."""
    folder = Path(tempfile.mkdtemp(prefix="taskaudit-demo-"))
    view = LogView(folder / "taskaudit.ndjson")
    config = folder / "demo.yaml"
    try:
        config.write_text(CONFIG, encoding="utf-8")
        with _terminated_as_interrupted():
            wrong = _traffic(console, view, config)
    except (NotStarted, OSError) as error:
        console.print(Text(f"taskaudit demo: {error}", "red"))
        return 1
    except KeyboardInterrupt:
        console.print(f"\ntaskaudit demo: interrupted; what was recorded is in {view.path}")
        return INTERRUPTED
    _print_results(console, view, config)
    for trouble in wrong:
        console.print(Text(f"not as expected: {trouble}", "bold red"))
    return 1 if wrong else 0


def _traffic(console: Console, view: LogView, config: Path) -> list[str]:
    """Runs the clients, printing verdicts as answers come; what was not as expected."""
    with (
        tempfile.TemporaryDirectory() as confdir,
        DemoApi() as api,
        _mitmdump(api, Path(confdir), view.path, config) as proxy,
    ):
        (port,) = proxy.ports()
        _print_start(console, api.url, port)
        client = Client(port)
        unended = _calls(console, client, view)
        _print_next(console)
        missing = {each.words: _behave(console, client, view, each) for each in BEHAVIOURS}
        client.close()
        status = proxy.stop()
        _print_news(console, view)
    return [*_wrong(view, client, unended, status), *_wrongly_judged(view, missing)]


def _calls(console: Console, client: Client, view: LogView) -> set[str]:
    """Asks for each job at once, and then until all have ended; those that have not."""
    for call in CALLS:
        job_id = client.call(call)
        # The records are in the log before the client has its answer: there is nothing to wait for.
        _print_news(console, view, queries=False)
        if job_id is not None:
            client.ask(job_id)
    answered = set(client.job_ids)
    ended = client.wait_for(client.job_ids)
    _print_news(console, view, queries=False)
    return answered.difference(ended)


def _behave(console: Console, client: Client, view: LogView, behaviour: Behaviour) -> set[str]:
    """Acts as such a client does, and waits for what the audit finds; the rules that were not found."""
    console.print(Text(f"\nA client that {behaviour.words}", "bold"))
    view.follow(behaviour.words)
    for _ in behaviour.acts(client):
        _print_news(console, view)
    if behaviour.rules - view.found[behaviour.words]:
        console.print(
            Text("          ... no more requests: the rest is up to the audit's own clock ...", "dim")
        )
    deadline = time.monotonic() + _PATIENCE
    while (missing := behaviour.rules - view.found[behaviour.words]) and time.monotonic() < deadline:
        time.sleep(0.05)
        _print_news(console, view)
    return set(missing)


def _print_news(console: Console, view: LogView, *, queries: bool = True) -> None:
    for line in view.news(console.width, queries=queries):
        console.print(line)


def _mitmdump(api: DemoApi, confdir: Path, log: Path, config: Path) -> Mitmdump:
    arguments = ["-s", str(addon_script()), "--mode", f"reverse:{api.url}", "--listen-host", "127.0.0.1"]
    arguments += [
        "--listen-port",
        "0",
        "--set",
        f"taskaudit_log={log}",
        "--set",
        f"taskaudit_config={config}",
    ]
    return Mitmdump([*arguments, "--set", "flow_detail=0"], confdir)


def _wrong(view: LogView, client: Client, unended: set[str], status: int) -> Iterator[str]:
    totals = view.totals
    if status != 0:
        yield f"mitmdump ended with exit status {status}"
    if totals.seen != client.requests:
        yield f"the clients made {client.requests} requests, the audit saw {totals.seen}"
    if totals.seen != totals.other + totals.audited + totals.unaudited.total():
        yield f"the totals do not add up: {coverage_line(totals)}"
    if missing := set(client.job_ids) - {job.job_id for job in tell([view.path]).jobs}:
        yield f"job ids that the client has and the log has not: {', '.join(sorted(missing))}"
    if unended:
        yield f"jobs that did not come to an end: {', '.join(sorted(unended))}"
    if totals.lost:
        yield f"{totals.lost} records were lost"


def _wrongly_judged(view: LogView, missing: Mapping[str, set[str]]) -> Iterator[str]:
    """`missing`: what did not come while the audit ran; what the stop brings up comes too late."""
    for behaviour in BEHAVIOURS:
        who = f"the client that {behaviour.words}"
        if missing[behaviour.words]:
            yield f"{who}: {', '.join(sorted(missing[behaviour.words]))} did not come"
        if more := view.found[behaviour.words] - behaviour.rules:
            yield f"{who}: {', '.join(sorted(more))} came, and should not"
    if more := {rule for rule in view.found[""] if rule.startswith("TA5")}:
        yield f"the client of the first part: {', '.join(sorted(more))} came, and should not"


def _print_start(console: Console, api: str, port: int) -> None:
    console.print(Text("taskaudit demo", "bold"))
    console.print(
        f"client -> mitmdump with the audit (127.0.0.1:{port}) -> an API like the vendor's ({api[7:]})"
    )
    console.print(
        Text("Each verdict below is read back from the log the moment the client has its answer.\n", "dim")
    )


def _print_next(console: Console) -> None:
    console.print(Text("\nWhat the client does next", "bold"))
    allowed = f"{QUERY_WITHIN:g} s until a job is asked for, {MIN_INTERVAL:g} s between two queries"
    console.print(Text(f"Allowed here, so that it shows soon: {allowed}.", "dim"))


def _print_results(console: Console, view: LogView, config: Path) -> None:
    jobs = tell([view.path], load_settings(config).thresholds).jobs
    width = min(console.width, WIDE)
    console.print(Text("\nJobs", "bold"))
    console.print(jobs_table(jobs, width), width=width, soft_wrap=False)
    # A table ends with a blank line, a list of jobs does not.
    console.print(Text("Summary" if width == WIDE else "\nSummary", "bold"))
    for line in summary_text(view.totals):
        console.print(line)
    console.print(Text("\nThe log", "bold"), Text(f"({view.records} records, one JSON object a line)", "dim"))
    console.print(str(view.path))
    console.print(Text(f"configured with {config}", "dim"))
    console.print(Text("\nNext", "bold"))
    for what, command in _next_steps(f"{view.path} -c {config}", jobs):
        console.print(Text.assemble((f"{what:<24}", "dim"), command))


def _next_steps(log: str, jobs: Sequence[JobStory]) -> Iterator[tuple[str, str]]:
    """`log`: with the configuration, so that the commands judge as the demo did."""
    yield "audit your own traffic", "mitmdump -s $(taskaudit addon)"
    yield "why a rule matters", "taskaudit explain TA501"
    yield "what is wrong, in short", f"taskaudit findings {log}"
    yield "the jobs in a log", f"taskaudit jobs {log}"
    if jobs:
        longest = max(jobs, key=lambda job: len(job.queries))
        yield "the story of one job", f"taskaudit jobs --job {longest.job_id} {log}"


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
