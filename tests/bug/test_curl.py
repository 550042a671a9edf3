"""The command as a shell reads it: what it calls curl with, and that it does nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskaudit.bug.curl import MOST_HEADERS, curl_command
from taskaudit.exchange import Exchange
from tests.programs import found
from tests.samples import exchange

SHELLS = ["bash", "sh"]
# Stands in for curl, and prints what it is called with.
FAKE = 'curl() { printf "%s\\n" "$@"; }\n'


def arguments(command: str | None, folder: Path, shell: str = "sh") -> list[str]:
    """What a shell calls curl with; fails where it does or says anything else."""
    assert command is not None
    program = shell if shell == "sh" else found(shell)
    run = subprocess.run(
        [program, "-c", FAKE + command], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stderr == ""
    assert list(folder.iterdir()) == []
    return run.stdout.splitlines()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_request(tmp_path: Path, shell: str) -> None:
    sent = exchange(
        query="secret=1", request_headers=("Host", "X-Auth-Token"), request_type="application/json"
    )
    assert arguments(curl_command(sent), tmp_path, shell) == [
        "-X",
        "POST",
        "https://ecs.example.com/v1/0123/cloudservers?<query not shown>",
        "-H",
        "X-Auth-Token: <redacted>",
        "--data",
        "@request.json",
    ]


def test_as_it_is_pasted() -> None:
    sent = exchange(request_headers=("X-Auth-Token", "Content-Type"), request_type="application/json")
    assert curl_command(sent) == (
        "curl -X POST 'https://ecs.example.com/v1/0123/cloudservers' \\\n"
        "  -H 'X-Auth-Token: <redacted>' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        "  --data @request.json"
    )


@pytest.mark.parametrize("unknown", [{"method": None}, {"path": None}])
def test_no_request_no_command(unknown: dict[str, None]) -> None:
    assert curl_command(exchange(**unknown)) is None


@pytest.mark.parametrize(
    ("media_type", "value"),
    [
        ("application/json", "application/json"),
        ("Application/JSON; charset=utf-8", "application/json"),
        ("application/json; token=hunter2", "application/json"),
        ("hunter2", "<redacted>"),
        ("", "<redacted>"),
    ],
)
def test_only_known_media_types_are_shown(media_type: str, value: str) -> None:
    command = curl_command(exchange(request_headers=("content-type",), request_type=media_type))
    assert f"-H 'content-type: {value}'" in str(command)
    assert "hunter2" not in str(command)


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "content-length",
        "Connection",
        "Proxy-Authorization",
        "TE",
        ":authority",
        "@/etc/passwd",
        "a b",
    ],
)
def test_headers_that_are_left_out(name: str) -> None:
    assert "-H" not in str(curl_command(exchange(request_headers=(name,))))


def test_headers_are_named_once_and_not_without_end() -> None:
    names = ("A", "a", *(f"X-{n}" for n in range(100)))
    assert str(curl_command(exchange(request_headers=names))).count("-H ") == MOST_HEADERS


@pytest.mark.parametrize(
    ("method", "media_type", "sends"),
    [
        ("POST", None, True),
        ("put", None, True),
        ("DELETE", None, False),
        ("DELETE", "application/json", True),
        ("GET", "application/json", False),
    ],
)
def test_the_body(method: str, media_type: str | None, sends: bool) -> None:
    command = curl_command(exchange(method=method, request_type=media_type))
    assert ("--data @request.json" in str(command)) is sends


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("ecs.example.com", "ecs.example.com"),
        ("::1", "[::1]"),
        ("user:hunter2@ecs.example.com", "ecs.example.com"),
        (None, "<host not known>"),
    ],
)
def test_the_host(host: str | None, shown: str) -> None:
    assert f"'https://{shown}/v1/" in str(curl_command(exchange(host=host)))


HOSTILE = [
    "$(touch owned)",
    "`touch owned`",
    "'; touch owned; '",
    '"; touch owned; "',
    "\ntouch owned\n",
    "\r\ntouch owned\r\n",
    "--output owned",
    "-oowned",
    "\\'; touch owned #",
    "!touch",
    "```\n",
    "[1-3]",
    "{a,b}",
    "\x1b[31m\x00\u202e",
    "\ud800",
    "& touch owned &",
    "> owned",
    "%00",
]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_requests_run_nothing(tmp_path: Path, text: str, shell: str) -> None:
    sent = exchange(
        method=text, host=text, path=f"/{text}", query=text, request_headers=(text,), request_type=text
    )
    command = str(curl_command(sent))
    option, method, url, *rest = arguments(command, tmp_path, shell)
    assert (option, method) == ("-X", "<method not shown>")
    assert url.startswith("https://")
    assert not set(url.removesuffix("<query not shown>")) & set("'\"`$\\ ;&|<>(){}\n!*")
    assert not [each for each in rest if "owned" in each]
    assert command.replace(" \\\n", "").isprintable()


text = st.text(max_size=20)


@settings(max_examples=50)
@given(method=text, host=text, path=text, name=text)
def test_no_request_breaks_out_of_its_quotes(method: str, host: str, path: str, name: str) -> None:
    sent = Exchange("", None, method, host, path, request_headers=(name,))
    lines = str(curl_command(sent)).split("\n")
    assert all(line.count("'") in (0, 2, 4) for line in lines)
    assert all(line.isascii() and line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("scheme", "port", "start"),
    [
        ("http", 8080, "http://ecs.example.com:8080/"),
        ("http", 80, "http://ecs.example.com/"),
        ("https", 443, "https://ecs.example.com/"),
        ("https", 8443, "https://ecs.example.com:8443/"),
        (None, None, "https://ecs.example.com/"),
        ("x'; rm", 7, "https://ecs.example.com:7/"),
    ],
)
def test_scheme_and_port(scheme: str | None, port: int | None, start: str) -> None:
    assert f" '{start}v1/" in str(curl_command(exchange(scheme=scheme, port=port)))


def test_only_headers_that_matter() -> None:
    """As a browser, an SDK and a proxy send them."""
    sent = (
        *(
            "User-Agent",
            "Accept-Encoding",
            "accept-language",
            "sec-ch-ua",
            "Sec-Fetch-Mode",
            "Origin",
            "Referer",
        ),
        *("X-Forwarded-For", "Via", "traceparent", "Cache-Control", "Date", "Content-Length"),
        *("Accept", "Content-Type", "X-Auth-Token", "X-Sdk-Date", "Authorization", "X-Project-Id"),
    )
    command = str(curl_command(exchange(request_headers=sent, request_type="application/json")))
    assert [line.split(":")[0].removeprefix("  -H '") for line in command.splitlines() if "-H" in line] == [
        *("Accept", "Content-Type", "X-Auth-Token", "X-Sdk-Date", "Authorization", "X-Project-Id")
    ]
