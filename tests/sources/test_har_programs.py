"""HARs in the manner of the programs that write them: each is read, each exchange is counted.

An entry is first made as the specification has it; a program then changes what it writes otherwise. Where a
program leaves bodies out, what would have been judged is `not_captured`.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from taskaudit.offline.check import Check, Checked
from tests.samples import auditor

API = "https://ecs.cn-north-4.myhuaweicloud.com"
PROJECT = "0123456789abcdef0123456789abcdef"
ID = "70a599e0-31e7-49b7-b260-868f441e862b"
BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)

type Entry = dict[str, Any]


class Call(NamedTuple):
    """A request and its answer. `answer` is None where none came; `kept` is False where its body was lost."""

    method: str
    path: str
    answer: str | None = ""
    status: int = 200
    kept: bool = True
    binary: bool = False

    @property
    def url(self) -> str:
        return f"{API}{self.path}"


class Found(NamedTuple):
    """What `check` says of an exchange."""

    role: str
    kind: str | None
    codes: tuple[str, ...] = ()
    unaudited: str | None = None


CREATE = f"/v1.1/{PROJECT}/cloudservers"
JOBS = f"/v1/{PROJECT}/jobs/{ID}"
SUBMIT = Call("POST", CREATE, json.dumps({"job_id": ID}))
ASK = Call("GET", JOBS, json.dumps({"job_id": ID, "status": "SUCCESS"}))
ERROR = json.dumps({"error": {"message": "名称无效", "code": "Ecs.0005"}}, ensure_ascii=False)
SUBMITTED, ASKED = Found("submission", "job"), Found("job_query", None)
LOST = Found("submission", "unreadable", ("TA003",), "not_captured")

SCENES: dict[str, list[tuple[Call, Found | None]]] = {
    "a job": [(SUBMIT, SUBMITTED), (ASK, ASKED)],
    "an error": [(Call("POST", CREATE, ERROR, 400), Found("submission", "error"))],
    "a malformed error": [
        (
            Call("POST", CREATE, '{"error": {"message": "x", "code": 400}}', 400),
            Found("submission", "error", ("TA306",)),
        ),
    ],
    "a job that goes on": [
        (SUBMIT, SUBMITTED),
        (ASK._replace(answer=json.dumps({"job_id": ID, "status": "RUNNING"})), ASKED),
        (ASK, ASKED),
    ],
    "other traffic": [
        (Call("GET", f"/v1/{PROJECT}/cloudservers/detail", '{"servers": []}'), None),
        (Call("OPTIONS", CREATE, "", 204), None),
        (SUBMIT, SUBMITTED),
        (ASK, ASKED),
    ],
    "a body that was not kept": [
        (SUBMIT._replace(kept=False), LOST),
        (ASK._replace(kept=False), Found("job_query", None, ("TA503",), "not_captured")),
    ],
    "an empty 204": [(Call("POST", CREATE, "", 204), Found("submission", "accepted"))],
    "a body in base64": [(SUBMIT._replace(binary=True), SUBMITTED), (ASK._replace(binary=True), ASKED)],
    "no answer": [(SUBMIT._replace(answer=None), Found("submission", None, (), "aborted"))],
}  # fmt: skip


def entry_of(call: Call, began: datetime) -> Entry:
    """As HAR 1.2 has it."""
    answer = (call.answer or "").encode()
    content: Entry = {"size": len(answer), "mimeType": "application/json"}
    if call.kept and call.answer is not None:
        content |= (
            {"text": base64.b64encode(answer).decode(), "encoding": "base64"}
            if call.binary
            else {"text": call.answer}
        )
    return {
        "startedDateTime": began.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "time": 50.25,
        "request": {
            "method": call.method,
            "url": call.url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [{"name": "Accept", "value": "*/*"}, {"name": "X-Request-Id", "value": "r1"}],
            "queryString": [],
            "headersSize": 120,
            "bodySize": 17,
        }
        | (
            {"postData": {"mimeType": "application/json", "text": '{"server": {}}', "params": []}}
            if call.method == "POST"
            else {}
        ),
        "response": {
            "status": 0 if call.answer is None else call.status,
            "statusText": "OK",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": [
                {"name": "Content-Type", "value": "application/json"},
                {"name": "Content-Encoding", "value": "gzip"},
            ],
            "content": content,
            "redirectURL": "",
            "headersSize": 210,
            "bodySize": len(answer),
        },
        "cache": {},
        "timings": {"send": 1, "wait": 48.25, "receive": 1},
    }  # fmt: skip


def _local(entry: Entry, pattern: str) -> str:
    zone = datetime.fromisoformat(entry["startedDateTime"]) + timedelta(hours=1)
    return zone.strftime(pattern)


# What each program does otherwise.


def chrome(entry: Entry) -> None:
    """Sizes of HTTP/2 are unknown, members of its own; an answer that did not come has an error."""
    response = entry["response"]
    entry |= {"_initiator": {"type": "script", "stack": {"callFrames": [], "parent": {"callFrames": []}}}}
    entry |= {"_priority": "High", "_resourceType": "fetch", "connection": "443", "pageref": "page_1"}
    response |= {"headersSize": -1, "bodySize": -1, "_transferSize": 330, "_fetchedViaServiceWorker": False}
    response["_error"] = None if response["status"] else "net::ERR_TIMED_OUT"
    if response["status"] == 204:
        response["content"] = {"size": 0, "mimeType": "x-unknown"}


def firefox(entry: Entry) -> None:
    """Times of a zone; sizes on the wire count the headers; bodies left out have a comment."""
    entry |= {
        "pageref": "page_1",
        "_securityState": "secure",
        "serverIPAddress": "192.0.2.1",
        "connection": "443",
    }
    entry["startedDateTime"] = _local(entry, "%Y-%m-%dT%H:%M:%S.000+01:00")
    response = entry["response"]
    response["bodySize"] = response["bodySize"] + 310
    if "text" not in response["content"]:
        response["content"] = {"mimeType": "application/json", "size": -1, "comment": "not included"}


def safari(entry: Entry) -> None:
    """A text that is empty is not written, nor is the URL where it has no answer redirected."""
    entry |= {"pageref": "page_0", "_fetchType": "Network Load"}
    entry["response"] |= {"_transferSize": 512}
    content = entry["response"]["content"]
    content["compression"] = -20
    if not content.get("text"):
        content.pop("text", None)


def charles(entry: Entry) -> None:
    """Members of its own, no size of the headers, `null` for no redirect."""
    entry["startedDateTime"] = _local(entry, "%Y-%m-%dT%H:%M:%S.123+01:00")
    entry["response"] |= {"_charlesStatus": "COMPLETE", "headersSize": 0, "redirectURL": None}
    entry["time"] = 50


def fiddler(entry: Entry) -> None:
    """The time last, of seven digits; ports in `connection`."""
    began = entry.pop("startedDateTime")
    entry |= {"startedDateTime": began.replace("Z", "1234+00:00"), "connection": "ClientPort:5;EgressPort:6"}
    entry["time"] = 50
    entry["response"]["content"]["compression"] = 0


def insomnia(entry: Entry) -> None:
    """All entries at the moment of the export; sizes unknown; no answer is one with status 0."""
    entry["startedDateTime"] = "2026-03-02T09:30:00.000Z"
    entry |= {"comment": "Create a server"}
    entry["response"] |= {"headersSize": -1, "bodySize": -1}


def proxyman(entry: Entry) -> None:
    """Who asked, in members of its own, and `comment` everywhere."""
    entry |= {"_clientAddress": "10.0.0.5", "_clientPort": 5, "_clientName": None, "_isIntercepted": False}
    entry |= {"_id": "7", "_name": CREATE, "comment": "", "_webSocketMessages": None}


def playwright(entry: Entry) -> None:
    """A failed request keeps its first values, -1."""
    response = entry["response"]
    entry["timings"] |= {"dns": -1, "connect": -1, "ssl": -1, "send": 0}
    if not response["status"]:
        response |= {"status": -1, "bodySize": -1, "_failureText": "net::ERR_FAILED"}
        response["content"] = {"size": -1, "mimeType": "x-unknown"}


def playwright_minimal(entry: Entry) -> None:
    """`mode: "minimal"`: no sizes, times or cookies."""
    playwright(entry)
    entry["time"] = -1
    entry["timings"] = {"send": -1, "wait": -1, "receive": -1}
    entry["request"] |= {"headersSize": -1, "bodySize": -1}
    entry["response"] |= {"headersSize": -1, "bodySize": -1}
    entry["response"]["content"]["size"] = -1


def playwright_attach(entry: Entry) -> None:
    """`content: "attach"`: bodies are files beside the HAR."""
    playwright(entry)
    content = entry["response"]["content"]
    if content.pop("text", None):
        content.pop("encoding", None)
        content["_file"] = "70a599e0.json"


def polly(entry: Entry) -> None:
    """Lists of header values; the size is the header Content-Length's."""
    entry |= {"_id": "9c1e", "_order": 0}
    entry["request"]["headers"] = [{"_fromType": "array", "name": "accept", "value": ["*/*"]}]
    entry["response"]["headers"] = [{"name": "content-type", "value": ["application/json"]}]


