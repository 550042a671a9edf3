"""The line at fault is shown where it stands, fits a terminal, and gives no secret away."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs

from taskaudit.contract.places import Span, locate, place
from taskaudit.contract.unseen import is_harmless
from taskaudit.contract.verdict import Place
from taskaudit.text import frame as module
from taskaudit.text.frame import COLUMNS, Fault, Line, contract_names, faults_of, frame, frames, plain
from taskaudit.text.terminal import outcome_text
from tests.samples import outcome

CANARY = "zq7Canary9xw"
BODY = {
    "request_id": CANARY,
    "server": {"adminPass": CANARY, "size": 40, "ok": True},
    "error": {"message": "配额不足", "code": 400, "details": None},
}


def framed(text: str, pointer: str) -> str:
    start, end = locate(text, [pointer])[pointer]
    return plain(frame(text, place(text, start), end - start))


@pytest.mark.parametrize(
    ("text", "pointer", "shown"),
    [
        (
            '{"error": {"message": "bad", "code": 400}}',
            "/error/code",
            r"""
  1 | {"error": {"message": "bad", "code": 400}}
    |                                      ^^^""",
        ),
        (
            json.dumps(BODY, indent=2, ensure_ascii=False),
            "/error/code",
            r"""
   8 |   "error": {
   9 |     "message": "配额不足",
  10 |     "code": 400,
     |             ^^^
  11 |     "details": null""",
        ),
        (
            json.dumps(BODY, indent="\t").replace("\n", "\r\n"),
            "/server/size",
            r"""
  3 |     "server": {
  4 |         "adminPass": "…",
  5 |         "size": …,
    |                 ^
  6 |         "ok": true""",
        ),
        (
            json.dumps(BODY["error"], ensure_ascii=False),
            "/code",
            r"""
  1 | {"message": "配额不足", "code": 400, "details": null}
    |                                 ^^^""",
        ),
        (
            '{"message": "\u202e\x9b31m\u200b", "code": 400}',
            "/code",
            r"""
  1 | {"message": "\u202e\u009b31m\u200b", "code": 400}
    |                                              ^^^""",
        ),
        (
            json.dumps({"pad": ["x" * 9] * 500, "job_id": 7, "more": [1] * 500}),
            "/job_id",
            r"""
  1 | …, "…", "…", "…", "…", "…"], "job_id": 7, "more": […, …, …, …, …, …, …, …, …, …, …, …, …, …, …, …, …
    |                                        ^""",
        ),
        (
            '{"error": [\n  1\n]\n}\n',
            "/error",
            r"""
  1 | {"error": [
    |           ^
  2 |   …""",
        ),
    ],
)
def test_frames_look_like_this(text: str, pointer: str, shown: str) -> None:
    assert framed(text, pointer) == shown.removeprefix("\n")


@pytest.mark.parametrize(
    ("text", "at", "shown"),
    [
        (
            '{"error": {"message": "", "code": XXX，""}}',
            (1, 35),
            r"""
  1 | {"error": {"message": "", "code": XXX，…
    |                                   ^""",
        ),
        (
            '{"job_id": "x",}\n',
            (1, 16),
            r"""
  1 | {"job_id": "x",}
    |                ^""",
        ),
        (
            '{"job_id": "x"，"adminPass": "zq7Canary9xw"}',
            (1, 15),
            r"""
  1 | {"job_id": "x"，…
    |               ^^""",
        ),
        (
            '{\n  "adminPass": "zq7Can',
            (2, 23),
            r"""
  1 | {
  2 |   "adminPass": "…
    |                  ^""",
        ),
        (
            '{\n  "job_id": "70a5',
            (2, 18),
            r"""
  1 | {
  2 |   "job_id": "70a5
    |                  ^""",
        ),
        (
            "<html>\n<b>zq7Canary9xw</b>\n</html>",
            (1, 1),
            r"""
  1 | …
    | ^""",
        ),
        (
            "",
            (1, 1),
            r"""
  1 |
    | ^""",
        ),
        (
            '{"job_id"',
            (7, 99),
            r"""
  1 | {"…
    |    ^""",
        ),
    ],
)
def test_frames_of_what_is_not_json_look_like_this(text: str, at: tuple[int, int], shown: str) -> None:
    assert plain(frame(text, Place(*at), 1)) == shown.removeprefix("\n")


@pytest.mark.parametrize(
    "pointer",
    [
        "/job_id",
        "/jobId",
        "/ job_id",
        "/job-id",
        "/JobId",
        "/data/job_id",
        "/data/job/job_id",
        "/error",
        "/error/code",
        "/error/details/0/message",
        "/details/12/code",
        "/badRequest/message",
        "/error_msg",
        "/fail_reason",
    ],
)
def test_the_contract_names(pointer: str) -> None:
    assert contract_names(pointer)


@pytest.mark.parametrize(
    "pointer",
    [
        "",
        "/adminPass",
        "/server/adminPass",
        "/a/b/code",
        "/a/b/c/job_id",
        "/error/details/0/secret",
        "/job_id/x",
    ],
)
def test_the_contract_does_not_name(pointer: str) -> None:
    assert not contract_names(pointer)


def columns(text: str) -> int:
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me") else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


HOSTILE = {
    "request_id": CANARY,
    "server": {"adminPass": CANARY, "list": [CANARY, {"code": {"x": CANARY}}], "number": 4711_0815_4711},
    "error": {"message": "bad", "code": 400, "details": [{"code": "a", "message": "b", "secret": CANARY}]},
    "job_id": None,
    "token": "x " + CANARY + " y, } ]",
}


@given(
    st.sampled_from([None, 1, "\t"]),
    st.integers(0, 600),
    st.sampled_from(["", '"', "\\", ",", "}", "{", " ", "\n", "[", ":", "，", "\x00"]),
    st.sampled_from([0, 1]),
    st.booleans(),
    st.integers(1, 40),
    st.integers(1, 400),
    st.integers(0, 300),
)
@example(None, 0, "", 0, False, 1, 1, 1)
def test_no_secret_is_shown_however_the_text_is_broken(
    indent: str | int | None, at: int, put: str, drop: int, cut: bool, line: int, column: int, length: int
) -> None:
    text = json.dumps(HOSTILE, indent=indent)
    at %= len(text)
    broken = text[:at] + put + ("" if cut else text[at + drop :])
    shown = plain(frame(broken, Place(line, column), length))
    assert not any(part in shown for part in (CANARY[:4], CANARY[-4:], "4711", "0815"))


@given(
    st.lists(st.text(st.characters(exclude_characters="\n")) | st.just("wide 错误 " * 30), min_size=1),
    st.integers(0, 9),
    st.integers(1, 400),
    st.integers(0, 300),
)
def test_frames_fit_and_are_harmless(rows: list[str], line: int, column: int, length: int) -> None:
    text = json.dumps({"message": "\n".join(rows)}, ensure_ascii=False, indent=1) + "\n".join(rows)
    for shown in frame(text, Place(line, column), length):
        assert columns(shown.text) <= COLUMNS
        assert is_harmless(shown.text)
        if shown.caret:
            assert shown.caret[1] >= 1
            assert sum(shown.caret) <= max(COLUMNS, columns(shown.text)) + 1


@given(st.text(max_size=300), st.integers(0, 10**9), st.integers(1, 9))
def test_the_caret_stands_under_the_value(message: str, code: int, indent: int) -> None:
    text = json.dumps({"message": message, "code": code}, ensure_ascii=False, indent=indent)
    for text_ in (text, text.replace("\n", "")):
        start, end = locate(text_, ["/code"])["/code"]
        line = next(line for line in frame(text_, place(text_, start), end - start) if line.caret)
        assert underlined(line) == str(code)


def underlined(line: Line) -> str:
    assert line.caret
    start, width = line.caret
    seen, at = "", 0
    for char in line.text:
        if start <= at < start + width:
            seen += char
        at += columns(char)
    return seen


def test_named_decides_what_is_shown() -> None:
    text = '{"a": "shown", "b": "hidden"}'
    assert frame(text, Place(1, 1), 1, lambda pointer: pointer == "/a")[0].text == '{"a": "shown", "b": "…"}'


@pytest.mark.slow
def test_a_mebibyte_on_one_line_is_no_trouble() -> None:
    text = '{"pad": [' + '"x",' * 250_000 + '"x"], "job_id": 7}'
    start, end = locate(text, ["/job_id"])["/job_id"]
    assert Span(start, end) == (len(text) - 2, len(text) - 1)
    assert underlined(frame(text, place(text, start), 1)[0]) == "7"


FAULTS = st.lists(
    st.none()
    | st.builds(Fault, st.builds(Place, st.integers(1, 40), st.integers(1, 400)), st.integers(0, 60)),
    max_size=8,
)


@given(FAULTS, st.sampled_from([None, 1, "\t"]), st.integers(0, 10**6), st.text('{}[],:"\n 1a', max_size=3))
def test_frames_of_one_text_are_those_that_each_fault_has_alone(
    faults: list[Fault | None], indent: str | int | None, at: int, put: str
) -> None:
    text = json.dumps(HOSTILE, indent=indent)
    at %= len(text)
    text = text[:at] + put + text[at:]
    assert frames(text, faults) == [frame(text, *fault) if fault else [] for fault in faults]


@pytest.mark.parametrize("between", ["", "\n"])
def test_the_text_is_walked_once_however_many_findings_there_are(
    between: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = f",{between}".join(f'"m{n}": 1, "m{n}": 2' for n in range(300))
    judged = outcome(f'{{"job_id": 1, {members}}}')
    calls = {name: 0 for name in ("walk", "locate")}

    def counted(name: str) -> Callable[..., Any]:
        sound = getattr(module, name)

        def call(*given: Any) -> Any:
            calls[name] += 1
            return sound(*given)

        return call

    for name in calls:
        monkeypatch.setattr(module, name, counted(name))
    shown = "\n".join(text.plain for text in outcome_text("capture.har", 0, judged))
    assert calls == {"walk": 1, "locate": 1}
    assert shown.count("^") == len(judged.findings) == 101
    assert '"m99": …, "m99": …' in shown


def test_what_has_no_place_has_no_frame() -> None:
    judged = outcome('{"job_id": 1}', 200)
    (finding,) = judged.findings
    assert faults_of("{}", [structs.replace(finding, place=None)]) == [None]
    assert frames("{}", [None]) == [[]]
