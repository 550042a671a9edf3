"""TA502: what a client prints in place of a job id that it never had."""

from __future__ import annotations

import pytest

from taskaudit.contract.rules.lifecycle import is_placeholder


@pytest.mark.parametrize(
    "job_id",
    [
        "",
        " ",
        "None",
        "none",
        "null",
        "NULL",
        "nil",
        "undefined",
        "NaN",
        "nan",
        "[object Object]",
        "{job_id}",
        "{jobId}",
        "{}",
        "{{job_id}}",
        "{{ job_id }}",
        "${job_id}",
        "${JOB_ID}",
        "<job_id>",
        "<nil>",
        "<built-in function id>",
        ":job_id",
        "%job_id%",
        "%s",
        "%d",
        "job_id",
        " None\n",
    ],
)
def test_placeholders(job_id: str) -> None:
    assert is_placeholder(job_id)


@pytest.mark.parametrize(
    "job_id",
    [
        "70a599e0-31e7-49b7-b260-868f441e862b",
        "ff808082739334d80173941ad6a30f4a",
        "nullable-1",
        "none-of-them",
        "nil0",
        "0",
        "undefined1",
        "job_id-1",
        "a{b}",
        "{a}b",
        "1:2",
        "100%",
        "object",
    ],
)
def test_ids(job_id: str) -> None:
    assert not is_placeholder(job_id)
