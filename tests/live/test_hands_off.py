"""What the client receives is byte for byte the same with the audit off, on, and raising."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Proxy, RawOrigin, Start, assert_sound, bodies, exchange_bytes

JOB = b'{"job_id": "70a599e0-31e7-49b7-b260-868f441e862b"}'
ERROR = b'{"error": {"message": "bad", "code": 400}}'
SEED = '{"error": {"message": "", "code": XXX，""}}'.encode()
GZIPPED = gzip.compress(JOB, mtime=0)
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

ANSWERS = {
    "normal": JSON + b"Content-Length: %d\r\n\r\n" % len(JOB) + JOB,
    "gzip": JSON + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(GZIPPED) + GZIPPED,
    "not-gzip": JSON + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(JOB) + JOB,
    "chunked": JSON
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + b"14\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (JOB[:20], len(JOB[20:]), JOB[20:]),
    "odd-headers": b"HTTP/1.1 299 Fine  So Far\r\ncontent-TYPE: Application/JSON ;Charset=x\r\n"
    b"X-Twice: 1\r\nx-twice: \xe4\xf6\r\nX-Empty:\r\nX-Canary: a, b\r\n"
    b"content-length: %d\r\n\r\n" % len(JOB) + JOB,
    "no-content": b"HTTP/1.1 204 No Content\r\nX-Request-Id: 7\r\n\r\n",
    "until-close": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + JOB,
    "broken": JSON + b"Content-Length: %d\r\n\r\n" % len(SEED) + SEED,
    "error": b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n" % len(ERROR) + ERROR,
    "nothing": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
}

# What mitmproxy alters by itself, as docs/threats.md says: what is sent, and how what arrives begins or ends.
ALTERED = {
    "padded-headers": (
        JSON + b"X-Padded: \t  a \t\r\nContent-Length:   %d\r\n\r\n" % len(JOB) + JOB,
        JSON + b"X-Padded: a\r\nContent-Length: %d\r\n\r\n" % len(JOB) + JOB,
    ),
    "chunks": (
        ANSWERS["chunked"],
        JSON + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(JOB), JOB),
    ),
    "short": (JSON + b"Content-Length: %d\r\n\r\n" % (len(JOB) + 9) + JOB, b"HTTP/1.1 502 "),
    "short-chunk": (JSON + b"Transfer-Encoding: chunked\r\n\r\n40\r\n" + JOB[:20], b"HTTP/1.1 502 "),
    "nothing-at-all": (b"", b"HTTP/1.1 502 "),
    "interim": (b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWERS["normal"], b"HTTP/1.1 100 Continue\r\n\r\n"),
}

RAISING = """
import taskaudit.auditor

def raising(self, *arguments, **named):
    raise RuntimeError("the audit is broken, and this text may quote the traffic")

taskaudit.auditor.Auditor.look = raising
"""
RAISING_EVERYWHERE = """
import taskaudit.catalogue
import taskaudit.proxy.addon

def raising(*arguments, **named):
    raise RuntimeError("the audit is broken, and this text may quote the traffic")

taskaudit.catalogue.Catalogue.match = raising
taskaudit.proxy.addon.TaskAudit._tee = raising
"""


@pytest.fixture
def raising(tmp_path: Path) -> Path:
    """A script that breaks the audit."""
    script = tmp_path / "raising.py"
    script.write_text(RAISING)
    return script


def _received(proxy: Proxy) -> dict[str, bytes]:
    return {name: exchange_bytes(proxy.port, name) for name in ANSWERS}


@pytest.mark.parametrize("streaming", [False, True], ids=["buffered", "streamed"])
def test_the_client_receives_the_same_bytes(
    launch: Start,
    raw_origin: Callable[[dict[str, bytes]], RawOrigin],
    raising: Path,
    tmp_path: Path,
    streaming: bool,
) -> None:
    origin = raw_origin(ANSWERS)
    mode = ["--mode", f"reverse:{origin.url}", "--set", "connection_strategy=lazy"]
    if streaming:
        mode += ["--set", "stream_large_bodies=1"]
    off = launch(*mode, audit=False)
    on = launch(*mode, log=tmp_path / "on.ndjson")
    broken = launch(*mode, log=tmp_path / "broken.ndjson", scripts=(raising,))

    expected = _received(off)
    assert expected["normal"] == ANSWERS["normal"]
    assert _received(on) == expected
    assert _received(broken) == expected

    assert off.stop()[1] == 0
    _assert_all_accounted_for(on)
    _assert_each_failure_told(broken)


def test_what_mitmproxy_alters_is_the_same_without_the_audit(
    launch: Start, raw_origin: Callable[[dict[str, bytes]], RawOrigin], tmp_path: Path
) -> None:
    origin = raw_origin({name: sent for name, (sent, _) in ALTERED.items()})
    mode = ["--mode", f"reverse:{origin.url}", "--set", "connection_strategy=lazy"]
    off, on = launch(*mode, audit=False), launch(*mode, log=tmp_path / "on.ndjson")
    for name, (sent, begins) in ALTERED.items():
        alone = exchange_bytes(off.port, name)
        assert alone != sent
        assert alone.startswith(begins)
        assert exchange_bytes(on.port, name) == alone


def _assert_all_accounted_for(proxy: Proxy) -> None:
    totals = bodies(proxy.stopped(), "stats")[-1]
    assert totals["seen"] == totals["in_scope"] == len(ANSWERS)
    assert totals["unaudited"]["internal_error"] == 0


def _assert_each_failure_told(proxy: Proxy) -> None:
    output, status = proxy.stop()
    assert status == 0
    assert output.count("TA901") == len(ANSWERS)
    assert "may quote the traffic" not in output + proxy.log.read_text()
    reasons = [body["reason"] for body in bodies(proxy.records, "unaudited")]
    assert reasons == ["internal_error"] * len(ANSWERS)
    rules = [found["rule"] for found in proxy.of("finding")]
    assert rules.count("TA901") == len(ANSWERS)
    # The job is followed all the same: its id is the same in each answer, and it is never asked for.
    assert set(rules) == {"TA901", "TA204", "TA501"}
    assert [f["rule"] for f in proxy.of("fault")] == ["TA901"] * len(ANSWERS)
    totals = proxy.of("stats")[-1]
    assert totals["unaudited"]["internal_error"] == totals["seen"] == len(ANSWERS)


def test_the_audit_raises_in_every_hook(
    launch: Start, raw_origin: Callable[[dict[str, bytes]], RawOrigin], tmp_path: Path
) -> None:
    """Each hook's failure is told, and an exchange that failed in two counts once."""
    script = tmp_path / "raising.py"
    script.write_text(RAISING_EVERYWHERE)
    mode = ["--mode", f"reverse:{raw_origin(ANSWERS).url}", "--set", "stream_large_bodies=1"]
    off = launch(*mode, audit=False)
    broken = launch(*mode, scripts=(script,))
    assert _received(broken) == _received(off)
    output, status = broken.stop()
    assert status == 0
    assert "Addon error" not in output
    assert "may quote the traffic" not in output + broken.log.read_text()
    assert_sound(broken.records)
    totals = broken.of("stats")[-1]
    assert totals["seen"] == totals["unaudited"]["internal_error"] == len(ANSWERS)
    streamed = [answer for answer in ANSWERS.values() if re.search(rb"(?i)content-length: [1-9]", answer)]
    assert [f["rule"] for f in broken.of("fault")] == ["TA901"] * (len(ANSWERS) + len(streamed))
