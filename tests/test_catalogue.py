"""Method and path to role, route and job id."""

from __future__ import annotations

import ast
import csv
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from taskaudit import catalogue as module
from taskaudit.catalogue import Catalogue, Match, Role, Route, Service, _Node
from taskaudit.config.loading import load, load_service
from taskaudit.config.settings import SHIPPED
from taskaudit.paths import configs_dir

ROOT = Path(__file__).resolve().parent.parent
NOVA = re.compile(r"/v2\.1/\{\w+\}/servers\b")
"""OpenStack's own paths, which answer a server, or nothing."""
FACTS = ROOT.parent / "shared" / "data"


def service(
    name: str,
    *submissions: str,
    queries: tuple[str, ...] = (),
    hosts: tuple[str, ...] = (),
    products: tuple[str, ...] = (),
) -> Service:
    """A service from `METHOD path` lines; each operation is named after its place."""
    return Service.model_validate(
        {
            "service": name,
            "provider": "Example",
            "source": "made up",
            "hosts": list(hosts),
            "products": list(products),
            "submissions": [
                {"method": line.split()[0], "path": line.split()[1], "operations": [f"Op{i}"]}
                for i, line in enumerate(submissions)
            ],
            "job_queries": [{"path": path, "operations": ["ShowJob"]} for path in queries],
        }
    )


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    return load().catalogue


EXAMPLES = [
    ("POST", "/v1/p/cloudservers", "ecs:CreateServers", None),
    ("post", "/v1/p/cloudservers", "ecs:CreateServers", None),
    ("POST", "/v1.1/p/cloudservers", "ecs:CreateServers", None),
    ("POST", "/v1/p/cloudservers/", "ecs:CreateServers", None),
    ("POST", "/v1//cloudservers", "ecs:CreateServers", None),
    (
        "POST",
        "/v1/p/cloudservers/action",
        "ecs:BatchRebootServers|BatchStartServers|BatchStopServers",
        None,
    ),
    ("POST", "/v1/p/cloudservers/delete", "ecs:DeleteServers", None),
    ("DELETE", "/v2/p/cloudvolumes/v", "evs:DeleteVolume", None),
    ("PUT", "/v1/cloudimages/i/upload", "ims:RegisterImage", None),
    ("GET", "/v1/p/jobs/70a599e0", "ecs:ShowJob", "70a599e0"),
    ("GET", "/v1/p/jobs/70a599e0/", "ecs:ShowJob", "70a599e0"),
    ("GET", "/v1/p/jobs/", "ecs:ShowJob", ""),
    ("GET", "/v1/p/jobs/%5Bobject%20Object%5D", "ecs:ShowJob", "[object Object]"),
    ("GET", "/v1/p/jobs/%ff", "ecs:ShowJob", "\ufffd"),
    ("GET", "/v1/cloudimages/job/j", "ims:ShowJobProgress", "j"),
]


@pytest.mark.parametrize(("method", "path", "name", "job_id"), EXAMPLES)
def test_known(shipped: Catalogue, method: str, path: str, name: str, job_id: str | None) -> None:
    match = shipped.match(method, path)
    assert match is not None
    assert (match.route.name, match.job_id) == (name, job_id)
    assert match.route.role is (Role.SUBMISSION if job_id is None else Role.JOB_QUERY)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/p/cloudservers"),
        ("POST", "/v1/p/cloudservers//"),
        ("POST", "/v1/p/CloudServers"),
        ("POST", "v1/p/cloudservers"),
        ("POST", "http://ecs.example.com/v1/p/cloudservers"),
        ("GET", "/v1/p/jobs"),
        ("GET", "/v1/p/jobs/a/b"),
        ("CONNECT", "ecs.example.com:443"),
        ("OPTIONS", "*"),
        ("POST", ""),
        ("POST", "/"),
        ("GET", "/" * 100_000),
    ],
)
def test_unknown(shipped: Catalogue, method: str, path: str) -> None:
    assert shipped.match(method, path) is None


CN, DE = "cn-north-4.myhuaweicloud.com", "eu-de.otc.t-systems.com"
JOB, JOBS_V3 = "GET /v1/p/jobs/8ab1", "GET /v3/p/jobs/8ab1"


