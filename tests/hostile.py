"""Hostile text, and captures and logs in which it stands wherever a server or a client can put it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mitmproxy import http
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow, tutils

from taskaudit.auditor import Outcome
from taskaudit.lifecycle import Lifecycle
from taskaudit.log import LogFile
from taskaudit.offline.judge import Ids, Judge
from taskaudit.recording.recorder import Recorder
from taskaudit.sources.reading import Captured, read
from tests.samples import CREATE, auditor

TEXTS = {
    "terminal": "\x1b[31m\x1b]0;owned\x07\x9b2J\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\\x1bc\x0e",
    "bidi": "\u202efdp.exe\u202c\u2066\u2067\u2069\u200e\u200f\u061c",
    "invisible": "\u200b\u200d\u2060\ufeff\u00ad\U000e0041\U000e0001\ufe0f\u115f",
    "unseen": "\u3164\u1160\uffa0\u034f\u17b4\u180b\ufe00\U000e0100\U00016fe4",
    "blanks": "\u00a0\u1680\u2003\u202f\u205f\u3000\u2800\U00013441\U0001d159",
    "lines": "one\r\ntwo\rthree\x0bfour\x0cfive\x85six\u2028seven\u2029eight\n",
    "controls": "\x00\x01\x08\x1a\x1f\x7f\x80\x9f",
    "forged record": '\n{"timestamp":"2026-01-01T00:00:00.000000Z","event_type":"session"}\n',
    "forged event": "\r\ntaskaudit: job 8ab1 POST a/v1/p/cloudservers (ecs:CreateServers) HTTP 200\r\n",
    "html": "<script>alert(1)</script></title></style><img src=x onerror=alert(1)>&lt;&#60;--><!--",
    "attribute": "\" onmouseover=\"alert(1)\" x=' onfocus='alert(1)' autofocus `javascript:alert(1)",
    "formula =": "=cmd|'/c calc'!A1",
    "formula +": "+1+cmd",
    "formula -": "-1-cmd",
    "formula @": "@SUM(1+1)*cmd",
    "formula tab": "\t=1+1",
    "formula cr": "\r=1+1",
    "formula lf": "\n=1+1",
    "formula wide": "\uff1d1+1",
    "cells": '","=1+1","\r\n=2+2,"x";=3+3',
    "markdown": "`@octocat` **b** [l](http://evil.example) ![i](http://evil.example/i) ](y) | \\| <b>b</b>",
    "markdown blocks": "\n\n# h\n\n```\n<img src=x>\n~~~\n---\n- x\n> q\n[r]: http://evil.example\n|a|\n",
    "markdown edges": "`` \\` ``` @octocat #1 http://evil.example www.evil.example :+1: GH-1 a@evil.example",
    "github": "\n::error::owned\n::stop-commands::x\n##[error]owned%0A::error file=a,line=1::owned",
    "percent": "%0A%0D::error::x%25%1B%5B31m%E2%80%AE%00%s%(x)s%n",
    "xml": "]]><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;\ufffe\uffff\x0b",
    "surrogates": "\udfff\ud800 \udc80 \ud83d",
    "unassigned": "\ue000\U000f0000\U0010ffff\u0378\ufdd0",
    "shell": "'; touch owned; $(touch owned) `touch owned` \"\\ \n!! & | > < * ~ #",
    "templates": "{{7*7}}{% raw %}{0}{x}{}${x}#{x}[bold red]x[/bold red][link=http://evil.example]:warning:",
    "json": '"},{"rule":"TA000"}],"x":"\\u001b\\"/\\\\',
    "combining": "e" + "\u0301" * 60 + "\u20dd\u0489",
    "wide": "配额不足，ｆｕｌｌ 😀 e\u0301",
}
"""What does harm in one output or another, by what it does it to."""

FIELDS = {
    "job_id": "Aid",
    "code": "Acode",
    "message": "Amessage",
    "details": "Adetails",
    "detail": "Adetail",
    "error": "Aerror",
    "name": "Aname",
    "inner name": "Ainner",
    "twice": "Atwice",
    "foreign": "Aforeign",
    "host": "Ahost",
    "path": "Apath",
    "query": "Aquery",
    "header": "Aheader",
    "request id": "Arequest",
    "media type": "Amedia",
    "coding": "Acoding",
    "reason": "Areason",
    "client": "Aclient",
    "asked": "Aasked",
    "status": "Astatus",
    "fail_reason": "Afail",
    "failed code": "Afailed",
    "sub-job": "Asub",
    "body": "Abody",
    "file": "Afile",
    "instance": "Ainstance",
}
"""The fields that hostile text stands in, with the word that follows it there and tells where it is shown."""

PATH = CREATE.format(project_id="0123")
KNOWN_ID = "70a599e0-31e7-49b7-b260-868f441e862b"
LONG = 1_000_000
"""Characters of a very long text: a body with it is still under the inspection limit."""


class Planted:
    """A text for each field: the hostile one, then the word that tells the field."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __getitem__(self, field: str) -> str:
        return self.text + FIELDS[field]


