"""What is published of a service as OpenAPI 2 or 3, in JSON or YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from taskaudit.auditor import SUBMITTING
from taskaudit.catalogue import FINAL_STATUSES, WILDCARD, JobQueryEntry, RouteEntry
from taskaudit.contract.excerpt import escape
from taskaudit.contract.job_status import OTHER_FINAL_STATUSES
from taskaudit.contract.other_ids import id_members
from taskaudit.learn.learned import IS_NAME, Learned
from taskaudit.learn.templates import operation_of, segments_of

_LARGEST = 64 * 1024 * 1024
_HEAD = 1024 * 1024
_YAML = re.compile(rb"^(?:openapi|swagger|paths)\s*:", re.MULTILINE)
_DEEPEST = 20
_JOB_ID = re.compile(r"job[-_]?id", re.IGNORECASE)


def openapi_in(path: Path) -> dict[str, Any] | None:
    """The document in a file, None where it is something else. Raises ValueError where it is damaged."""
    try:
        file = path.open("rb")
    except OSError:
        return None
    with file:
        data = file.read(_HEAD)
        is_json = data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
        if not is_json and not _YAML.search(data):
            return None
        data += file.read(_LARGEST - _HEAD)
    if is_json and b'"paths"' not in data:
        return None
    found = _json(data) if is_json else _yaml(data)
    return (
        found
        if isinstance(found, dict) and isinstance(found.get("paths"), dict) and "log" not in found
        else None
    )


def _json(data: bytes) -> Any:
    """None for what is no JSON: reading it as a capture tells what it is."""
    with suppress(ValueError, RecursionError):
        return json.loads(data)
    return None


def _yaml(data: bytes) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe").load(data)
    except (YAMLError, RecursionError, ValueError) as error:
        raise ValueError(f"not valid YAML: {' '.join(str(error).split())}") from None


def learn_openapi(document: dict[str, Any], source: str) -> Learned:
    """The operations whose success requires a `job_id`, and those that tell a job's status."""
    learned = Learned()
    base, host = _server(document)
    for path, item in document["paths"].items():
        for method, operation in _dict(_resolved(document, item)).items():
            if str(method).upper() in SUBMITTING | {"GET"} and isinstance(operation, dict):
                published = _Operation(document, str(method).upper(), base + str(path), operation)
                try:
                    _learn(learned, published, source)
                except ValueError as error:  # A path that is no template here, such as /{name}.json
                    why = re.search(r"the path template.*", str(error))
                    learned.left_out.append(
                        f"{published.method} {published.path}: {why[0] if why else error}"
                    )
    if learned.routes and host:
        learned.hosts.add(host)
    return learned


class _Operation(NamedTuple):
    document: dict[str, Any]
    method: str
    path: str
    facts: dict[str, Any]

    @property
    def template(self) -> str:
        """The path with names that the catalogue takes: `{job_id}` of `{jobId}`."""
        names: list[str] = []
        segments = []
        for segment in segments_of(self.path):
            if named := re.fullmatch(r"\{([^{}]+)\}", segment):
                plain = re.sub(r"\W", "_", named[1], flags=re.ASCII)
                name = "job_id" if _JOB_ID.fullmatch(plain) else plain
                names.append(name if name not in names else f"{name}_{len(names)}")
                segment = f"{{{names[-1]}}}"
            segments.append(segment)
        return "/" + "/".join(segments)

    @property
    def name(self) -> str:
        given = re.sub(r"[^\w.-]+", "_", str(self.facts.get("operationId") or ""), flags=re.ASCII)
        shape = tuple(None if WILDCARD.fullmatch(each) else each for each in segments_of(self.path))
        return given if IS_NAME.fullmatch(given) else operation_of(self.method, shape)

    def successes(self) -> Iterator[tuple[str, Any]]:
        """The statuses of success, each with the schema of its body; None where it has none."""
        for status, response in _dict(self.facts.get("responses")).items():
            if re.fullmatch(r"2(?:\d\d|XX)", str(status), re.IGNORECASE):
                answer = _dict(_resolved(self.document, response))
                content = _dict(answer.get("content"))
                media = next((each for name, each in content.items() if "json" in str(name)), None)
                yield str(status), _dict(media).get("schema") if content else answer.get("schema")

    def object_of(self, schema: Any, depth: int = 0) -> tuple[dict[str, Any], set[str]]:
        """The properties of an Object, and those that are required; of alternatives, by all of them."""
        found = _dict(_resolved(self.document, schema))
        properties = dict(_dict(found.get("properties")))
        required = {each for each in _list(found.get("required")) if isinstance(each, str)}
        if depth < _DEEPEST:
            for part in _list(found.get("allOf")):
                more, needed = self.object_of(part, depth + 1)
                properties |= more
                required |= needed
            for key in ("oneOf", "anyOf"):
                each = [self.object_of(part, depth + 1) for part in _list(found.get(key))]
                properties |= {name: one for more, _ in each for name, one in more.items()}
                required |= set.intersection(*(needed for _, needed in each)) if each else set()
        return properties, required

    def is_string(self, schema: Any) -> bool:
        found = _dict(_resolved(self.document, schema))
        return "string" in (kind if isinstance(kind := found.get("type", "string"), list) else [kind])


