"""Secrets planted wherever the contract names nothing (section 6, "Never recorded"), and how to find them.

What may be shown, and so holds no secret here:

- scalars of named members: `job_id`, `status`, `error_code`, `fail_reason`, `status` of sub-jobs; `error`
  itself, its `code`, `message` and `details`, as excerpts, also where they are of a wrong type; the same of
  another error dialect (TA103), and of a misplaced `job_id` (TA105). What an Object or Array holds is
  not shown;
- names of members where a rule is about them: TA007, TA101, TA105; and, near the place of a fault, in the
  frames of `check` and `bug`, which mask values alone;
- method, host, path without its query, status, the names of headers (`bug`), and the request id.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from typing import Any

from tests.hostile import KNOWN_ID, PATH, entry, query

ORDERS = "/v1/0123/cloudservers"


def secret(place: str) -> str:
    """The secret of one place. It has to be encoded in a URL, and no two share their beginnings or ends."""
    digits = blake2b(place.encode(), digest_size=10).hexdigest()
    return f"{digits[:8]}/{digits[8:12]}+{digits[12:]}"


def number(place: str) -> int:
    """As `secret`, for where no text can stand."""
    return 10**15 + int.from_bytes(blake2b(place.encode(), digest_size=6).digest())


@cache
def traces(place: str) -> tuple[str, ...]:
    """What gives a place's secret away: its ends of 8 characters, as text or in base64; in small letters."""
    return tuple(trace.lower() for trace in _traces(place))


def _traces(place: str) -> Iterator[str]:
    whole = secret(place)
    yield from (whole[:8], whole[-8:], str(number(place))[:8])
    for text in (whole, f"user:{whole}"):
        # Any part of base64, whatever stands before: an offset of 0, 1 or 2 bytes, without the ends.
        for lead in ("", "x", "xx"):
            yield b64encode(f"{lead}{text}".encode()).decode()[4:16]


def found(text: str, places: list[str]) -> list[str]:
    """The places whose secrets the text gives away."""
    lower = text.lower()
    return [place for place in places if any(trace in lower for trace in traces(place))]


def _members(place: str) -> dict[str, Any]:
    """Members that the contract does not name."""
    whole = secret(place)
    return {
        "adminPass": whole,
        "keys": [whole, {"token": whole}],
        "pin": number(place),
        "by": {"token": whole},
    }


def sound() -> Iterator[tuple[str, Any, int]]:
    """Answers in JSON: the place of their secrets, the body, the status."""
    yield "beside a job", {"job_id": "8ab1", **_members("beside a job")}, 200
    yield "beside a wrong job id", {**_members("beside a wrong job id"), "job_id": 5}, 200
    yield "in a job id", {"job_id": _members("in a job id")}, 200
    yield "in a list of job ids", {"job_id": [secret("in a list of job ids")]}, 200
    wrong = {"message": "m", "code": 400, "details": None}
    yield "beside an error", {**_members("beside an error"), "error": wrong}, 400
    yield "in an error", {"error": {**_members("in an error"), **wrong}}, 400
    yield "in an error that is a list", {"error": [secret("in an error that is a list")]}, 400
    inner = _members("in members of an error")
    yield "in members of an error", {"error": {"message": inner, "code": [inner], "details": inner}}, 400
    entries = [{"message": 1, "code": None, **_members("in details")}, [_members("in details")]]
    yield "in details", {"error": {"message": "m", "code": "E.1", "details": entries}}, 400
    yield (
        "in details beside",
        {"error": {"message": "m", "code": "E.1"}, "details": [_members("in details beside")]},
        400,
    )
    yield "ambiguous", {"job_id": "8ab2", "error": wrong, **_members("ambiguous")}, 200
    yield "nothing named", _members("nothing named"), 200
    yield "misplaced", {"data": {**_members("misplaced"), "job_id": "8ab3"}}, 200
    yield "near miss", {"jobId": "8ab4", **_members("near miss")}, 200
    yield "gateway", {"error_code": "APIGW.0301", "error_msg": "m", **_members("gateway")}, 401
    yield "fault", {"badRequest": {"code": 400, "message": "m", **_members("fault")}}, 400
    yield "flat", {"code": "E.1", "message": "m", **_members("flat")}, 400
    yield "problem", {"status": 400, "type": secret("problem"), "title": secret("problem")}, 400
    yield "order", {"order_id": "CS1", **_members("order")}, 200
    yield "list at the top", [_members("list at the top")], 200
    yield "text at the top", secret("text at the top"), 200
    yield "number at the top", number("number at the top"), 200


