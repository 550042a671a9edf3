"""`taskaudit web` as a person starts it, and what a person does on mitmweb's page."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, Self

from playwright.sync_api import Locator, Page
from running import PATIENCE, wait_until

TASKAUDIT = Path(sys.executable).with_name("taskaudit")
_LISTENING = re.compile(r"proxy.* listening at \S*:(\d+)")
_STATUS_PAGE = re.compile(r"status page: (\S+)")
_ADDRESS = re.compile(r"Web server listening at (\S+)")


class Mitmweb:
    """A running `taskaudit web`, as a context manager that always stops it; `folder` is its home, too."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._output = folder / "output"
        options = ["web_open_browser=false", f"web_port={free_port()}", "listen_host=127.0.0.1"]
        words = [word for option in options for word in ("--set", option)]
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [TASKAUDIT, "web", *words, "-p", "0", *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "HOME": str(folder), "TASKAUDIT_LANG": "en", "PYTHONUNBUFFERED": "1"},
            )

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self._output.read_text(encoding="utf-8")

    @property
    def port(self) -> int:
        """Where the proxy listens."""
        return int(self._told(_LISTENING))

    @property
    def address(self) -> str:
        """Where its page is, with the token that opens it."""
        return self._told(_ADDRESS)

    @property
    def status_page(self) -> str:
        """Where the audit's own page is, with the token that opens it."""
        return self._told(_STATUS_PAGE)

    def stop(self) -> int:
        """Asks it to end; its exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)

    def _told(self, what: re.Pattern[str]) -> str:
        wait_until(
            lambda: self.process.poll() is not None or bool(what.search(self.output)), "mitmweb starts"
        )
        found = what.search(self.output)
        assert found, f"mitmweb did not start:\n{self.output}"
        return found[1]


class Listed(NamedTuple):
    """A flow as mitmweb lists it."""

    mark: str
    method: str
    path: str
    comment: str


class FlowPage:
    """mitmweb's page, and what is done on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._rows = page.locator(".flow-table tbody tr.has-request")

    def listed(self, count: int) -> list[Listed]:
        """The flows that are listed, once there are `count`, all answered; so few that all are in sight."""
        answered = self.page.locator(".flow-table tbody tr.has-response")
        wait_until(lambda: (self._rows.count(), answered.count()) == (count, count), f"{count} flows")
        return [_listed(row) for row in self._rows.all()]

    def search(self, expression: str) -> None:
        """Types into the field "Search" above the list; an empty expression shows all flows again."""
        self.page.locator("header nav a", has_text="Flow List").click()
        field = self.page.get_by_placeholder("Search")
        field.fill(expression)
        field.press("Escape")  # Takes the explanation of filters away, which covers the list.

    def open(self, position: int = 0, *, text: str = "") -> None:
        """Opens the response of a flow of the list, from 0, of those with `text`, in a content view."""
        self._rows.filter(has_text=text).nth(position).click()
        self.page.locator(".flow-detail nav a", has_text="Response").click()
        self.page.locator(".contentview pre").wait_for()

    @property
    def view(self) -> tuple[str, str]:
        """The content view's name, and how it was chosen: `("Task response", "auto")`."""
        controls = self.page.locator(".contentview .controls")
        chosen = controls.locator("a", has_text="View:").inner_text()
        return controls.locator("h5").inner_text(), chosen.partition("View:")[2].strip()

    def shows(self, *texts: str) -> None:
        """Waits until the content view holds all of `texts`."""
        for text in texts:
            self.page.locator(".contentview pre", has_text=text).wait_for()

    def display(self, *what: str) -> None:
        """Shows more of mitmweb: `Event Log`, `Command Bar`."""
        self.page.locator("header nav a", has_text="Options").click()
        for each in what:
            self.page.get_by_label(f"Display {each}").check()

    def command(self, words: str) -> str:
        """Runs a command in the command bar; the line of its result."""
        field = self.page.get_by_placeholder("Enter command")
        field.fill(words)
        field.press("Enter")
        result = self.page.locator(".command-result > div", has_text=f"$ {words}").last
        result.wait_for()
        return result.inner_text()

    def logged(self, *texts: str) -> None:
        """Waits until all of `texts` stand at the end of the event log, which shows only what is in sight."""
        log = self.page.locator(".eventlog pre")

        def stands_there() -> bool:
            log.evaluate("log => log.scrollTo(0, log.scrollHeight)")
            told = log.inner_text()
            return all(text in told for text in texts)

        wait_until(stands_there, f"{texts} in the event log")


def free_port() -> int:
    """A port of the loopback that nobody uses now; mitmweb does not tell which one it took for itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _listed(row: Locator) -> Listed:
    marker = row.locator(".marker")
    mark = marker.inner_text() if marker.count() else ""
    texts = [row.locator(f".col-{name}").text_content() or "" for name in ("method", "path", "comment")]
    method, path, comment = texts
    return Listed(mark, method, path.removeprefix(mark), comment)
