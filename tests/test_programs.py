"""On a machine with Python and make alone the tests run all the same; they say what was left out, and why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import INSTALL, PACKAGES, RIGHTS, found, lacking, summary

ROOT = Path(__file__).resolve().parent.parent
JQ = "tests/test_reference.py::test_each_question_is_answered_as_shown"
NEEDY = ("tests/test_deployment.py", JQ, "tests/live/test_report_page.py")
pytestmark = pytest.mark.timeout(300)


def bare(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """pytest without any program on its path, and without a home, a language or a time zone."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments],
        cwd=ROOT,
        env={"PATH": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_fails_to_be_collected() -> None:
    done = bare("--collect-only", "--snapshot-warn-unused")
    assert done.returncode == 0, done.stdout[-2000:]


def test_what_needs_a_program_is_skipped_and_said() -> None:
    done = bare(*NEEDY)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "promtool (2)" in done.stdout
    assert "chromium (" in done.stdout
    assert INSTALL in done.stdout


def test_it_fails_where_all_is_to_be_tested() -> None:
    done = bare("tests/test_deployment.py", TASKAUDIT_TESTS="all")
    assert done.returncode == 1
    assert "needs promtool; make system-packages installs" in done.stdout


def test_what_the_end_says() -> None:
    reasons = ["Skipped: needs jq", "Skipped: needs git", "Skipped: needs jq", f"Skipped: needs {RIGHTS}"]
    assert list(summary([*reasons, "Skipped: not a checkout"])) == [
        "3 tests were not run, for want of jq (2), git (1).",
        INSTALL,
        f"1 tests were not run: they mount file systems, which needs {RIGHTS}.",
    ]
    assert list(summary(["Skipped: not a checkout"])) == []


def test_a_program_has_to_be_asked_for() -> None:
    """Else a test of it would fail on a machine without it."""
    with pytest.raises(AssertionError, match=r"found\('git'\)"):
        subprocess.run(["git", "--version"], check=False)
    with pytest.raises(AssertionError, match="is not in"):
        found("gti")


def test_a_program_is_found_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "jq"
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert found("jq") == str(program)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("TASKAUDIT_TESTS", raising=False)
    for name in PACKAGES:
        with pytest.raises(pytest.skip.Exception, match=name):
            found(name)


def test_ci_installs_what_is_listed() -> None:
    assert "make system-packages\nexport TASKAUDIT_TESTS=all\nmake test\n" in (ROOT / ".ci/run").read_text()
    assert "\t@tests/system-packages\n" in (ROOT / "Makefile").read_text()
    assert os.access(ROOT / "tests/system-packages", os.X_OK)


def test_rights_that_are_missing_fail_where_all_is_to_be_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKAUDIT_TESTS", "all")
    with pytest.raises(pytest.fail.Exception, match=RIGHTS):
        lacking(RIGHTS)
