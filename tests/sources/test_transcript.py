"""What `curl -v` and `http -v` print, and what stands around it on a terminal."""

from __future__ import annotations

import io

import pytest

from taskaudit.contract.answer import Answer, Missing
from taskaudit.sources.captured import Captured, Damage
from taskaudit.sources.reading import read

BODY = '{"job_id": "8ab1"}'
ASKED = "> POST /v1/p/volumes?a=1 HTTP/1.1\n> Host: ecs.example.com:8443\n> X-Auth-Token: t\n>\n"
ANSWERED = f"< HTTP/1.1 202 Accepted\n< Content-Type: application/json\n< Content-Length: {len(BODY)}\n<\n"
HTTPIE = (
    "POST /v1/p/volumes HTTP/1.1\nContent-Type: application/json\nHost: ecs.example.com\n\n"
    '{\n    "name": "x"\n}\n\n\n'
)
JSON_HEAD = f"HTTP/1.1 202 Accepted\nContent-Type: application/json\nContent-Length: {len(BODY)}\n\n"
PRETTY = '{\n    "job_id": "8ab1"\n}\n'


def exchanges(text: str | bytes) -> list[Captured]:
    data = text if isinstance(text, bytes) else text.encode()
    found = list(read(io.BytesIO(data), 1000))
    assert not any(isinstance(each, Damage) for each in found), found
    return [each for each in found if isinstance(each, Captured)]


def answer(text: str | bytes) -> Answer:
    (captured,) = exchanges(text)
    assert captured.exchange.answer
    return captured.exchange.answer


def test_the_request_is_known() -> None:
    ((exchange),) = [each.exchange for each in exchanges(ASKED + ANSWERED + BODY)]
    assert (exchange.method, exchange.host, exchange.path) == (
        "POST",
        "ecs.example.com",
        "/v1/p/volumes",
    )
    assert (exchange.query, exchange.request_headers) == ("a=1", ("host", "x-auth-token"))
    assert (exchange.is_printed, exchange.client, exchange.started) == (True, None, None)
    assert exchange.answer == Answer(BODY.encode(), 202, True, "application/json")


TLS = "".join(
    f"* TLSv1.3 (IN), TLS handshake, Certificate ({n}):\n{{ [2511 bytes data]\n" for n in range(400)
)
METER = (
    "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"
    "                                 Dload  Upload   Total   Spent    Left  Speed\n"
    "\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0"
)