@pytest.mark.parametrize(
    ("line", "host", "route"),
    [
        (JOB, None, "ecs:ShowJob"),
        (JOB, "proxy.example.com", "ecs:ShowJob"),
        (JOB, "127.0.0.1:8080", "ecs:ShowJob"),
        (JOB, "[::1]:8080", "ecs:ShowJob"),
        (JOB, f"ecs.{CN}", "ecs:ShowJob"),
        (JOB, f"evs.{CN}", "evs:ShowJob"),
        (JOB, "evs.eu-west-101.myhuaweicloud.eu", "evs:ShowJob"),
        (JOB, f"vpc.{CN}", "eip:ShowResourcesJobDetail"),
        (JOB, f"ecs.{DE}", "otc-ecs:ShowJob"),
        (JOB, f"ECS.{DE.upper()}.:443", "otc-ecs:ShowJob"),
        (JOB, f"EVS.{CN}:443", "evs:ShowJob"),
        (JOB, f"vbs.{DE}", "otc-vbs:ShowJob"),
        (JOB, f"dataartsstudio.{CN}", None),
        (JOB, f"cfw.{DE}", None),
        (JOB, f"{DE}.evil.example", "ecs:ShowJob"),
        (JOB, f"evs.{CN}.evil.example", "ecs:ShowJob"),
        (JOB, f"evs-{CN}", None),
        (JOB, "myhuaweicloud.com", "ecs:ShowJob"),
        (JOB, "evs." + "a." * 200 + CN, "evs:ShowJob"),
        (JOBS_V3, f"ddm.{CN}", "ddm:ShowDdmJobResult"),
        (JOBS_V3, f"cfw.{CN}", None),
        (JOBS_V3, "localhost", "ddm:ShowDdmJobResult"),
        ("GET /v2/p/jobs/8ab1", f"swr.{CN}", None),
        ("GET /v2/p/jobs/8ab1", f"modelarts.{CN}", None),
        ("GET /v2/p/jobs/8ab1", f"dcs.{CN}", "dcs:ShowJobInfo"),
        ("GET /v1/p/sfs-turbo/jobs/8ab1", f"sfs-turbo.{CN}", "sfsturbo:ShowJobDetail"),
        ("POST /v1/p/cloudservers", f"ecs.{DE}", "otc-ecs:CreateServers"),
        ("POST /v1/p/cloudservers", f"vpc.{CN}", None),
        ("POST /v1/cloudservers", "iecs.myhuaweicloud.com", "iec:CreateInstance"),
    ],
)
def test_host_tells_the_service(shipped: Catalogue, line: str, host: str | None, route: str | None) -> None:
    method, path = line.split()
    for asked in (host, lambda: host):
        match = shipped.match(method, path, asked)
        assert (match and match.route.name) == route


def test_its_own_host_goes_first_and_the_others_apply_there_too() -> None:
    first, second = service("a", "POST /x"), service("b", "POST /x", hosts=("only.example",))
    catalogue = Catalogue([first, second])
    chosen = [catalogue.match("POST", "/x", host) for host in (None, "other.example", "only.example")]
    assert [match and (match.route.service, match.is_own_host) for match in chosen] == [
        ("a", False),
        ("a", False),
        ("b", True),
    ]
    preferred = catalogue.match("POST", "/x", "only.example", prefer="a")
    assert preferred is not None
    assert (preferred.route.service, preferred.is_own_host) == ("a", False)


CLOUD = service("ecs", "POST /x", hosts=("*.cloud.example",), products=("ecs", "ecs-internal"))
MINE = service("mine", "POST /x", hosts=("api.r.cloud.example",))


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("ecs.r.cloud.example", "ecs"),
        ("ecs-internal.r.cloud.example", "ecs"),
        ("api.r.cloud.example", "mine"),
        ("rds.r.cloud.example", None),
    ],
)
def test_on_the_domains_of_a_cloud_a_service_applies_only_where_it_is_named(
    host: str, name: str | None
) -> None:
    match = Catalogue([CLOUD, MINE, service("anywhere", "POST /x")]).match("POST", "/x", host)
    assert (match and (match.route.service, match.is_own_host)) == (name and (name, True))