def entries(planted: Planted) -> Iterator[dict[str, Any]]:
    """A HAR's entries: each field that traffic has holds the text once at least."""
    at = planted
    yield entry(0, {"job_id": at["job_id"]}, host=at["host"])
    yield entry(1, {"error": {"message": at["message"], "code": at["code"], "details": at["details"]}}, 400)
    yield entry(2, {"error": {"message": "m", "code": "E.1", "details": [at["detail"], {"code": 1}]}}, 400)
    yield entry(3, {"error": at["error"]}, 400)
    yield entry(4, {at["name"]: 1, "x": {at["inner name"]: {}, "job_id": "8ab1"}})
    yield entry(5, {at["inner name"]: {at["name"]: {"job_id": at["job_id"]}}})
    yield entry(6, f'{{"job_id": "8ab2", {_json(at["twice"])}: 1, {_json(at["twice"])}: 2}}')
    yield entry(7, {at["foreign"]: {"code": at["code"], "message": at["message"]}}, 400)
    yield entry(8, {"job_id": 8}, path="/v9/" + at["path"])
    yield entry(9, {"error": {"message": at["message"], "code": 9}}, 400, **_about(at))
    yield entry(10, {"job_id": KNOWN_ID}, path=PATH + "?" + at["query"])
    told = {"fail_reason": at["fail_reason"], "error_code": at["failed code"]}
    subs = {"entities": {"sub_jobs": [{"status": at["sub-job"]}]}}
    yield query(11, KNOWN_ID, {"job_id": KNOWN_ID, "status": at["status"], **subs})
    yield query(12, KNOWN_ID, {"job_id": KNOWN_ID, "status": "FAIL", **told})
    yield query(13, KNOWN_ID, {"job_id": at["job_id"], "status": at["status"]})
    yield query(14, quote(at["asked"], safe="", errors="replace"), {"status": at["status"]})
    yield query(15, KNOWN_ID, {"error": {"code": at["code"], "message": at["message"]}}, 500)
    yield entry(16, at["body"])
    yield entry(17, '{"error": {"code": 1,\n "message": ' + at["body"])
    yield entry(18, f'{{"job_id": "{at["body"]}')
    yield entry(19, f'{{\n {_json(at["name"])}: 1,\n "error": {{"message": "m", "code": 400}}\n}}', 400)
    yield entry(20, {"job_id": ""}, client=at["client"])


def query(at: int, job_id: str, body: Any, status: int = 200) -> dict[str, Any]:
    """The entry of a job query."""
    return entry(at, body, status, method="GET", path=f"/v1/0123/jobs/{job_id}")


