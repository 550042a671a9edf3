"""`taskaudit waivers`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.running import run
from tests.samples import BAD_ERROR


def test_waivers_in_chinese(tmp_path: Path, log: Path, waivers: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(BAD_ERROR, encoding="utf-8")
    text = run("check", "-c", waivers, "--lang", "zh", bad).stdout
    assert "已豁免，至 2099-12-31，负责人 team-ecs：known" in text
    assert "对 TA306 /error/code 的豁免已在 2020-12-31 之后过期" in text
    assert "对 TA402 /error/code 的豁免没有用到" in text
    assert "waived" not in text
    table = run("waivers", "test", log, "-c", waivers, "--lang", "zh")
    assert "豁免：共 3 条（1 在用，1 未用到，1 已过期）" in table.stdout
    assert "seen 3" not in table.stdout
    findings = run("findings", log, "-c", waivers, "--lang", "zh")
    assert (table.exit_code, findings.exit_code) == (0, 0)


def test_waivers_test(log: Path, waivers: Path) -> None:
    table = run("waivers", "test", log, "-c", waivers)
    assert table.exit_code == 0
    assert "waivers: 3 (1 used, 1 unused, 1 expired)" in table.stdout
    assert "seen 3 = other 0 + audited 3 + unaudited 0" in table.stdout
    lines = [
        json.loads(line)
        for line in run("waivers", "test", log, "-c", waivers, "-f", "json").stdout.splitlines()
    ]
    assert [(line["rule"], line["until"], line["state"], line["count"]) for line in lines] == [
        ("TA306", "2099-12-31", "used", 1),
        ("TA402", "2099-12-31", "unused", 0),
        ("TA306", "2020-12-31", "expired", 0),
    ]


def test_waivers_test_of_a_damaged_log(log: Path, waivers: Path) -> None:
    with log.open("ab") as file:
        file.write(b"damaged\n")
    for arguments in ([], ["--format", "json"]):
        result = run("waivers", "test", log, "-c", waivers, *arguments)
        assert result.exit_code == 2
        assert "not JSON" in result.stderr
        assert "TA306" in result.stdout
