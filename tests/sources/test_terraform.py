"""Debug logs of Terraform's providers, in the forms that their versions and Terraform's write."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskaudit.contract.answer import Missing
from taskaudit.exchange import Exchange
from taskaudit.sources.captured import Captured, Damage
from taskaudit.sources.reading import read

HOST = "https://ecs.cn-north-4.myhuaweicloud.com"
CREATE = f"{HOST}/v1.1/p/cloudservers"
PROVIDER = "provider.terraform-provider-huaweicloud"
HEADERS = "Authorization: ***\nContent-Type: application/json\nX-Project-Id: p"
ANSWERED = "Content-Type: application/json\nX-Request-Id: req-1\nX-Xss-Protection: 1; mode=block;"


def pretty(body: Any) -> str:
    return json.dumps(body, indent=2)


class Log:
    """Messages as lines; each form puts them down in its way, a second apart."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.second = 0

    def message(self, text: str) -> None:
        self.second += 1
        self.put(f"{self.second // 60:02}:{self.second % 60:02}", text)

    def put(self, time: str, text: str) -> None:
        raise NotImplementedError

    def core(self) -> None:
        """What Terraform itself logs."""
        self.lines.append('2026-03-02T09:00:00.000+0800 [TRACE] dag/walk: vertex "root" is waiting')

    def request(self, method: str, url: str, body: Any = None, api: str = "API") -> None:
        self.message(f"{api} Request URL: {method} {url}")
        self.message(f"{api} Request Headers:\n{HEADERS}")
        if body is not None:
            self.message(f"{api} Request Body: {pretty(body)}")

    def answer(self, status: int, body: Any, api: str = "API", headers: str = ANSWERED) -> None:
        self.message(f"{api} Response Code: {status}")
        self.message(f"{api} Response Headers:\n{headers}")
        if body is not None:
            self.message(f"{api} Response Body: {pretty(body)}")

    def exchange(self, method: str, url: str, sent: Any, status: int, body: Any) -> None:
        self.request(method, url, sent)
        self.core()
        self.answer(status, body)

    def text(self) -> str:
        return "\n".join([*self.lines, ""])


class ByLine(Log):
    """Terraform 0.12 to 0.14: each line of a message by itself."""

    def put(self, time: str, text: str) -> None:
        outer = f"2026-03-02T09:{time}.100+0800 [DEBUG] plugin.terraform-provider-flexibleengine_v1.13.0: "
        whole = f"2026/03/02 09:{time} [DEBUG] {text}"
        self.lines += [outer + line for line in whole.split("\n")]


class Wrapped(Log):
    """Terraform 1.0 and newer, and a provider that writes the time itself."""

    def put(self, time: str, text: str) -> None:
        at = f"2026-03-02T09:{time}.100+0800"
        inner = f"2026/03/02 09:{time} [DEBUG] {text}: timestamp={at}"
        self.lines += f"{at} [INFO]  {PROVIDER}_v1.32.1: {inner}".split("\n")


class AsJson(Log):
    """TF_LOG=JSON."""

    def put(self, time: str, text: str) -> None:
        at = f"2026-03-02T09:{time}.100000+08:00"
        record = {"@level": "debug", "@message": text, "@module": PROVIDER, "@timestamp": at, "timestamp": at}
        self.lines.append(json.dumps(record))

    def core(self) -> None:
        self.lines.append('{"@level":"trace","@message":"dag/walk","@timestamp":"2026-03-02T09:00:00+08:00"}')


class Bare(Log):
    """Of the provider's own tests, which Terraform does not wrap."""

    def put(self, time: str, text: str) -> None:
        self.lines += f"2026/03/02 01:{time} [DEBUG] {text}".split("\n")

    def core(self) -> None:
        self.lines.append("huaweicloud_vpc.test: Still creating... [10s elapsed]")


class WithIds(Log):
    """Providers from 2024 on: all of an exchange once it has ended, below an id."""

    count = 0

    def put(self, time: str, text: str) -> None:
        at = f"2026-03-02T09:{time}.100+0800"
        details = f'tf_rpc=ApplyResourceChange tf_req_id="a \\" b" timestamp="{at}"'
        self.lines += f"{at} [DEBUG] {PROVIDER}: {text}: {details}".split("\n")

    def exchange(self, method: str, url: str, sent: Any, status: int, body: Any) -> None:
        self.count += 1
        log_id = f"[{1772413200000 + self.second * 1000 + 101}-{self.count}]"
        self.message(f"{log_id} API Request URL: {method} {url}\nAPI Request Headers:\n{HEADERS}")
        if sent is not None:
            self.message(f"{log_id} API Request Body: {pretty(sent)}")
        self.core()
        self.message(f"{log_id} API Response Code: {status}\nAPI Response Headers:\n{ANSWERED}")
        self.message(f"{log_id} API Response Body: {'' if body is None else pretty(body)}")