def _learn(learned: Learned, operation: _Operation, source: str) -> None:
    evidence = [f"published: {operation.name} in {escape(source)}"]
    if operation.method == "GET":
        if facts := _status(operation):
            path = operation.template
            learned.add(JobQueryEntry(path=path, operations=[operation.name], **facts), evidence)
        return
    accepted, orders, needs, loose = list[int](), dict[str, None](), False, list[str]()
    for status, schema in operation.successes():
        properties, required = operation.object_of(schema)
        job_id = properties.pop("job_id", None)
        if "job_id" in required:
            needs = True
            if not operation.is_string(job_id):
                loose.append(f"{status}: job_id is no String")
        elif status.isdigit() and (not schema or status == "204"):
            accepted.append(int(status))
        elif names := [each for each in id_members(properties) if IS_NAME.fullmatch(each)]:
            orders.update(dict.fromkeys(names))
        elif properties:
            loose.append(f"{status}: job_id is not required")
        else:
            evidence.append(f"{status}: published without members; held to job_id, too")
    if not needs:
        return
    if loose:
        learned.left_out.append(f"{operation.method} {operation.path} ({operation.name}): {', '.join(loose)}")
        return
    entry = RouteEntry(
        method=operation.method,  # type: ignore[arg-type]  # one of SUBMITTING
        path=operation.template,
        operations=[operation.name],
        order_members=list(orders),
        accepted=accepted,
    )
    learned.add(entry, evidence)


def _status(operation: _Operation) -> dict[str, Any] | None:
    """Of a query of a job: by what it is asked for, where the status is, and which are final; else None."""
    asked: dict[str, Any] = {}
    if "{job_id}" not in operation.template.split("/"):
        named = [
            _dict(_resolved(operation.document, each)) for each in _list(operation.facts.get("parameters"))
        ]
        required = [
            str(each.get("name")) for each in named if each.get("in") == "query" and each.get("required")
        ]
        of_jobs = operation.path.endswith(("/jobs", "/job"))
        name = next(
            (each for each in required if _JOB_ID.fullmatch(each) or (of_jobs and each == "id")), None
        )
        if name is None:
            return None
        asked["id_parameter"] = name
    for _, schema in operation.successes():
        properties, _ = operation.object_of(schema)
        inner = ((name, operation.object_of(each)[0]) for name, each in properties.items())
        for member, holder in ((None, properties), *inner):
            if "status" in holder and operation.is_string(holder["status"]):
                return asked | _place(operation, member, holder)
    return None


def _place(operation: _Operation, member: str | None, holder: dict[str, Any]) -> dict[str, Any]:
    statuses = _list(_dict(_resolved(operation.document, holder["status"])).get("enum"))
    names = [name for name in ("job_id", "id", "jobId") if name in holder]
    return {
        "member": member,
        "id_member": names[0] if names else "job_id",
        "final": [each for each in statuses if str(each).upper() in OTHER_FINAL_STATUSES - FINAL_STATUSES],
    }


def _server(document: dict[str, Any]) -> tuple[str, str]:
    """What paths are below, and the host."""
    servers = [_dict(each).get("url") for each in _list(document.get("servers"))]
    if isinstance(url := next(iter(servers), None), str):
        with suppress(ValueError):
            split = urlsplit(url)
            return split.path.rstrip("/"), split.hostname or ""
        return "", ""
    base, host = document.get("basePath") or document.get("base_path"), document.get("host")
    return base.rstrip("/") if isinstance(base, str) else "", host if isinstance(host, str) else ""


def _resolved(document: dict[str, Any], value: Any) -> Any:
    """What a `$ref` within the document leads to."""
    for _ in range(_DEEPEST):
        reference = value.get("$ref") if isinstance(value, dict) else None
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        value = document
        for part in reference[2:].split("/"):
            value = _dict(value).get(unquote(part).replace("~1", "/").replace("~0", "~"))
    return value


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