_BROKEN = {
    "no quotes": '{"token": %s}',
    "no quotes, pretty": '{\n  "job_id": "8ab1",\n  "token": %s\n}',
    "a name without quotes": '{"job_id": "8ab1", %s: 1}',
    "single quotes": "{'token': '%s'}",
    "before the fault": '{"token": "%s", XXX}',
    "after the fault": '{XXX, "token": "%s"}',
    "lines around the fault": '{\n"a": "%s",\n"error": XXX,\n"b": "%s"}',
    "wide comma": '{"token": "%s"\uff0c"x": 1}',
    "trailing comma": '{"token": "%s",}',
    "trailing text": '{"job_id": "8ab1"} %s',
    "comment": '{/* %s */ "job_id": "8ab1"}',
    "no number": '{"token": "%s", "x": NaN}',
    "control character": '{"token": "%s\x01"}',
    "invalid escape": '{"token": "%s\\x"}',
    "lone surrogate": '{"token": "%s\\ud800"}',
    "colon missing": '{"token" "%s"}',
    "cut in a text": '{"job_id": "8ab1", "token": "%s',
    "cut behind it": '{"job_id": "8ab1", "token": "%s"',
    "cut in a list": '{"error": {"message": "m", "x": ["%s", ',
    "page": "<!DOCTYPE html><html><body>%s</body></html>",
    "text": "%s",
    "text behind a brace": "{%s",
    "form": "token=%s&job_id=8ab1",
    "named, then not": '{"error": {"message": "m", "code": "E.1"}, "token": %s}',
    "twice": '{"token": "%s", "token": "%s", "job_id": "8ab1"}',
    "byte order mark": '\ufeff{"token": "%s"}',
}


def broken() -> Iterator[tuple[str, str, int]]:
    """Bodies that cannot be read, or not as they should be, with the secret beside the fault."""
    for place, text in _BROKEN.items():
        yield place, text.replace("%s", secret(place)), 400


def queries() -> Iterator[tuple[str, Any, int]]:
    """Answers to job queries."""
    entities = {**_members("entities"), "sub_jobs": [{"status": "RUNNING", **_members("entities")}]}
    yield "entities", {"job_id": KNOWN_ID, "status": "RUNNING", "entities": entities}, 200
    yield "beside a status", {"job_id": KNOWN_ID, "status": "RUNNING", **_members("beside a status")}, 200
    yield "in a status", {"status": _members("in a status")}, 200
    yield "no status", _members("no status"), 200
    told = {"error": {"code": "E.1", "message": "m", **_members("query's error")}}
    yield "query's error", told, 500
    yield "query's page", f"<html>{secret("query's page")}</html>", 502
    yield "query's fault", f'{{"status": {secret("query's fault")}}}', 200


PLACES = (
    "query name",
    "query value",
    "fragment",
    "password",
    "sent",
    "reason",
    "media type",
    "coding",
    "cookie",
)
_HEADERS = {
    "X-Auth-Token": "token",
    "Cookie": "cookies",
    "Authorization": "credentials",
    "X-Security-Token": "security token",
    "Referer": "referer",
    "User-Agent": "agent",
    "Proxy-Authorization": "proxy",
}


def places() -> list[str]:
    """Every place of a secret."""
    return [*PLACES, *_HEADERS.values(), *(place for place, *_ in (*sound(), *broken(), *queries()))]


def entries() -> Iterator[dict[str, Any]]:
    """A HAR's entries; each has the secrets of its request and its headers, too."""
    for at, (_, body, status) in enumerate((*sound(), *broken())):
        yield _secretive(entry(at, body, status, path=PATH))
    yield _secretive(entry(50, {"job_id": KNOWN_ID}, path=ORDERS))
    for at, (_, body, status) in enumerate(queries(), 51):
        yield _secretive(query(at, KNOWN_ID, body, status))
    yield _secretive(
        entry(58, {"job_id": "8ab7"}, path="/v9/unlisted"), {"Content-Type": secret("media type")}
    )
    yield _secretive(entry(59, {"job_id": "8ab8"}), {"Content-Encoding": secret("coding")})


