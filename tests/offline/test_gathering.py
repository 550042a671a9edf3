"""What is kept of sources, and how sources are shared out among processes."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import pytest
from msgspec import structs

from taskaudit.auditor import Outcome
from taskaudit.contract.answer import Missing
from taskaudit.offline.gathering import Checked, Damaged, Gathering, _packed, _unpacked, shares_of
from taskaudit.policy.policy import Policy
from taskaudit.sources.reading import STDIN
from taskaudit.spool.blocks import Store
from taskaudit.spool.sent import receive, send
from tests.samples import BAD_ERROR, JOB, answer, auditor, exchange, outcome, waiver

CONTENTS = {
    "a": JOB,
    "b": BAD_ERROR,
    "c.har": '{"log": {"entries": [7]}}',
    "d": "HTTP/1.1 204 No Content\n\n",
}


@pytest.fixture
def captures(tmp_path: Path) -> list[Path]:
    for name, content in CONTENTS.items():
        (tmp_path / name).write_text(content)
    return [tmp_path / name for name in CONTENTS]


def gathered(captures: list[Path]) -> Gathering:
    gathering = Gathering()
    gathering.read(auditor(), captures, None)
    return gathering


def test_a_gathering_keeps_what_is_in_scope(captures: list[Path]) -> None:
    gathering = gathered(captures)
    assert [(Path(each.source).name, each.index) for each in gathering.kept()] == [
        ("a", 0),
        ("b", 0),
        ("d", 0),
    ]
    assert [(each.source, each.damage.index) for each in gathering.unread if isinstance(each, Damaged)] == [
        (str(captures[2]), 0)
    ]
    assert (gathering.size, gathering.totals.seen) == (3, 3)
    assert list(gathering.steps) == []  # None of them has a request.


def test_it_can_be_sent_to_another_process(captures: list[Path]) -> None:
    pipe = io.BytesIO()
    send(gathered(captures), pipe)
    pipe.seek(0)
    here, there = gathered(captures), receive(pipe, Store())
    assert isinstance(there, Gathering)
    kept: list[Checked] = list(there.kept())
    assert kept == list(here.kept())
    assert list(there.unread) == list(here.unread)
    assert (there.size, there.totals) == (here.size, here.totals)
    there.close()


@pytest.mark.parametrize(
    "made",
    [
        outcome(),
        outcome(BAD_ERROR, 400),
        outcome(None),
        outcome("{}", path="/none"),
        outcome(b"\xff", client="192.0.2.1", request_headers=("Host", "\ud800"), request_id="\ud800"),
        outcome('{"job_id": "a", "job_id": null}', status=10**30),
        outcome('{"status": "FAIL", "error_code": "Ecs.0001"}', method="GET", path="/v1/p/jobs/8ab1"),
        outcome("{", method="GET", path="/v1/p/jobs/8ab1"),
        outcome(None, method="GET", path="/v1/p/jobs/8ab1"),
        auditor().look(exchange(answer=answer(missing=Missing.STREAMED))),
        auditor(policy=Policy(waivers=[waiver()])).look(exchange(BAD_ERROR, 400)),
        structs.replace(outcome(), late=outcome(BAD_ERROR, 400).findings),
    ],
)
def test_what_is_kept_comes_back_as_it_was(made: Outcome) -> None:
    checked = Checked("a\udcff.har", 7, made)
    again = _unpacked(pickle.loads(pickle.dumps(_packed(checked))))
    assert again == checked
    assert again.outcome.text == checked.outcome.text


def test_shares_are_cut_by_the_sizes_of_files(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(3)]
    for path, size in zip(paths, (50, 1, 50), strict=True):
        path.write_bytes(b"x" * size)
    assert shares_of(paths, 2, worth=10) == [paths[:1], paths[1:]]
    assert shares_of(paths, 2, worth=1000) == [paths]


def test_standard_input_and_what_is_no_file_are_not_shared_out(tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(b"x" * 50)
    for paths in ([STDIN, big, big], [tmp_path / "none", big]):
        assert shares_of(paths, 2, worth=10) == [paths]
