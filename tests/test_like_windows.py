"""The commands without what Windows does not have: see `like_windows/sitecustomize.py`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.samples import BAD_ERROR, JOB
from tests.stories import ask, submit, write_log

LIKE_WINDOWS = Path(__file__).with_name("like_windows")
HAR = {
    "log": {
        "entries": [
            {
                "startedDateTime": "2026-09-21T14:13:20Z",
                "time": 250,
                "request": {
                    "method": "POST",
                    "url": "https://ecs.example.com/v1/p/cloudservers",
                    "headers": [],
                },
                "response": {
                    "status": 400,
                    "headers": [{"name": "Content-Type", "value": "application/json"}],
                    "content": {"text": '{"error": {"message": "坏 é 😀", "code": 400}}'},
                },
            }
        ]
    }
}
CONFIG = "scope:\n  hosts: [ecs.example.com]\n"


def environment(**more: str) -> dict[str, str]:
    """For a Python that has only what it has on Windows."""
    return {
        **os.environ,
        "PYTHONPATH": str(LIKE_WINDOWS),
        "PYTHONWARNDEFAULTENCODING": "1",
        "TASKAUDIT_LANG": "en",
        "COLUMNS": "100",
        **more,
    }


def run(
    folder: Path, *arguments: str, encoding: str = "utf-8", stdin: bytes = b"", **more: str
) -> tuple[int, bytes, bytes]:
    """Status, standard output and standard error of a command."""
    done = subprocess.run(
        [sys.executable, "-m", "taskaudit", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        env=environment(PYTHONIOENCODING=encoding, **more),
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode(encoding)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Captures, a log and a configuration as an editor on Windows leaves them, with `\\r\\n`."""
    folder = tmp_path_factory.mktemp("files")
    story = [submit(0, "job-1"), ask(1, "RUNNING", "job-1"), ask(2, "SUCCESS", "job-1")]
    log = write_log(folder / "as-it-was.ndjson", story)
    head = "HTTP/1.1 400 Bad Request\nContent-Type: application/json\n\n"
    texts = {
        r"C:\captures\a.har": json.dumps(HAR, ensure_ascii=False, indent=2),
        "answer.txt": head + BAD_ERROR,
        "job.json": JOB,
        "config.yaml": CONFIG,
        "today.ndjson": log.read_text(encoding="utf-8"),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\r\n")
    return folder


def test_it_is_like_windows(tmp_path: Path) -> None:
    """Else the tests below would not say anything."""
    probe = (
        "__name__ = 'taskaudit.probe'\nimport os, signal, sys\n"
        "lacking = [not hasattr(os, 'fork'), not hasattr(signal, 'SIGHUP'), sys.platform == 'win32']\n"
        "try:\n    import fcntl\nexcept ImportError:\n    lacking.append(True)\n"
        "with open('held', 'w', encoding='utf-8'):\n"
        "    try:\n        os.rename('held', 'moved')\n"
        "    except PermissionError:\n        lacking.append(True)\n"
        "print(lacking)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=tmp_path, capture_output=True, env=environment(), check=True
    )
    assert done.stdout.decode().strip() == "[True, True, True, True, True]"


COMMANDS: dict[str, tuple[list[str], int, str]] = {
    "check": (["check", r"C:\captures\a.har", "answer.txt", "--config", "config.yaml"], 1, "TA306"),
    "check json": (["check", r"C:\captures\a.har", "--format", "json"], 1, "TA306"),
    "check stdin": (["check", "-"], 2, ""),
    "jobs": (["jobs", "today.ndjson"], 0, "job-1"),
    "one job": (["jobs", "--job", "job-1", "today.ndjson"], 0, "RUNNING"),
    "findings": (["findings", "today.ndjson"], 0, ""),
    "report": (["report", "today.ndjson", r"C:\captures\a.har"], 0, "TA306"),
    "report file": (["report", "today.ndjson", "-o", "report.html"], 0, ""),
    "bug": (["bug", r"C:\captures\a.har"], 0, "TA306"),
    "bug file": (["bug", r"C:\captures\a.har", "-o", "bug.md"], 0, ""),
    "explain": (["explain", "TA306"], 0, "error-code-not-string"),
    "waivers": (["waivers", "test", "today.ndjson", "--config", "config.yaml"], 0, ""),
    "config": (["config", "check", "config.yaml"], 0, ": ok"),
    "load": (["load", "today.ndjson", "--to", "store.db"], 0, "records"),
    "jobs of a store": (["jobs", "--from", "store.db"], 0, "job-1"),
    "addon": (["addon"], 0, "audit_tasks.py"),
    "web": (["web", "--hint"], 0, "8080"),
    "not there": (["check", r"C:\captures\é😀.har"], 2, ""),
    "help": (["--help"], 0, "python -m taskaudit"),
}


@pytest.mark.parametrize(("encoding", "lang"), [("gbk", "zh"), ("cp1252", "zh")])
def test_each_command(folder: Path, tmp_path: Path, encoding: str, lang: str) -> None:
    for name in folder.iterdir():
        (tmp_path / name.name).write_bytes(name.read_bytes())
    seen = {}
    for name, (words, _, _) in COMMANDS.items():
        seen[name] = run(tmp_path, *words, encoding=encoding, TASKAUDIT_LANG=lang)
    wrong = {
        name: told
        for name, told in seen.items()
        if told[0] != COMMANDS[name][1] or COMMANDS[name][2].encode() not in told[1]
    }
    assert wrong == {}


def test_serve_says_where_it_runs(tmp_path: Path) -> None:
    status, out, err = run(tmp_path, "serve", "--log", "serve.ndjson")
    assert (status, out, list(tmp_path.iterdir())) == (2, b"", [])
    assert b"Linux and macOS" in err
    assert b"taskaudit web" in err


def test_names_with_drives_and_backslashes(folder: Path) -> None:
    capture = r"C:\captures\a.har"
    assert f"{capture}[0] POST".encode() in run(folder, "check", capture)[1]
    (told,) = run(folder, "check", capture, "--format", "json")[1].splitlines()
    assert json.loads(told)["source"] == capture
    sarif = json.loads(run(folder, "report", capture, "--format", "sarif")[1])
    assert sarif["runs"][0]["artifacts"][0]["location"]["uri"] == "file:///C:/captures/a.har"


@pytest.mark.parametrize("form", ["html", "junit", "markdown"])
def test_what_goes_into_a_pipe_is_what_goes_into_a_file(folder: Path, tmp_path: Path, form: str) -> None:
    """Whatever the encoding of the console: the document itself says that it is UTF-8."""
    words = ["report", str(folder / r"C:\captures\a.har"), "--format", form]
    piped = run(tmp_path, *words, encoding="gbk", TASKAUDIT_LANG="zh")[1]
    run(tmp_path, *words, "-o", "file", encoding="gbk", TASKAUDIT_LANG="zh")
    written = (tmp_path / "file").read_bytes()
    assert len(piped.splitlines()) == len(written.splitlines()) > 1
    assert set(piped.decode().split()) ^ set(written.decode().split()) < _times(piped, written)


def _times(*documents: bytes) -> set[str]:
    """Words in which two documents may differ: when they were made."""
    return {word for text in documents for word in text.decode().split() if any(map(str.isdigit, word))}


SHARED = """
from pathlib import Path
from taskaudit.auditor import Auditor
from taskaudit.config.loading import load
from taskaudit.offline import check

if __name__ == "__main__":
    check.cores = lambda: 2
    run = check.Check(Auditor.under(load(), 0), worth_a_process=1)
    print(len(list(run.over([Path("answer.txt"), Path("job.json")]))), run.damaged)
"""


def test_captures_are_read_by_several_processes(folder: Path, tmp_path: Path) -> None:
    script = tmp_path / "shared.py"
    script.write_text(SHARED, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script], cwd=folder, capture_output=True, env=environment(), check=False
    )
    assert done.stdout.decode().strip() == "2 0", done.stderr.decode()


