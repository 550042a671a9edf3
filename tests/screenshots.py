"""The pictures of the READMEs: `make screenshots` takes them of a real run, in both languages."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from indexed_png import indexed
from mitmweb import TASKAUDIT, FlowPage, Mitmweb
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from taskaudit.contract.words import Language
from taskaudit.demo.api import DemoApi
from taskaudit.demo.behaviours import BEHAVIOURS, CONFIG
from taskaudit.demo.client import CALLS, Client

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
SIZE: ViewportSize = {"width": 1280, "height": 800}
HOST = "ecs.example.com"
"""The host that stands in the pictures, in place of a port of the loopback."""
LARGEST = 150_000
"""Bytes of a picture."""
_DECODED = """async picture => {
    const image = new Image();
    image.src = picture;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return new Uint8Array(context.getImageData(0, 0, image.width, image.height).data).toBase64();
}"""
"""In the browser: the red, green, blue and alpha of each pixel of a PNG."""


def main() -> None:
    """Replaces all pictures."""
    if not _has_font_for("❌"):
        sys.exit("the marks would be empty boxes: apt-get install fonts-noto-color-emoji")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with _chromium() as browser:
        for language in Language:
            for name, picture in _pictures(browser, language):
                _save(PICTURES / name, picture)


def _pictures(browser: Browser, language: Language) -> Iterator[tuple[str, bytes]]:
    """File name and PNG of each picture in a language."""
    with tempfile.TemporaryDirectory() as made, DemoApi() as api:
        folder = Path(made)
        with Mitmweb(folder, *_arguments(folder, api, language)) as web:
            _traffic(web.port)
            if language is Language.EN:  # The list has no words of ours but the comments, which are English.
                yield "list.png", _of_list(browser, web.address)
            yield f"view.{language}.png", _of_view(browser, web.address)
            yield f"status.{language}.png", _of_status(browser, web.status_page)
            web.stop()
        yield f"report.{language}.png", _of_report(browser, _report(folder, language))


def _arguments(folder: Path, api: DemoApi, language: Language) -> list[str]:
    config = folder / "demo.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    host = ["--modify-headers", f"/~q/Host/{HOST}", "--set", "showhost=true"]
    return ["--mode", f"reverse:{api.url}", "--config", str(config), "--lang", language, *host]


def _traffic(port: int) -> None:
    """What the demo's clients do."""
    client = Client(port)
    for call in CALLS:
        if (job_id := client.call(call)) is not None:
            client.ask(job_id)
    client.wait_for(client.job_ids)
    for behaviour in BEHAVIOURS:
        for _ in behaviour.acts(client):
            pass
    client.close()


def _report(folder: Path, language: Language) -> str:
    """Where the report of what happened is."""
    command = [str(TASKAUDIT), "report", "taskaudit.ndjson", "-o", "report.html", "--lang", language]
    subprocess.run(command, cwd=folder, check=True)
    return (folder / "report.html").as_uri()


def _of_list(browser: Browser, address: str) -> bytes:
    with _page(browser, address) as page:
        page.locator(".flow-table .has-response").nth(len(CALLS) - 1).wait_for()
        return _taken(page)


def _of_view(browser: Browser, address: str) -> bytes:
    with _page(browser, address) as page:
        flows = FlowPage(page)
        flows.open(text="TA306")
        flows.shows('"code": 400')
        page.evaluate("document.activeElement.blur()")
        return _taken(page)


def _of_status(browser: Browser, address: str) -> bytes:
    with _page(browser, address) as page:
        page.locator("#jobs-table tbody tr").first.wait_for()
        return _taken(page)


def _of_report(browser: Browser, address: str) -> bytes:
    """From the timeline on: it begins as the status page does."""
    with _page(browser, address) as page:
        page.locator("#timeline").evaluate("section => section.scrollIntoView()")
        return _taken(page)


def _taken(page: Page) -> bytes:
    """A screenshot in few colours, which makes it small."""
    picture = base64.b64encode(page.screenshot(animations="disabled")).decode()
    with _page(page.context.browser, "about:blank") as empty:  # The pages themselves allow no `data:`.
        pixels = base64.b64decode(empty.evaluate(_DECODED, f"data:image/png;base64,{picture}"))
    return indexed(SIZE["width"], SIZE["height"], pixels)


@contextmanager
def _page(browser: Browser | None, address: str) -> Iterator[Page]:
    assert browser
    context = browser.new_context(viewport=SIZE, color_scheme="light")
    page = context.new_page()
    page.goto(address)
    yield page
    context.close()


@contextmanager
def _chromium() -> Iterator[Browser]:
    # Colours at the edges of letters would make the files twice as large.
    arguments = ["--disable-lcd-text", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or "/usr/bin/chromium", args=arguments
        )
        yield browser
        browser.close()


def _save(path: Path, picture: bytes) -> None:
    path.write_bytes(picture)
    print(f"{path.relative_to(Path.cwd())}: {len(picture) // 1000} kB")
    if len(picture) > LARGEST:
        sys.exit(f"{path} has {len(picture)} bytes, more than {LARGEST}")


def _has_font_for(character: str) -> bool:
    found = subprocess.run(["fc-list", f":charset={ord(character):x}"], capture_output=True, check=True)
    return bool(found.stdout)


if __name__ == "__main__":
    main()