def test_what_a_literal_path_has_for_other_hosts_does_not_hide_a_wildcard() -> None:
    literal = service("a", "POST /v1/jobs", hosts=("*.cloud.example",), products=("a",))
    wildcard = service("b", "POST /v1/{project_id}", hosts=("*.cloud.example",), products=("b",))
    match = Catalogue([literal, wildcard]).match("POST", "/v1/jobs", "b.cloud.example")
    assert (match and match.route.service) == "b"


@pytest.mark.parametrize(
    ("host", "prefer", "found"),
    [
        (None, "evs", ("evs", False)),
        ("stand-in.example", "sdrs", ("sdrs", False)),
        ("stand-in.example", "otc-ims", ("otc-ims", False)),
        ("stand-in.example", "hcsbms", ("hcsbms", False)),
        ("stand-in.example", "dcs", ("ecs", False)),
        (f"evs.{CN}", "ecs", ("evs", True)),
        (f"evs.{CN}", "evs", ("evs", True)),
    ],
)
def test_a_service_can_be_preferred(
    shipped: Catalogue, host: str | None, prefer: str, found: tuple[str, bool]
) -> None:
    match = shipped.match("GET", "/v1/p/jobs/8ab1", host, prefer)
    assert match is not None
    assert (match.route.service, match.is_own_host, match.job_id) == (*found, "8ab1")


@pytest.mark.parametrize(
    ("host", "is_known"),
    [
        (None, True),
        ("stand-in.example", True),
        (f"ecs.{CN}", True),
        (f"vpn.{CN}", False),
        (f"deh.{CN}", False),
    ],
)
def test_whether_jobs_of_a_host_can_be_asked_for(
    shipped: Catalogue, host: str | None, is_known: bool
) -> None:
    assert shipped.has_job_query(host) is is_known


@pytest.mark.parametrize(
    ("project", "fits"),
    [
        ("0123456789abcdef0123456789abcdef", True),
        ("my-Project-7", True),
        ("", True),
        ("{project_id}", True),
        ("%7Bproject_id%7d", True),
        ("fine_tuning", False),
        ("a.b", False),
        ("projects:run", False),
    ],
)
def test_a_project_is_no_word_of_another_api(shipped: Catalogue, project: str, fits: bool) -> None:
    assert (shipped.match("GET", f"/v1/{project}/jobs/ft_8ab1") is not None) is fits
    assert (shipped.match("POST", f"/v1/{project}/cloudservers/a_b.c/attachvolume") is not None) is fits


def test_what_is_no_project_may_be_another_segment() -> None:
    first, second = service("a", "POST /{project_id}/x"), service("b", "POST /{any}/x", "POST /a_b/{any}")
    catalogue = Catalogue([first, second])
    for path, template in [("/b/x", "/{project_id}/x"), ("/b_c/x", "/{any}/x"), ("/a_b/x", "/a_b/{any}")]:
        match = catalogue.match("POST", path)
        assert (match and match.route.template) == template, path


PRECEDENCE = service("s", "POST /a/{x}/c", "POST /a/b/{y}", "POST /a/b/c", "POST /a/{x}/d", "POST /{w}/b/e")


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/a/b/c", "/a/b/c"),
        ("/a/b/d", "/a/b/{y}"),
        ("/a/z/c", "/a/{x}/c"),
        ("/a/z/d", "/a/{x}/d"),
        ("/z/b/e", "/{w}/b/e"),
        ("/a/z/e", None),
    ],
)
def test_literal_wins_and_failing_branches_are_left(path: str, template: str | None) -> None:
    match = Catalogue([PRECEDENCE]).match("POST", path)
    assert (match and match.route.template) == template