def zap(entry: Entry) -> None:
    """Bodies in base64 whatever they are; times of a zone without a colon; `postData` of a GET, too."""
    entry |= {"_zapMessageId": "12", "_zapMessageType": "1", "_zapMessageNote": ""}
    entry["startedDateTime"] = _local(entry, "%Y-%m-%dT%H:%M:%S.000+0100")
    entry["request"].setdefault("postData", {"mimeType": "", "params": [], "text": ""})
    content = entry["response"]["content"]
    if "text" in content and "encoding" not in content:
        content |= {"text": base64.b64encode(content["text"].encode()).decode(), "encoding": "base64"}


def mitmproxy(entry: Entry) -> None:
    """Times to the microsecond; a text that is not there is written as empty, a lost one, too."""
    entry["startedDateTime"] = entry["startedDateTime"].replace("Z", "123+00:00")
    response = entry["response"]
    if not response["status"]:
        response |= {"content": {}, "headers": [], "_error": "Connection killed.", "bodySize": -1}
    elif "text" not in response["content"]:
        response["content"] |= {"text": "", "size": 0}
        response["headers"].append({"name": "content-length", "value": str(response["bodySize"])})
        response["bodySize"] = 0


def browsertime(entry: Entry) -> None:
    """chrome-har: the order of members is another; bodies only with `--chrome.includeResponseBodies all`."""
    response = entry["response"]
    entry |= {"_requestId": "1000.2", "_initialPriority": "High", "_requestTime": 1772442000.5, "time": 50.25}
    response |= {"headersSize": -1, "httpVersion": "h2", "_transferSize": 300}
    response["content"]["compression"] = 0
    if not response["status"]:
        entry["_error"] = "net::ERR_ABORTED"


