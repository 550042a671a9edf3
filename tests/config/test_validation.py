"""One message on a wrong file: where, what was found, what was expected, and the nearest right name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config_files import SERVICE, message, written

WRONG = [
    ("unlistd: detect", 'line 1: unknown key "unlistd"; did you mean "unlisted"?'),
    (
        "a: 1\n",
        'line 1: unknown key "a"; the keys here are unlisted, inspection_limit, catalogue, scope,',
    ),
    ("1: 2\n", 'line 1: unknown key "1"; the keys here are unlisted'),
    (
        "\n\nunlisted: detct\n",
        "line 3: unlisted: found the text \"detct\"; expected 'detect' or 'ignore'; did you mean \"detect\"?",
    ),
    ("unlisted: on\n", "line 1: unlisted: found the text \"on\"; expected 'detect' or 'ignore'"),
    ("unlisted: true\n", "line 1: unlisted: found the truth value true; expected 'detect' or 'ignore'"),
    (
        "unlisted: detect\ninspection_limit: 1M\n",
        'line 2: inspection_limit: found the text "1M"; expected a number of bytes, or a size',
    ),
    ("inspection_limit: 5\n", "line 1: inspection_limit: found the number 5; expected 1024 or more"),
    (
        "inspection_limit: 2e6\n",
        "line 1: inspection_limit: found the number 2000000.0; expected a number of bytes, or a size",
    ),
    (
        "inspection_limit: -.inf\n",
        "line 1: inspection_limit: found the number -Infinity; expected a number of bytes, or a size",
    ),
    (
        "inspection_limit: true\n",
        "line 1: inspection_limit: found the truth value true; expected a number of bytes, or a size",
    ),
    ("inspection_limit:\n", "line 1: inspection_limit: found nothing; expected a number of bytes, or a size"),
    ('instance_id: ""\n', 'line 1: instance_id: found the text ""; expected text that is not empty'),
    ("instance_id: 7\n", "line 1: instance_id: found the number 7; expected text"),
    ("catalogue: ecs\n", 'line 1: catalogue: found the text "ecs"; expected a list'),
    ("catalogue:\n  - ecs\n  - {a: b}\n", "line 3: catalogue[1]: found keys and values; expected text"),
    ("catalogue:\n  - ecs\n  - evz\n", 'line 3: catalogue: no service is named "evz"; did you mean "evs"?'),
    ("catalogue: [zzz]\n", 'line 1: catalogue: no service is named "zzz"; the shipped services are ecs, evs'),
    ("catalogue:\n- ecs\n- ecs\n", 'line 3: catalogue: "ecs" is listed twice'),
    ("unlisted: detect\n\nunlisted: ignore\n", 'line 3: the key "unlisted" is given twice, first in line 1'),
    ("catalogue:\n- {a: 1, a: 2}\n", 'line 2: the key "a" is given twice, first in line 2'),
    ("- ecs\n", "line 1: found a list; expected keys and values"),
    ("# x\njust text\n", 'line 2: found the text "just text"; expected keys and values'),
    ("unlisted: [detect\n", "line 2: not valid YAML: "),
    ("a: 1\n\tb: 2\n", "line 2: not valid YAML: found character '\\t' that cannot start any token"),
    ("a: b\n---\nc: d\n", "line 2: not valid YAML: but found another document"),
    ("unlisted: *x\n", "line 1: not valid YAML: found undefined alias 'x'"),
    ("a: 1\nb: \x01\n", "line 2: not valid YAML: "),
    (
        "unlisted: !!python/object:os.system x\n",
        'line 1: the tag "tag:yaml.org,2002:python/object:os.system"',
    ),
    ("catalogue: &a\n- *a\n", "line 1: anchors (&a) are not supported"),
    ("instance_id: &a x\n", "line 1: anchors (&a) are not supported"),
    ("? [a, b]\n: c\n", "line 1: found a list or a mapping; expected a key"),
    ("log:\n  rotate: 1\n", 'line 2: unknown key "rotate"; did you mean "rotate_bytes"?'),
    (
        "log:\n  compress: zst\n",
        "line 2: log.compress: found the text \"zst\"; expected 'none' or 'zstd'; did",
    ),
    (
        "log: {rotate_bytes: 1000}\n",
        "line 1: log.rotate_bytes: found the number 1000; expected 65536 or more",
    ),
    (
        "log:\n  rotate_bytes: 1 KB\n",
        'line 2: log.rotate_bytes: found the text "1 KB"; expected 65536 or more',
    ),
    ("log:\n  keep_days: 0d\n", 'line 2: log.keep_days: found the text "0d"; expected more than 0'),
    (
        "query_within: 5 minutes\n",
        'line 1: query_within: found the text "5 minutes"; expected a number of seconds, or a time such as',
    ),
    ("min_interval: -1s\n", 'line 1: min_interval: found the text "-1s"; expected a number of seconds, or'),
    ("log:\n  keep_files: 0\n", "line 2: log.keep_files: found the number 0; expected 1 or more"),
    ("log:\n  keep_days: .inf\n", "line 2: log.keep_days: found the number Infinity; expected a finite"),
    ("log:\n  fsync: on\n", "line 2: log.fsync: found the text \"on\"; expected 'off', 'batch' or 'each'"),
    ("log: off\n", 'line 1: log: found the text "off"; expected keys and values'),
    (b"unlisted: detect\n# caf\xe9\n", "line 2: found byte 0xe9; expected text in UTF-8"),
    ("unlisted: detect\n".encode("utf-16"), "line 1: found byte 0xff; expected text in UTF-8"),
    ('"\\u001b[2J\\u202e": 1\n', 'line 1: unknown key "\\u001b[2J\\u202e"'),
    ('"' + "x" * 500 + '": 1\n', f'line 1: unknown key "{"x" * 80}…"'),
]


@pytest.mark.parametrize(("content", "expected"), WRONG)
def test_wrong_file(tmp_path: Path, content: str | bytes, expected: str) -> None:
    told = message(written(tmp_path, content))
    assert told.startswith(f"staging.yaml, {expected}")
    assert "\n" not in told


def test_the_first_of_several_is_told(tmp_path: Path) -> None:
    told = message(written(tmp_path, "instance_id: 1\nunlisted: 2\nxyz: 3\n"))
    assert told.startswith("staging.yaml, line 1: instance_id")


WRONG_SERVICE = [
    ("    path: /tasks\n", "    pth: /tasks\n", 'line 6: unknown key "pth"; did you mean "path"?'),
    (
        "operations: [CreateTask]",
        "operations: [CreateTask]\n    acepted: [204]",
        'line 8: unknown key "acepted"; did you mean "accepted"?',
    ),
    ("provider", "provide", 'line 2: unknown key "provide"; did you mean "provider"?'),
    ("    path: /tasks\n", "", 'line 5: the key "path" is missing in submissions[0]'),
    ("source: our own API description\n", "", 'line 1: the key "source" is missing'),
    (
        "method: POST",
        "method: post",
        "line 5: submissions[0].method: found the text \"post\"; expected 'POST', 'PUT', 'PATCH' or 'DELETE'",
    ),
    ("path: /tasks\n", "path: tasks\n", 'line 6: submissions[0].path: the path template "tasks" must start'),
    (
        "/{job_id}",
        "/{id}",
        'line 9: the path template "/tasks/{id}" of a job query must',
    ),
    (
        "[CreateTask]\n",
        "[CreateTask]\n  - method: POST\n    path: /tasks\n    operations: [Again]\n",
        "line 9: the route POST /tasks is listed twice; list it once, with all its operations",
    ),
    (
        "[CreateTask]",
        "[]",
        "line 7: submissions[0].operations: found an empty list; expected at least one entry",
    ),
    ("[CreateTask]", "[Create Task]", 'line 7: submissions[0].operations[0]: found the text "Create Task"'),
    (
        "[CreateTask]",
        "[CreateTask]\n    accepted: [404]",
        "line 8: submissions[0].accepted[0]: found the number 404; expected 299 or less",
    ),
    ("provider: Example", "provider: Example\nhosts: ['*']", 'line 3: hosts[0]: "*" is not a host name'),
    (
        "provider: Example",
        "provider: Example\nproducts: [ecs.example]",
        'line 3: products[0]: found the text "ecs.example"; expected text that fits',
    ),
    (
        "  - method: POST\n    path: /tasks\n    operations: [CreateTask]",
        "  - POST",
        "line 5: submissions[0]: found",
    ),
    ("service: mine", "service: My Own", 'line 1: service: found the text "My Own"; expected text that fits'),
]


@pytest.mark.parametrize(("old", "new", "expected"), WRONG_SERVICE)
def test_wrong_service_file(tmp_path: Path, old: str, new: str, expected: str) -> None:
    written(tmp_path, SERVICE.replace(old, new, 1), "mine.yaml")
    told = message(written(tmp_path, "catalogue: [mine.yaml]\n"))
    assert told.startswith(f"mine.yaml, {expected}")