def test_routes_keep_their_facts() -> None:
    entry = {"method": "POST", "path": "/x", "operations": ["A", "B"]}
    query = {"path": "/jobs/{job_id}", "operations": ["Q"], "final": ["Stopped"]}
    made = Service.model_validate(
        {
            "service": "s",
            "provider": "p",
            "source": "q",
            "submissions": [entry | {"order_members": ["order_id"], "accepted": [204]}],
            "job_queries": [query],
        }
    )
    submission, job_query = Catalogue([made]).routes
    assert submission.name == "s:A|B"
    assert submission.allowance.order_members == {"order_id"}
    assert submission.allowance.empty_statuses == {204}
    assert submission.final_statuses == frozenset()
    assert job_query.final_statuses == {"SUCCESS", "FAIL", "STOPPED"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"path": "x"}, 'must start with "/"'),
        ({"path": "/a//b"}, "empty segment"),
        ({"path": "/a/"}, "empty segment"),
        ({"path": "/a/x{b}"}, 'one whole {name}, not "x{b}"'),
        ({"path": "/a/{}"}, 'not "{}"'),
        ({"path": "/a?b=c"}, 'not "a?b=c"'),
        ({"path": "/{a}/{a}"}, "names {a} twice"),
        ({"method": "GET"}, "'POST', 'PUT', 'PATCH' or 'DELETE'"),
        ({"operations": []}, "at least 1 item"),
        ({"accepted": [404]}, "less than or equal to 299"),
    ],
)
def test_wrong_entries_are_refused(entry: dict[str, Any], message: str) -> None:
    whole = {"method": "POST", "path": "/x", "operations": ["A"]} | entry
    with pytest.raises(ValidationError, match=re.escape(message)):
        Service.model_validate({"service": "s", "provider": "p", "source": "q", "submissions": [whole]})


def test_job_query_needs_a_job_id() -> None:
    with pytest.raises(ValidationError, match=re.escape("must have a segment {job_id}")):
        service("s", queries=("/jobs/{id}",))


def test_no_route_twice_under_other_names() -> None:
    with pytest.raises(ValidationError, match=re.escape("POST /a/{y} is listed twice, as /a/{x}")):
        service("s", "POST /a/{x}", "POST /a/{y}")
    with pytest.raises(ValidationError, match=re.escape("POST /a is listed twice;")):
        service("s", "POST /a", "POST /a")


SEGMENT = st.sampled_from(["a", "b", "{x}"])
TEMPLATE = st.lists(SEGMENT, min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(f"{{w{i}}}" if part == "{x}" else part for i, part in enumerate(parts))
)
PATH = st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=5).map(lambda p: "/" + "/".join(p))


def naive(templates: list[str], path: str) -> str | None:
    """The oracle: try every template as a regular expression, those with the earlier literals first."""
    for template in sorted(templates, key=lambda t: [part.startswith("{") for part in t.split("/")]):
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]*", template), path):
            return template
    return None


@given(st.lists(TEMPLATE, min_size=1, max_size=12, unique=True), PATH)
def test_same_as_trying_every_template(templates: list[str], path: str) -> None:
    match = Catalogue([service("s", *(f"POST {t}" for t in templates))]).match("POST", path)
    shorter = path.removesuffix("/")
    assert (match and match.route.template) == (naive(templates, path) or naive(templates, shorter))