def http_toolkit(entry: Entry) -> None:
    """A body that is not kept has its size; how long it took is -1 where no answer came."""
    entry |= {"pageref": "curl/8"}
    if not entry["response"]["status"]:
        entry["time"] = -1
        entry["response"] |= {"content": {"size": 0, "mimeType": "application/x-unknown"}, "headers": []}


def browsermob(entry: Entry) -> None:
    """Comments everywhere; the time as a count of milliseconds; a body that is lost has an empty encoding."""
    entry["startedDateTime"] = int(datetime.fromisoformat(entry["startedDateTime"]).timestamp() * 1000)
    entry["comment"] = entry["request"]["comment"] = entry["response"]["comment"] = ""
    entry["response"]["content"].setdefault("encoding", "")


def script(entry: Entry) -> None:
    """One of somebody's own: all in strings, headers as objects, a date with a blank, bodies as parsed."""
    entry["startedDateTime"] = entry["startedDateTime"].replace("T", " ").replace("Z", "")
    entry["time"] = "50.25"
    entry["request"]["method"] = entry["request"]["method"].lower()
    for side in ("request", "response"):
        entry[side]["headers"] = {each["name"]: each["value"] for each in entry[side]["headers"]}
    response = entry["response"]
    response["status"] = str(response["status"])
    content = response["content"]
    content["size"] = str(content["size"])
    if content.get("text") and "encoding" not in content:
        content["text"] = json.loads(content["text"])


def gzip_kept(entry: Entry) -> None:
    """A proxy that writes the body as it was sent, still encoded."""
    content = entry["response"]["content"]
    if text := content.get("text"):
        plain = base64.b64decode(text) if "encoding" in content else text.encode()
        content |= {"text": base64.b64encode(gzip.compress(plain)).decode(), "encoding": "base64"}


PROGRAMS: dict[str, Callable[[Entry], None]] = {
    each.__name__: each
    for each in (
        *(chrome, firefox, safari, charles, fiddler, insomnia, proxyman, polly, zap, mitmproxy, browsertime),
        *(playwright, playwright_minimal, playwright_attach, http_toolkit, browsermob, script, gzip_kept),
    )
}
WITHOUT_BODIES = {"playwright_attach"}


def har_of(program: str, calls: list[Call]) -> str:
    """The text of a HAR, in the manner of a program."""
    entries = []
    for number, call in enumerate(calls):
        entry = entry_of(call, BEGAN + timedelta(seconds=2 * number))
        PROGRAMS[program](entry)
        entries.append(entry)
    log = {"version": "1.2", "creator": {"name": program, "version": "1"}, "pages": [], "entries": entries}
    if program == "fiddler":
        return "\ufeff" + json.dumps({"log": dict(reversed(log.items()))})
    indent = {"insomnia": "\t", "chrome": 2, "mitmproxy": 4, "polly": 2}.get(program)
    return json.dumps({"log": log}, indent=indent, ensure_ascii=program not in ("chrome", "firefox"))


def expected(program: str, scene: str) -> list[Found]:
    found = [each for _, each in SCENES[scene] if each]
    if program not in WITHOUT_BODIES or scene in ("an empty 204", "no answer"):
        return found
    lost = SCENES["a body that was not kept"]
    return [lost[each.role == "job_query"][1] or LOST for each in found]


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("program", PROGRAMS)
def test_what_programs_write_is_read_and_counted(program: str, scene: str, tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_text(har_of(program, [call for call, _ in SCENES[scene]]), encoding="utf-8")
    check = Check(auditor())
    checked = [each for each in check.over([path]) if isinstance(each, Checked)]
    outcomes = [each.outcome for each in checked]
    assert check.damaged == 0
    assert [
        Found(
            each.role,
            each.verdict.kind if each.verdict else None,
            tuple(found.rule for found in each.findings),
            each.unaudited,
        )
        for each in outcomes
    ] == expected(program, scene)
    totals = check.totals
    assert totals.seen == len(SCENES[scene]) == totals.other + totals.audited + sum(totals.unaudited.values())