WRITE = r"""
import os, sys
from pathlib import Path
from tests.stories import submit, START
from taskaudit.lifecycle import Lifecycle
from taskaudit.log import LogError, LogFile
from taskaudit.log.settings import LogSettings
from taskaudit.recording.recorder import Recorder

path = Path("today.ndjson")
log = LogFile(path, LogSettings(rotate_bytes=65536, fsync="batch", compress="zstd", keep_files=2))
try:
    LogFile(path)
except LogError as error:
    print(error)
recorder = Recorder(log, instance_id="a", mode="regular", config_digest="d" * 64, lifecycle=Lifecycle())
recorder.start()
for number in range(300):
    recorder.record(submit(number, f"job-{number}"))
recorder.stop()
LogFile(path).close()
"""


def test_a_log_that_cannot_be_renamed_grows_and_says_so(tmp_path: Path) -> None:
    """It is written as bytes, by one process at a time, and nothing is left beside it."""
    root = str(LIKE_WINDOWS.parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", WRITE],
        cwd=tmp_path,
        capture_output=True,
        env=environment(PYTHONPATH=os.pathsep.join([str(LIKE_WINDOWS), root])),
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"is in use by another audit" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["today.ndjson"]
    text = (tmp_path / "today.ndjson").read_bytes()
    assert b"\r" not in text
    records = [json.loads(line) for line in text.splitlines()]
    assert sum(record["event_type"] == "submission" for record in records) == 300
    faults = [record["fault"] for record in records if record["event_type"] == "fault"]
    assert [fault["reason"] for fault in faults] == ["rotation_failed"]
    assert "cannot be rotated, and grows" in faults[0]["message"]


def test_a_torn_line_is_saved_as_it_is(folder: Path, tmp_path: Path) -> None:
    torn = b'{"timestamp":"2026'
    path = tmp_path / "today.ndjson"
    path.write_bytes((folder / "as-it-was.ndjson").read_bytes() + torn)
    program = (
        "from taskaudit.log import LogFile; from pathlib import Path; LogFile(Path('today.ndjson')).close()"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment(), check=True)
    assert path.read_bytes() == (folder / "as-it-was.ndjson").read_bytes()
    (aside,) = tmp_path.glob("today.ndjson.partial-*")
    assert aside.read_bytes() == torn
