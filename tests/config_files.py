"""Configuration files on the spot, and what is said of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskaudit.config.document import ConfigError
from taskaudit.config.loading import load

SERVICE = """\
service: mine
provider: Example
source: our own API description
submissions:
  - method: POST
    path: /tasks
    operations: [CreateTask]
job_queries:
  - path: /tasks/{job_id}
    operations: [ShowTask]
"""


def written(tmp_path: Path, content: str | bytes, name: str = "staging.yaml") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def message(path: Path) -> str:
    with pytest.raises(ConfigError) as raised:
        load(path)
    assert raised.value.__cause__ is None
    return str(raised.value).removeprefix(str(path.parent) + "/")