FORMS: tuple[type[Log], ...] = (ByLine, Wrapped, AsJson, Bare, WithIds)


def found(text: str, limit: int = 10_000) -> list[Captured | Damage]:
    items = list(read(io.BytesIO(text.encode()), limit, chunk=100))
    return [each for each in items if isinstance(each, Captured | Damage)]


def exchanges(text: str, limit: int = 10_000) -> list[Exchange]:
    items = found(text, limit)
    assert all(isinstance(each, Captured) for each in items), items
    assert [each.index for each in items] == list(range(len(items)))
    return [each.exchange for each in items if isinstance(each, Captured)]


def bodies(text: str) -> list[tuple[str, Any]]:
    return [
        (f"{each.method} {each.path}", each.answer and json.loads(each.answer.body or b"null"))
        for each in exchanges(text)
    ]


@pytest.mark.parametrize("form", FORMS)
def test_a_session(form: type[Log]) -> None:
    log = form()
    log.core()
    log.exchange("POST", CREATE, {"server": {"adminPass": "***"}}, 202, {"job_id": "8ab1"})
    log.exchange("GET", f"{HOST}/v1/p/jobs/8ab1?a=1", None, 200, {"job_id": "8ab1", "status": "SUCCESS"})
    log.exchange("DELETE", f"{HOST}/v1/p/vpcs/1", None, 204, None)
    log.core()
    created, asked, deleted = exchanges(log.text())
    assert (created.method, created.host, created.path) == (
        "POST",
        "ecs.cn-north-4.myhuaweicloud.com",
        "/v1.1/p/cloudservers",
    )
    assert (created.request_id, created.request_type, created.is_printed) == (
        "req-1",
        "application/json",
        False,
    )
    assert created.request_headers == ("Authorization", "Content-Type", "X-Project-Id")
    assert created.request_digest is not None
    assert created.answer
    assert (created.answer.status, created.answer.content_type) == (202, "application/json")
    assert (asked.path, asked.query) == ("/v1/p/jobs/8ab1", "a=1")
    assert deleted.answer
    assert (deleted.answer.status, deleted.answer.body, deleted.answer.missing) == (204, b"", None)
    times = [each for one in (created, asked, deleted) for each in (one.started, one.ended)]
    assert None not in times
    assert times == sorted(times, key=float)
    assert 1772413200 <= float(times[0] or 0) < float(times[-1] or 0) < 1772413300


@pytest.mark.parametrize("api", ["API", "OpenStack", "Openstack", "HuaweiCloud"])
@pytest.mark.parametrize("form", [ByLine, Wrapped])
def test_other_names_for_the_api(form: type[Log], api: str) -> None:
    log = form()
    log.request("POST", CREATE, {"server": {}}, api)
    log.answer(400, {"error": {"message": "m", "code": "Ecs.0005"}}, api)
    assert bodies(log.text()) == [
        ("POST /v1.1/p/cloudservers", {"error": {"message": "m", "code": "Ecs.0005"}})
    ]


def test_with_the_time_of_a_runner_before_it() -> None:
    log = ByLine()
    log.exchange("POST", CREATE, {}, 202, {"job_id": "8ab1"})
    lines = [f"2026-03-02T01:00:00.8559766Z {line}" for line in log.lines]
    assert bodies("\n".join(lines)) == [("POST /v1.1/p/cloudservers", {"job_id": "8ab1"})]


INTERLEAVED = [
    ("POST", "/v1/p/cloudservers", 202, {"job_id": "8ab1"}),
    ("GET", "/v1/p/subnets/1", 200, {"subnet": {"id": "1"}}),
    ("POST", "/v2/p/cloudvolumes", 400, {"error": {"message": "m", "code": "EVS.2024"}}),
    ("GET", "/v1/p/jobs/8ab9", 200, {"job_id": "8ab9", "status": "RUNNING"}),
    ("GET", "/v1/p/ports", 200, {"ports": []}),
]


@pytest.mark.parametrize("order", [[1, 0, 2, 3, 4], [3, 4, 1, 0, 2], [4, 3, 0, 1, 2]])
@pytest.mark.parametrize("form", [ByLine, Wrapped, AsJson, Bare])
def test_requests_of_several_at_once(form: type[Log], order: list[int]) -> None:
    log = form()
    for method, path, _, _ in INTERLEAVED:
        log.request(method, f"{HOST}{path}")
    for number in order:
        _, _, status, body = INTERLEAVED[number]
        log.answer(status, body)
    assert bodies(log.text()) == [(f"{method} {path}", body) for method, path, _, body in INTERLEAVED]


