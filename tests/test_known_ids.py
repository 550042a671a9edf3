"""Which job a request without a route asks for, of those that were known by then; in bounded memory."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.exchange import MatchedBy
from taskaudit.known_ids import Asked, Known, KnownIds, words_of

JOB, ORDER, SERVER = "70a599e0-31e7", "CS2003021100AAAAA", "server-0001"


def known(*jobs: Known, most: int = 100) -> KnownIds:
    ids = KnownIds(most)
    for each in jobs:
        ids.learn(each)
    return ids


def job(job_id: str = JOB, at: float = 10, service: str | None = "ecs", *ids: str) -> Known:
    return Known(job_id, at, service, ids)


ONE = known(job(JOB, 10, "ecs", ORDER, SERVER))
BY_ID, BY_RESOURCE = Asked(JOB, MatchedBy.JOB_ID), Asked(JOB, MatchedBy.RESOURCE)


@pytest.mark.parametrize(
    ("path", "query", "asked"),
    [
        (f"/v2/p/instances/i1/tasks/{JOB}", "", BY_ID),
        (f"/{JOB}", "", BY_ID),
        (f"/{JOB}/", "", BY_ID),
        (f"/v2/{JOB}/events", "limit=1", BY_ID),
        ("/v2/p/jobs", f"id={JOB}", BY_ID),
        ("/v2/p/jobs", f"limit=1&job_id={JOB}&x", BY_ID),
        (f"/v2/orders/{ORDER}", "", BY_RESOURCE),
        (f"/v2/servers/{SERVER}", "", BY_RESOURCE),
        (f"/v2/servers/{SERVER}/jobs/{JOB}", "", BY_ID),
        (f"/v2/servers/{SERVER}", f"job={JOB}", BY_ID),
        ("/v2/%37" + JOB[1:], "", BY_ID),
        ("/v2/jobs", "id=%37" + JOB[1:], BY_ID),
        (f"/v2/x{JOB}", "", None),
        (f"/v2/{JOB}.json", "", None),
        ("/v2/jobs", f"ids={JOB},other", None),
        ("/v2/jobs", f"{JOB}=1", None),
        (f"/v2/a%2F{JOB}", "", None),
        ("/", "", None),
        ("", "", None),
    ],
)
def test_what_is_asked_for(path: str, query: str, asked: Asked | None) -> None:
    assert ONE.asked("GET", path, query, 10) == asked
    assert ONE.asked("get", path, query, 99) == asked
    assert ONE.asked("GET", path, query, 9.9) is None
    assert KnownIds().asked("GET", path, query, 99) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", ""])
def test_only_who_reads_asks(method: str) -> None:
    assert ONE.asked(method, f"/{JOB}", "", 10) is None


@pytest.mark.parametrize("job_id", ["short-1", "undefined", "[object Object]", "{job_id}"])
def test_an_id_that_is_met_by_chance_is_none(job_id: str) -> None:
    ids = known(job(job_id))
    assert ids.asked("GET", f"/v1/jobs/{quote(job_id)}", "", 99) is None


def test_an_id_of_several_jobs_is_of_the_one_answered_last() -> None:
    ids = known(*(job(f"job-000{n}", n, None, SERVER) for n in (3, 1, 2)))
    told = [ids.asked("GET", f"/{SERVER}", "", at) for at in (0.5, 1, 1.5, 2, 9)]
    assert [each and each.job_id for each in told] == [None, "job-0001", "job-0001", "job-0002", "job-0003"]
    ids.forget("job-0003")
    assert ids.asked("GET", f"/{SERVER}", "", 9) == ("job-0002", MatchedBy.RESOURCE)


def test_the_first_submission_with_an_id_counts() -> None:
    ids = known(job(JOB, 5, "evs"), job(JOB, 9, "ecs"), job("other-id", 5, "rds"), job("other-id", 3, "dds"))
    assert [ids.service_of(JOB, at) for at in (4, 5, 9)] == [None, "evs", "evs"]
    assert [ids.service_of("other-id", at) for at in (2, 3, 5)] == [None, "dds", "dds"]
    assert ids.service_of("unknown", 9) is None
    assert (JOB in ids, "unknown" in ids, len(ids)) == (True, False, 2)


def test_no_more_are_known_than_there_is_room_for() -> None:
    ids = known(*(job(f"job-{n:04}", n, None, f"server-{n}", ORDER) for n in range(1000)), most=10)
    assert [each.job_id for each in ids] == [f"job-{n:04}" for n in range(990, 1000)]
    assert len(ids._others) == 11
    for n in range(990, 1000):
        ids.forget(f"job-{n:04}")
        ids.forget(f"job-{n:04}")
    assert (len(ids), ids._others) == (0, {})


@given(st.lists(st.text(min_size=1)), st.lists(st.text()))
def test_words_are_had_back_however_they_are_written(segments: list[str], values: list[str]) -> None:
    path = "/" + "/".join(quote(each, safe="") for each in segments)
    query = "&".join(f"n={quote(each, safe='')}" for each in values)
    assert words_of(path, query) == ["", *(segments or [""]), *values]