def visits(monkeypatch: pytest.MonkeyPatch, catalogue: Catalogue, path: str) -> tuple[Match | None, int]:
    seen = []
    find = _Node.find

    def counted(self: _Node, segments: list[str], *rest: Any) -> Match | None:
        seen.append(self)
        return find(self, segments, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(_Node, "find", counted)
        return catalogue.match("POST", path), len(seen)


@pytest.mark.parametrize("path", ["/v1/p/res7/s/act7", "/v1/p/res7/s/none", "/v1/p/unknown"])
def test_cost_does_not_grow_with_the_routes(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    def sized(count: int) -> Catalogue:
        return Catalogue([service("s", *(f"POST /v1/{{p}}/res{i}/{{s}}/act{i}" for i in range(count)))])

    assert visits(monkeypatch, sized(10), path)[1] == visits(monkeypatch, sized(1000), path)[1] <= 12


def facts(name: str) -> list[dict[str, str]]:
    if not FACTS.is_dir():
        pytest.skip("the tables of published routes are not beside this checkout")
    with (FACTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def of_route(rows: list[dict[str, str]], route: Route) -> list[dict[str, str]]:
    """What is published of a route, whatever its placeholders are called."""
    return [
        row
        for row in rows
        if (row["service"], row["method"], re.sub(r"\{\w+\}", "{}", row["path"]))
        == (route.service, route.method, re.sub(r"\{\w+\}", "{}", route.template))
    ]


def test_all_known_submissions_are_listed(shipped: Catalogue) -> None:
    rows = [row for row in facts("routes") if row["tier"] == "core" and not NOVA.match(row["path"])]
    listed = {(route.service, route.method, route.template): route.role for route in shipped.routes}
    assert len(rows) > 200
    for row in rows:
        assert listed.get((row["service"], row["method"], row["path"])) is Role.SUBMISSION, row
        match = shipped.match(row["method"], re.sub(r"\{\w+\}", "x1", row["path"]))
        assert match is not None, row
        assert match.route.role is Role.SUBMISSION, row


def test_none_is_stricter_than_what_is_published_of_it(shipped: Catalogue) -> None:
    """Where `job_id` is not required, whatever else is published of the answer is a success without it."""
    rows = facts("routes")
    for route in (each for each in shipped.routes if each.role is Role.SUBMISSION):
        published = of_route(rows, route)
        assert published, route
        optional = [row for row in published if row["job_id_required"] == "no"]
        others = {name for row in published for name in row["other_members"].split(";")} - {"", "error"}
        of_service = [row["success_status"] for row in rows if row["service"] == route.service]
        general = [each for each in of_service if "generic" in each]
        told = " ".join([*general, *(row["success_status"] for row in published)])
        statuses = {int(code) for code in re.findall(r"\d+", told)}
        assert route.allowance.order_members == (others if optional else others & {"order_id"}), route
        if optional and not others:
            assert route.allowance.empty_statuses, route
        assert route.allowance.empty_statuses <= statuses, route


ENDS = {"SUCCESS", "FAIL", "COMPLETED", "FAILED", "SUCCEEDED", "FINISHED", "STOP", "ERROR"}


def test_job_queries_are_read_as_published(shipped: Catalogue) -> None:
    rows = facts("job_query_routes")
    compared = 0
    for route in (each for each in shipped.routes if each.role is Role.JOB_QUERY):
        for row in of_route(rows, route):
            said = {
                word.upper() for word in re.findall(r"\w+", row["status_enum"] + row["status_desc"], re.A)
            }
            assert said & ENDS <= route.final_statuses, route
            if members := {member.partition(":")[0] for member in row["members"].split(";")} - {""}:
                at = f"{route.shape.member}." if route.shape.member else ""
                assert {f"{at}status", at + route.shape.id_member} <= members, route
                compared += 1
    assert compared > 12


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_service_loads(name: str) -> None:
    loaded = load_service(configs_dir() / "catalogue" / f"{name}.yaml")
    assert loaded.service == name
    assert loaded.submissions or loaded.job_queries
    assert bool(loaded.hosts) is bool(loaded.products) is not name.startswith("hcs")


def test_pure() -> None:
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    assert not imported & {"mitmproxy", "logging", "time", "datetime", "pathlib", "os", "ruamel", "io"}


@pytest.mark.parametrize(
    ("path", "member", "id_member", "ends_with"),
    [
        ("/v1/p/jobs/8ab1", "", "job_id", "SUCCESS"),
        ("/v3/p/jobs", "job", "id", "COMPLETED"),
        ("/v3/p/jobs/8ab1", "job", "id", "FAILED"),
        ("/v1.0/p/graphs/g/jobs/8ab1/status", "", "jobId", "FAILED"),
        ("/v1.0/p/job/8ab1", "", "job_id", "STOP"),
    ],
)
def test_status_shapes_of_other_families_are_data(
    path: str, member: str, id_member: str, ends_with: str
) -> None:
    match = load().catalogue.match("GET", path)
    assert match is not None
    assert (match.route.shape.member, match.route.shape.id_member) == (member, id_member)
    assert ends_with in match.route.final_statuses


@pytest.mark.parametrize("query", [{"path": "/jobs"}, {"path": "/jobs/{id}"}])
def test_a_job_id_in_the_query_string_needs_no_segment(query: dict[str, str]) -> None:
    facts = {"service": "s", "provider": "p", "source": "s"}
    with pytest.raises(ValidationError, match="or an id_parameter"):
        Service.model_validate({**facts, "job_queries": [{**query, "operations": ["ShowJob"]}]})
    entry = {**query, "operations": ["ShowJob"], "id_parameter": "id"}
    assert Service.model_validate({**facts, "job_queries": [entry]}).job_queries[0].id_parameter == "id"