def request_headers() -> dict[str, str]:
    """Headers of a request, each with a secret."""
    basic = b64encode(f"user:{secret('credentials')}".encode()).decode()
    values = {name: secret(place) for name, place in _HEADERS.items()}
    return {**values, "Authorization": f"Basic {basic}"}


def _secretive(told: dict[str, Any], more: dict[str, str] | None = None) -> dict[str, Any]:
    asked, answered = told["request"], told["response"]
    names = {"Content-Type": f"application/json; boundary={secret('media type')}", **request_headers()}
    asked["headers"] = [{"name": name, "value": value} for name, value in names.items()]
    query_text = f"{secret('query name')}=1&token={secret('query value')}"
    scheme, _, rest = asked["url"].partition("://")
    # An @ within the password, as no browser writes it but other tools do.
    asked["url"] = (
        f"{scheme}://user:x@{secret('password').replace('/', '.')}@{rest}?{query_text}#{secret('fragment')}"
    )
    asked["postData"] = {"text": json.dumps({"server": {"adminPass": secret("sent")}})}
    answered["statusText"] = secret("reason")
    known = {
        "Content-Type": f"application/json; x={secret('media type')}",
        "X-Request-Id": "req-1",
        **(more or {}),
    }
    extra = {"Set-Cookie": f"s={secret('cookie')}", "Location": f"https://a/?x={secret('cookie')}"}
    answered["headers"] = [{"name": name, "value": value} for name, value in {**known, **extra}.items()]
    return told


def transcript(most: int = 1000) -> str:
    """Answers as `curl -v` prints them, up to `most` in a row, with their requests."""
    query_text = f"{secret('query name')}=1&token={secret('query value')}"
    asked = "".join(f"> {name}: {value}\r\n" for name, value in request_headers().items())
    return "".join(
        f"* Server auth using Basic with user '{secret('password')}'\n"
        f"> POST {PATH}?{query_text} HTTP/1.1\r\n> Host: ecs.example.com\r\n{asked}> \r\n"
        f"< HTTP/1.1 {status} {secret('reason')}\r\n< Set-Cookie: s={secret('cookie')}\r\n"
        f"< Content-Type: application/json; x={secret('media type')}\r\n< {secret('token')}\r\n< \r\n"
        f"{body if isinstance(body, str) else json.dumps(body)}\n"
        for _, body, status in [*sound(), *broken()][:most]
    )


def debug_log(most: int = 1000) -> str:
    """Answers as Terraform's providers log them, without what they would have masked."""
    return "".join(_logged([*sound(), *broken()][:most]))


def _logged(answers: list[tuple[str, Any, int]]) -> Iterator[str]:
    asked = "\n".join(f"{name}: {value}" for name, value in request_headers().items())
    password = secret("password").replace("/", ".")
    query_text = f"{secret('query name')}=1&token={secret('query value')}"
    url = f"https://user:{password}@ecs.example.com{PATH}?{query_text}"
    sent = json.dumps({"server": {"adminPass": secret("sent")}}, indent=2)
    for number, (_, body, status) in enumerate(answers):
        answered = (
            f"Set-Cookie: s={secret('cookie')}\nContent-Type: application/json; x={secret('media type')}"
        )
        for part in (
            f"Request URL: POST {url}",
            f"Request Headers:\n{asked}",
            f"Request Body: {sent}",
            f"Response Code: {status}",
            f"Response Headers:\n{answered}\n{secret('token')}",
            f"Response Body: {body if isinstance(body, str) else json.dumps(body, indent=2)}",
        ):
            yield f"2026/03/02 09:{number:02}:00 [DEBUG] API {part}\n"


def raw_response(most: int = 1000) -> str:
    """Answers as `curl -i` prints them, up to `most` in a row; some lines are no headers."""
    return "".join(
        f"HTTP/1.1 {status} {secret('reason')}\r\nSet-Cookie: s={secret('cookie')}\r\n"
        f"Content-Type: application/json; x={secret('media type')}\r\n{secret('token')}\r\n\r\n"
        f"{body if isinstance(body, str) else json.dumps(body)}\r\n"
        for _, body, status in [*sound(), *broken()][:most]
    )