@pytest.mark.parametrize(
    "text",
    [
        ASKED + ANSWERED + BODY,
        ASKED + ANSWERED + BODY + "\n",
        "*   Trying 10.0.0.1:443...\n" + ASKED + ANSWERED + BODY + "\n",
        ASKED + ANSWERED + BODY + "* Connection #0 to host ecs.example.com left intact\n",
        ASKED + ANSWERED + BODY + "\n* Closing connection 0\n",
        ASKED + ANSWERED + "* Connection #0 to host ecs.example.com left intact\n" + BODY,
        METER + "* Connected to ecs\n" + ASKED + "} [13 bytes data]\n" + ANSWERED
        + "{ [18 bytes data]\n\r100    18  100    18    0     0   5224     0 --:--:-- --:--:-- --:--:--  7\n"
        + BODY,
        ASKED + ANSWERED + "{ [18 bytes data]\n"
        + "\r100  18 100 18  0  0  5k  0 --:--:-- --:--:-- --:--:--  7250" + BODY,
        "Note: Unnecessary use of -X or --request, POST is already inferred.\n" + ASKED + ANSWERED + BODY,
        "$ curl -v https://ecs.example.com/\n" + ASKED + ANSWERED + BODY + "\nme@here:~$ ",
        TLS[:60_000] + "\n" + ASKED + ANSWERED + BODY,
        "< HTTP/1.1 100 Continue\n<\n".join((ASKED, ANSWERED)) + BODY,
        "> CONNECT ecs.example.com:443 HTTP/1.1\n> Host: ecs.example.com:443\n>\n< HTTP/1.1 200 OK\n<\n"
        + ASKED + ANSWERED + BODY,
        "> POST /old HTTP/1.1\n> Host: a\n>\n< HTTP/1.1 307 T\n< Location: /v1\n<\n* Issue another request\n"
        + ASKED + ANSWERED + BODY,
        ASKED + ANSWERED + JSON_HEAD + BODY,
        ASKED + "".join(f"{line}\n{line[2:]}\n" for line in ANSWERED.splitlines()) + BODY,
        ASKED + "\x1b[1m" + ANSWERED + BODY,
        ASKED.replace("HTTP/1.1", "HTTP/2") + ANSWERED.replace("HTTP/1.1 202 Accepted", "HTTP/2 202 ") + BODY,
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_curl_prints_around_it_is_left_out(text: str, end: str) -> None:
    told = answer(text.replace("\n", end))
    assert (told.body.strip().decode(), told.status, told.missing) == (BODY, 202, None)


def test_several_exchanges() -> None:
    second = ASKED.replace("POST", "DELETE") + ANSWERED.replace("202", "200") + BODY
    told = exchanges(f"{ASKED}{ANSWERED}{BODY}\n* Re-using existing connection\n{second}\n")
    assert [(each.index, each.exchange.method) for each in told] == [(0, "POST"), (1, "DELETE")]


@pytest.mark.parametrize(
    "text",
    [
        ASKED + ANSWERED,
        ASKED + ANSWERED + "{ [18 bytes data]\n* Connection #0 to host a left intact\n",
        ASKED + "< HTTP/2 202\n<\n{ [18 bytes data]\n",
        HTTPIE + JSON_HEAD,
        HTTPIE + JSON_HEAD + "+-----------------------------------------+\n"
        "| NOTE: binary data not shown in terminal |\n+-----------------------------------------+\n",
    ],
)
def test_a_body_that_went_elsewhere_is_not_captured(text: str) -> None:
    assert answer(text).missing is Missing.NOT_CAPTURED


def test_an_answer_without_a_body_is_empty() -> None:
    told = answer(ASKED + "< HTTP/2 202\n< content-length: 0\n<\n* Connection #0 to host a left intact\n")
    assert (told.body, told.missing) == (b"", None)


def test_a_request_without_an_answer_is_aborted() -> None:
    for text in (ASKED + "* Empty reply from server\ncurl: (52) Empty reply from server\n", HTTPIE):
        (captured,) = exchanges(text)
        assert (captured.exchange.method, captured.exchange.answer) == ("POST", None)


@pytest.mark.parametrize(
    "text",
    [
        HTTPIE + JSON_HEAD + BODY,
        HTTPIE + JSON_HEAD + PRETTY + "\n\n",
        HTTPIE + JSON_HEAD.replace("18", "2000") + PRETTY,
        HTTPIE + JSON_HEAD.replace("Content-Length: 18", "Content-Encoding: gzip") + PRETTY,
        HTTPIE + JSON_HEAD + PRETTY + "\n\nElapsed time: 0.123s\n",
        "$ http -v POST https://ecs.example.com/v1/p/volumes name=x\n" + HTTPIE + JSON_HEAD + PRETTY,
        "Script started on 2026-03-02\n" + HTTPIE + JSON_HEAD + PRETTY + "\nScript done on 2026-03-02\n",
        "\x1b[32m" + HTTPIE.replace(" ", "\x1b[39;49;00m \x1b[04m", 1) + JSON_HEAD + "\x1b[37m" + PRETTY,
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])
def test_what_httpie_prints(text: str, end: str) -> None:
    (captured,) = exchanges(text.replace("\n", end))
    exchange = captured.exchange
    assert (exchange.method, exchange.host, exchange.path) == (
        "POST",
        "ecs.example.com",
        "/v1/p/volumes",
    )
    assert exchange.answer
    assert exchange.answer.missing is None
    assert b"".join(exchange.answer.body.split()).decode() == BODY.replace(" ", "")


def test_a_response_that_was_printed_anew_without_its_request() -> None:
    told = answer(JSON_HEAD + PRETTY)
    assert (told.body.decode(), told.missing) == (PRETTY.strip(), None)


def test_a_text_with_a_response_in_it_is_no_capture() -> None:
    (found,) = read(io.BytesIO(b"# How it answers\n\nAs RFC 9110 has it:\n\nHTTP/1.1 202 Accepted\n\n{}\n"))
    assert isinstance(found, Damage)
    assert found.message.startswith("not a capture: ")


def test_damage_is_placed_in_the_lines_of_the_source() -> None:
    text = "*   Trying\n" + ASKED + "* Mark bundle\n< HTTP/1.1 202 Accepted\n< no header\n<\n" + BODY
    (damage, captured) = read(io.BytesIO(text.encode()))
    assert isinstance(damage, Damage)
    assert damage.where == "line 8"
    assert isinstance(captured, Captured)