def test_parts_of_answers_at_once() -> None:
    log = ByLine()
    log.request("GET", f"{HOST}/v1/p/jobs/8ab1")
    log.request("GET", f"{HOST}/v1/p/jobs/8ab2")
    for part in ("Code: 200", f"Headers:\n{ANSWERED}"):
        log.message(f"API Response {part}")
        log.message(f"API Response {part}")
    for job_id in ("8ab2", "8ab1"):
        log.message(f"API Response Body: {pretty({'job_id': job_id, 'status': 'INIT'})}")
    assert [body["job_id"] for _, body in bodies(log.text())] == ["8ab1", "8ab2"]


def test_whose_answer_it_is_is_never_guessed() -> None:
    """Each would be called a broken answer of the other's route."""
    log = ByLine()
    log.request("POST", f"{HOST}/v1/p/cloudservers")
    log.request("POST", f"{HOST}/v2/p/cloudvolumes")
    log.answer(200, {"something": "else"})
    for each in exchanges(log.text()):
        assert each.answer
        assert each.answer.missing is Missing.NOT_CAPTURED


def test_a_token_comes_without_its_body() -> None:
    log = ByLine()
    log.request("POST", "https://iam.eu-de.otc.t-systems.com/v3/auth/tokens", {"auth": {}}, "OpenStack")
    log.answer(201, None, "OpenStack", "Content-Type: application/json\nX-Subject-Token: ***")
    log.request("POST", CREATE, {}, "OpenStack")
    log.answer(202, {"job_id": "8ab1"}, "OpenStack")
    (_, token), (_, job) = bodies(log.text())
    assert (token, job) == (None, {"job_id": "8ab1"})


def test_a_page_is_not_logged() -> None:
    log = ByLine()
    log.request("POST", CREATE, {})
    log.answer(502, None, headers="Content-Type: text/html")
    log.message("Not logging because the response body isn't JSON")
    log.request("POST", CREATE, {})
    log.answer(202, {"job_id": "8ab1"})
    page, job = exchanges(log.text())
    assert page.answer
    assert (page.answer.status, page.answer.missing) == (502, Missing.NOT_CAPTURED)
    assert job.answer
    assert job.answer.status == 202


def test_a_request_without_an_answer_is_aborted() -> None:
    log = ByLine()
    log.request("POST", CREATE, {})
    log.message("connection error, retries exhausted. Aborting")
    (only,) = exchanges(log.text())
    assert only.answer is None


def test_an_answer_without_its_request_is_damage() -> None:
    log = ByLine()
    log.answer(202, {"job_id": "8ab1"})
    log.exchange("POST", CREATE, {}, 202, {"job_id": "8ab2"})
    damage, captured = found(log.text())
    assert isinstance(damage, Damage)
    assert damage == Damage("line 1", "expected the request of an answer before it, found none")
    assert isinstance(captured, Captured)


def test_a_log_without_requests_says_how_to_get_them() -> None:
    log = ByLine()
    log.core()
    (damage,) = found(log.text())
    assert isinstance(damage, Damage)
    assert "TF_LOG=DEBUG" in damage.message


@pytest.mark.parametrize("form", FORMS)
def test_a_body_beyond_the_limit_is_cut_behind_it(form: type[Log]) -> None:
    log = form()
    log.exchange("POST", CREATE, {}, 202, {"job_id": "8ab1", "x": ["y" * 90] * 2000})
    (only,) = exchanges(log.text(), limit=1000)
    assert only.answer
    assert len(only.answer.body) == 1001


def test_many_requests_without_answers_take_little_memory() -> None:
    def lines() -> Iterator[str]:
        for number in range(2000):
            yield f"2026/03/02 09:00:00 [DEBUG] API Request URL: GET {HOST}/v1/p/jobs/{number}\n"

    items = read(io.BytesIO("".join(lines()).encode()), 1000)
    first = next(iter(items))
    assert isinstance(first, Captured)
    assert first.exchange.answer is None
    assert sum(1 for _ in items) == 1999


def test_what_is_passed_by_counts_in_the_index() -> None:
    log = Wrapped()
    log.exchange("GET", f"{HOST}/v1/p/vpcs", None, 200, {"vpcs": []})
    log.exchange("POST", CREATE, {}, 202, {"job_id": "8ab1"})
    (only,) = read(io.BytesIO(log.text().encode()), passes_by=lambda method, *_: method == "GET")
    assert isinstance(only, Captured)
    assert only.index == 1


@given(st.integers(0, 5000), st.binary(max_size=6), st.sampled_from(FORMS))
def test_never_raises(at: int, data: bytes, form: type[Log]) -> None:
    log = form()
    for _ in range(2):
        log.exchange("POST", CREATE, {}, 202, {"job_id": "8ab1"})
    text = log.text().encode()
    list(read(io.BytesIO(text[:at] + data + text[at + len(data) :])))