def entry(
    at: int,
    body: Any,
    status: int = 200,
    *,
    method: str = "POST",
    host: str = "ecs.example.com",
    path: str = PATH,
    client: str = "192.0.2.7",
    request_headers: Iterable[tuple[str, str]] = (),
    headers: Iterable[tuple[str, str]] = (("Content-Type", "application/json"),),
    reason: str = "OK",
    sent: str = "{}",
) -> dict[str, Any]:
    """An entry of a HAR, begun `at` seconds into the story; `body` is text, or else written as JSON."""
    text = body if isinstance(body, str) else _json(body)
    return {
        "startedDateTime": f"2026-09-21T14:13:{at:02}Z",
        "time": 250,
        "clientIPAddress": client,
        "request": {
            "method": method,
            "url": f"https://{host}{path}",
            "headers": [{"name": name, "value": value} for name, value in request_headers],
            "postData": {"text": sent},
        },
        "response": {
            "status": status,
            "statusText": reason,
            "headers": [{"name": name, "value": value} for name, value in headers],
            "content": {"text": text},
        },
    }


def har(folder: Path, listed: Iterable[dict[str, Any]], name: str = "capture.har") -> Path:
    """A HAR with these entries. Lone surrogates stand in it as JSON escapes."""
    path = folder / name
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": list(listed)}}), encoding="utf-8")
    return path


def log_of(path: Path, captures: Iterable[Path], instance: str = "proxy-a") -> Path:
    """The log that a proxy would have written of the exchanges in captures."""
    recorder = Recorder(
        LogFile(path),
        instance_id=instance,
        mode="regular",
        config_digest="d" * 64,
        lifecycle=Lifecycle(),
        clock=lambda: 1_790_001_000.0,
    )
    recorder.start()
    for outcome in outcomes(captures):
        recorder.record(outcome)
    recorder.stop()
    return path


def outcomes(captures: Iterable[Path]) -> Iterator[Outcome]:
    """What the audit makes of each exchange in captures."""
    audit = auditor()
    judge = Judge(audit, Ids())
    for path in captures:
        for item in read(path, audit.limit):
            assert isinstance(item, Captured), item
            yield judge.look(item.exchange)


def _about(at: Planted) -> dict[str, Any]:
    """What is hostile about a request and its answer, besides their bodies."""
    return {
        "client": at["client"],
        "reason": at["reason"],
        "request_headers": [(at["header"], "x"), ("Content-Type", at["media type"])],
        "headers": [
            ("X-Request-Id", at["request id"]),
            ("Content-Type", at["media type"]),
            ("Content-Encoding", at["coding"]),
        ],
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def flows(listed: Iterable[dict[str, Any]]) -> list[http.HTTPFlow]:
    """Entries of a HAR as flows of mitmproxy, which keeps headers as bytes and hosts as they came."""
    return [_flow(each) for each in listed]


def flow_file(folder: Path, listed: Iterable[dict[str, Any]], name: str = "capture.mitm") -> Path:
    """A flow file as `mitmdump -w` writes it."""
    path = folder / name
    with path.open("wb") as file:
        writer = FlowWriter(file)
        for flow in flows(listed):
            writer.add(flow)
    return path


def _flow(entry: dict[str, Any]) -> http.HTTPFlow:
    asked, answered = entry["request"], entry["response"]
    began = datetime.fromisoformat(entry["startedDateTime"]).timestamp()
    authority, slash, target = asked["url"].removeprefix("https://").partition("/")
    flow = tflow.tflow(
        req=tutils.treq(
            method=_raw(asked["method"]),
            host="ecs.example.com",
            path=_raw(slash + target),
            headers=_headers([*asked["headers"], {"name": "Host", "value": authority}]),
            content=_raw(asked["postData"]["text"]),
            timestamp_start=began,
        ),
        resp=tutils.tresp(
            status_code=answered["status"],
            reason=_raw(answered["statusText"]),
            headers=_headers(answered["headers"]),
            content=_raw(answered["content"]["text"]),
            timestamp_start=began + 0.1,
            timestamp_end=began + 0.25,
        ),
    )
    flow.client_conn.peername = (entry["clientIPAddress"].encode("utf-8", "replace").decode(), 50000)
    return flow


def _headers(named: Iterable[dict[str, str]]) -> http.Headers:
    return http.Headers([(_raw(each["name"]), _raw(each["value"])) for each in named])


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
