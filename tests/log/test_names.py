"""Names of rotated files: in order whatever the clock does, and told from others."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskaudit.log.names import Names, is_rotated, rotated, siblings, unfinished

AT = 1_790_000_000.75


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("today.ndjson", "today.20260921T141320Z-001.ndjson"),
        ("a.b.log", "a.b.20260921T141320Z-001.log"),
        ("log", "log.20260921T141320Z-001"),
        (".hidden", ".hidden.20260921T141320Z-001"),
    ],
)
def test_a_name_says_when(tmp_path: Path, name: str, first: str) -> None:
    made = Names(tmp_path / name).next(AT)
    assert made == tmp_path / first
    assert is_rotated(tmp_path / name, made)


def test_names_grow_also_when_the_clock_is_set_back(tmp_path: Path) -> None:
    names = Names(tmp_path / "log")
    made = [names.next(at).name for at in (AT, AT, AT - 3600, AT + 1, AT)]
    assert [name.removeprefix("log.20260921T") for name in made] == [
        "141320Z-001",
        "141320Z-002",
        "141320Z-003",
        "141321Z-001",
        "141321Z-002",
    ]
    assert sorted(made) == made


def test_names_go_on_behind_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "log.20990101T000000Z-999.zst").touch()
    assert Names(tmp_path / "log").next(AT).name == "log.20990101T000000Z-1000"


def test_looking_again_finds_what_others_made(tmp_path: Path) -> None:
    names = Names(tmp_path / "log")
    assert names.next(AT).name == "log.20260921T141320Z-001"
    (tmp_path / "log.20260921T141320Z-005").touch()
    assert names.next(AT).name == "log.20260921T141320Z-002"
    assert names.next(AT, anew=True).name == "log.20260921T141320Z-006"


OURS = [
    "a.20260921T141320Z-002.ndjson",
    "a.20260921T141320Z-002.ndjson.zst",
    "a.20260921T141320Z-1000.ndjson",
]
OUTSIDE = [
    "a.ndjson.1",
    "a.ndjson.12.gz",
    "a.ndjson-20260921",
    "a.ndjson-20260921.zst",
    "a.ndjson-20260921-1790000000",
    "a-20260921.ndjson",
    "a-20260921.ndjson.gz",
]
OTHERS = [
    "a.ndjson",
    "b.20260921T141320Z-001.ndjson",
    "aa.20260921T141320Z-001.ndjson",
    "a.20260921T141320Z-001.json",
    "a.20260921T141320Z.ndjson",
    "a.ndjson.partial-1790000000",
    "a.ndjson.bak",
    ".a.ndjson.next",
    "a-b.ndjson",
    "axndjson.1",
]


def test_files_are_told_from_others(tmp_path: Path) -> None:
    log = tmp_path / "a.ndjson"
    for name in (*OURS, *OUTSIDE, *OTHERS, "a.20260921T141320Z-003.ndjson.zst.tmp"):
        (tmp_path / name).touch()
    assert [each.path.name for each in rotated(log)] == OURS
    assert [each.is_packed for each in rotated(log)] == [False, True, False]
    assert [path.name for path in siblings(log)] == sorted([*OURS, *OUTSIDE])
    assert [path.name for path in unfinished(log)] == ["a.20260921T141320Z-003.ndjson.zst.tmp"]


def test_numbers_are_ordered_as_numbers(tmp_path: Path) -> None:
    for number in ("1000", "999", "002"):
        (tmp_path / f"log.20260921T141320Z-{number}").touch()
    assert [each.stamp.number for each in rotated(tmp_path / "log")] == [2, 999, 1000]


def test_no_folder_holds_nothing(tmp_path: Path) -> None:
    assert rotated(tmp_path / "gone" / "log") == siblings(tmp_path / "gone" / "log") == []
