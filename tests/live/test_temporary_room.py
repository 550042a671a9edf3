"""A temporary folder that is really full: what cannot be put aside there is told, and no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stories import submit, write_log

ENTRY = {
    "startedDateTime": "2026-09-21T14:13:20Z",
    "request": {"method": "POST", "url": "https://ecs.example.com/v1/0123/cloudservers", "headers": []},
    "response": {
        "status": 400,
        "headers": [],
        "content": {"text": json.dumps({"error": {"code": "x" * 900}})},
    },
}


@pytest.mark.parametrize("command", ["jobs", "findings", "report", "check"])
def test_a_full_temporary_folder(command: str, tmp_path: Path, small_disk: Path) -> None:
    if command == "check":
        source = tmp_path / "capture.har"
        source.write_text(json.dumps({"log": {"entries": [ENTRY] * 20_000}}))
    else:
        source = tmp_path / "log"
        first, line, *_, last = write_log(source, [submit(0)]).read_bytes().splitlines(keepends=True)
        long = line.replace(b'"request_id":"req-1"', b'"request_id":"' + b"r" * 100_000 + b'"')
        source.write_bytes(b"".join([first, *[long] * 600, last]))
    told = subprocess.run(
        [sys.executable, "-c", "from taskaudit.cli import main; main()", command, source],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "TMPDIR": str(small_disk), "TASKAUDIT_LANG": "en"},
    )
    assert told.returncode == 2
    where = f"cannot put aside what was read in {small_disk} (TMPDIR): No space left on device"
    assert told.stderr.splitlines()[-1] == f"taskaudit: {where}"
    assert "Traceback" not in told.stderr
