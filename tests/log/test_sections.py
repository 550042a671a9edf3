"""A log in sections: together they hold each line once, with its place."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskaudit.log import sections
from taskaudit.log.format import Damaged, LogError
from taskaudit.log.reading import read_lines
from taskaudit.log.sections import in_sections
from tests.stories import ask, submit, write_log


def lines_in(paths: list[Path], size: int) -> Iterator[tuple[Path, int, bytes | Damaged]]:
    """The lines of all sections, with numbers that count on within a file."""
    count = 0
    for some in in_sections(paths, set(), size):
        for section in some:
            count = count if section.start else 0
            for path, first, lines in section.read():
                assert first >= 1
                for number, line in enumerate(lines, first):
                    damaged = isinstance(line, Damaged)
                    yield path, count + number, line._replace(line=count + line.line) if damaged else line
                last = first + len(lines) - 1
            count += last


@pytest.fixture
def logs(tmp_path: Path) -> list[Path]:
    """A log with rotated files, one of them compressed, and another log whose last line is not finished."""
    first = write_log(tmp_path / "log", [submit(0), ask(5)])
    rotated = tmp_path / "log.20260921T141320Z-001"
    first.rename(rotated)
    packed = tmp_path / "log.20260921T141320Z-002.gz"
    packed.write_bytes(gzip.compress(write_log(tmp_path / "other", [submit(9, "8ab1")]).read_bytes()))
    (tmp_path / "other").unlink()
    write_log(tmp_path / "log", [ask(number, job_id="8ab1") for number in range(10, 20)])
    second = write_log(tmp_path / "second", [submit(20, "c")])
    with second.open("ab") as file:
        file.write(b'{"timestamp":')
    return [tmp_path / "log", second]


@pytest.mark.parametrize("size", [1, 100, 1000, 5000, 10**9])
def test_each_line_is_in_one_section(logs: list[Path], size: int) -> None:
    expected = [line for path in logs for line in read_lines(path)]
    assert list(lines_in(logs, size)) == expected
    assert isinstance(expected[-1][2], Damaged)
    assert (sum(len(some) for some in in_sections(logs, set(), size)) > 4) is (size < 10**9)


@pytest.mark.parametrize("most", [1, 2, 100])
def test_not_too_many_files_are_open(logs: list[Path], most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "_MOST_OPEN", most)
    before = set(os.listdir("/proc/self/fd"))
    expected = [line for path in logs for line in read_lines(path)]
    for some in in_sections(logs, set(), 1000):
        assert len({section.file for section in some}) <= most
    assert list(lines_in(logs, 1000)) == expected
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_section_can_be_read_while_another_one_is(logs: list[Path]) -> None:
    """They share an open file."""
    for some in in_sections([logs[0]], set(), 5000):
        expected = [list(section.read()) for section in some]
        together = zip(*(section.read() for section in some), strict=False)
        assert next(together) == tuple(each[0] for each in expected)


def test_a_foreign_file_is_told_by_its_first_section(tmp_path: Path) -> None:
    (tmp_path / "foreign").write_text("{}\n" * 100, encoding="utf-8")
    with pytest.raises(LogError, match="not a log"):
        list(lines_in([tmp_path / "foreign"], 50))


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="No such file"):
        list(in_sections([tmp_path / "none"], set(), 50))
