"""`taskaudit findings`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from tests.cli.running import run


def test_findings(log: Path) -> None:
    text = run("findings", log)
    assert text.exit_code == 0
    assert "TA306 error-code-not-string (error)" in text.stdout
    assert "seen 3 = other 0 + audited 3 + unaudited 0" in text.stdout
    lines = run("findings", log, "--rule", "error-code-not-string", "-f", "json").stdout.splitlines()
    assert [json.loads(line)["rule"] for line in lines] == ["TA306"]
    rows = list(csv.DictReader(io.StringIO(run("findings", log, "--severity", "error", "-f", "csv").stdout)))
    assert {row["severity"] for row in rows} == {"error"}
    assert "no findings" in run("findings", log, "--rule", "TA001").stdout


def test_findings_of_a_damaged_log(log: Path) -> None:
    with log.open("ab") as file:
        file.write(b"damaged\n")
    result = run("findings", log)
    assert result.exit_code == 2
    assert "TA306" in result.stdout
    assert "1 line is no record" in result.stdout
    assert "not JSON" in result.stderr
