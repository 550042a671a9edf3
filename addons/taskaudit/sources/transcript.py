"""What `curl -v` prints, as `http -v` would print it: requests and responses without marks and remarks.

curl writes heads and remarks to standard error, each line with a mark, and bodies to standard output. Where
both go to the same place, a remark may follow the end of a body on its line, bodies may be missing
(`-o /dev/null`), and with `-i` each response head is there twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from taskaudit.sources.formats import IS_SESSION, without_colours
from taskaudit.sources.rawhttp import Printed

_STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)? +\d{3}")
_ASKED = re.compile(rb">(?: (.*))?")
_ANSWERED = re.compile(rb"<(?: (.*))?")
_DATA = re.compile(rb"[{}] \[\d+ bytes data\]")
# Remarks of curl, the head of its progress meter, and what a shell or script(1) puts around its output.
_REMARK = re.compile(
    rb"\*(?: |$)|[{}] \[\d+ bytes data\]|curl: \(\d+\)| *%? +Total +% Received| +Dload +Upload|"
    rb"Script (?:started|done)|[^{}\[\]\"<>]{0,80}[$#%] ?(?:curl .*|exit)?$"
)
# The remarks that may stand behind a body whose last line has no end.
_BEHIND = re.compile(
    rb"(?:\* (?:Connection #?\d|Closing connection|Excess found|Issue another request|Ignoring the response|"
    rb"Curl_http_done|transfer closed|upload completely|HTTP error|Simulate a HTTP|Received HTTP/)"
    rb"|curl: \(\d+\) ).*"
)
# A line of the progress meter, or several of them over one another.
_AMOUNT = rb"(?:\d[\d.]*[kMGTP]?)"
_CLOCK = rb"(?:--:--:--|\d+:\d\d:\d\d|\d+d \d+h)"
_METER = re.compile(rb"(?:\r? *%s(?: +%s){5,7}(?: +%s){3} +%s\r?)+" % (_AMOUNT, _AMOUNT, _CLOCK, _AMOUNT))


# HTTPie with -vv, and script(1).
_ADDED = re.compile(rb"^(?:Elapsed time: [\d.]+m?s|Script done [^\n]*)\r?$", re.MULTILINE)


def as_sent(printed: Printed) -> Printed:
    """What `http -v` or `curl -i` printed, without colours and what was added to it."""
    text = _ADDED.sub(b"", without_colours(printed.text).replace(b"\r\r\n", b"\r\n"))
    command = IS_SESSION.match(text)
    return replace(printed, text=text[command.end() :] if command else text)


def without_marks(printed: Printed) -> Printed:
    """What `curl -v` printed, without its marks and remarks."""
    lines = _Lines()
    for number, line in enumerate(without_colours(printed.text).split(b"\n"), 1):
        lines.take(number, line.rstrip(b"\r"))
    text = b"".join(line + b"\n" for line in lines.kept)
    return replace(printed, text=text, lines=lines.numbers, unseen=frozenset(lines.unseen))


@dataclass(slots=True)
class _Lines:
    """The lines that are kept, with their numbers."""

    kept: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    unseen: list[int] = field(default_factory=list)
    """Where the responses begin whose bodies have come."""

    in_body: bool = False
    in_copy: bool = False
    """Within the head of a response that `-i` prints a second time."""
    is_first: bool = False
    size: int = 0
    response: int = -1
    last: bytes = b""

    def take(self, number: int, line: bytes) -> None:
        """Takes a line of the source."""
        line = _METER.sub(b"", line)
        if _DATA.fullmatch(line):
            if self.response >= 0 and not self.last.startswith(b"* TLS"):
                self.unseen.append(self.response)
        elif _REMARK.match(line):
            pass
        elif asked := _ASKED.fullmatch(line):
            if self.in_body:
                self.in_body, self.response = False, -1
            self._keep(number, asked[1] or b"")
        elif answered := _ANSWERED.fullmatch(line):
            content = answered[1] or b""
            if _STATUS_LINE.match(content):
                self.response, self.in_body = self.size, False
            self._keep(number, content)
            if not content:
                self.in_body, self.is_first = True, True
        elif self.in_body:
            self._take_body(number, line)
        self.last = line

    def _take_body(self, number: int, line: bytes) -> None:
        if self.is_first and _STATUS_LINE.match(line):
            self.in_copy = True
        if self.in_copy or (self.is_first and not line):
            self.in_copy = self.in_copy and bool(line)
            return
        self.is_first = False
        self._keep(number, _BEHIND.sub(b"", line))

    def _keep(self, number: int, line: bytes) -> None:
        self.kept.append(line)
        self.numbers.append(number)
        self.size += len(line) + 1
