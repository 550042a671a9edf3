"""What ships for operators, held to the programs that will read it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fronts import free_port, replaced
from ruamel.yaml import YAML

from taskaudit.paths import configs_dir
from tests.pages import text_of
from tests.programs import output_of
from tests.record_schema import MEMBERS

CONFIGS = configs_dir()
DATA = Path(__file__).parent / "data" / "prometheus"
SHIPPERS = CONFIGS / "shippers"
EXPOSURE = 11
"""Ten times the most that `systemd-analyze security` may find: 1.1 of 10. What is left is the network."""
UNIT = "systemd/taskaudit@.service"
PROGRAM = "/opt/taskaudit/bin/taskaudit"


def test_alerts_are_rules() -> None:
    assert "SUCCESS: 8 rules found" in output_of(
        "promtool", "check", "rules", str(CONFIGS / "prometheus/alerts.yaml")
    )


def test_alerts_fire_when_they_should() -> None:
    assert "SUCCESS" in output_of("promtool", "test", "rules", str(DATA / "alerts_test.yaml"))


def test_every_alert_is_tested() -> None:
    names = re.compile(r"\balert(?:name)?: (\w+)")
    alerts = names.findall((CONFIGS / "prometheus/alerts.yaml").read_text())
    assert set(alerts) == set(names.findall((DATA / "alerts_test.yaml").read_text()))


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that is there."""
    path = tmp_path / "taskaudit@.service"
    path.write_text(replaced(UNIT, {PROGRAM: sys.executable}))
    return path


@pytest.mark.parametrize("page", ["staging.md", "store.md"])
def test_the_pages_name_the_log_that_the_unit_writes(page: str) -> None:
    (log,) = re.findall(r"--log %L(/\S+)", (CONFIGS / UNIT).read_text(encoding="utf-8"))
    assert f"/var/log{log.replace('%i', '*')}" in text_of(f"docs/{page}")


def _verified(unit: Path) -> str:
    return output_of("systemd-analyze", "verify", "--man=no", str(unit.with_name("taskaudit@ecs.service")))


def test_systemd_understands_the_unit(unit: Path) -> None:
    """It warns of what it does not know, and goes on: not a word is what is wanted."""
    assert _verified(unit) == ""
    unit.write_text(
        unit.read_text(encoding="utf-8").replace("WatchdogSec=", "WatchdogSeconds="), encoding="utf-8"
    )
    assert "WatchdogSeconds" in _verified(unit)


def test_the_unit_leaves_little_exposed(unit: Path) -> None:
    told = output_of("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", str(unit))
    assert "Overall exposure level" in told


def test_haproxy_takes_its_configuration() -> None:
    assert "Configuration file is valid" in output_of(
        "haproxy", "-c", "-f", str(CONFIGS / "haproxy/haproxy.cfg")
    )


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    config = tmp_path / "nginx.conf"
    config.write_text(replaced("nginx/nginx.conf", {"127.0.0.1:8080": f"127.0.0.1:{free_port()}"}))
    first = f"pid {tmp_path}/nginx.pid; error_log stderr;"
    assert "test is successful" in output_of("nginx", "-t", "-c", str(config), "-g", first)


def test_rsyslog_takes_its_configuration() -> None:
    told = output_of("rsyslogd", "-N1", "-f", str(SHIPPERS / "rsyslog.conf"))
    assert "error" not in told.lower()


NAMED = {
    "filebeat.yml": r"\btaskaudit\.([\w.]+)",
    "otelcol.yaml": r"\battributes\.taskaudit\.([\w.]+)",
    "vector.yaml": r"(?<=[ =(])\.(\w+\.\w+)",
}
"""How each names a member of a record. rsyslog ships lines as they are."""


def test_members_are_read_from_the_schema() -> None:
    assert {"seq", "http.method", "finding.rule", "submission.job_id", "session.totals.lost"} <= MEMBERS
    assert not MEMBERS & {"http.verb", "rule", "submission.status"}


@pytest.mark.parametrize("name", NAMED)
def test_shippers_name_members_that_there_are(name: str) -> None:
    text = (SHIPPERS / name).read_text(encoding="utf-8")
    assert isinstance(YAML(typ="safe").load(text), dict)
    named = set(re.findall(NAMED[name], text))
    assert len(named) >= 2
    assert named - MEMBERS == set()


def test_the_table_for_vector_has_columns_that_there_are() -> None:
    """The transform adds `job_id`; fields that the table does not have are skipped."""
    text = (SHIPPERS / "vector.yaml").read_text(encoding="utf-8")
    columns = re.findall(r"(\w+) (?:DateTime64|LowCardinality|String|UInt64|Nullable)\b", text)
    assert len(columns) >= 7
    assert set(columns) - MEMBERS == {"job_id"}
    assert "  .job_id = " in text


type Stage = list[tuple[str, str]]
"""Instructions, each with what follows its name."""


def _stages() -> Iterator[Stage]:
    """Of the Containerfile: the last one is the image that runs."""
    text = (CONFIGS / "container/Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    stage: Stage = []
    for line in text.splitlines():
        name, _, rest = line.partition(" ")
        if name == "FROM" and stage:
            yield stage
            stage = []
        if line and not line.startswith("#"):
            stage.append((name, rest.strip()))
    yield stage


def _instructions() -> Stage:
    return list(_stages())[-1]


def test_the_container_is_built_from_what_it_copies(tmp_path: Path) -> None:
    """And from nothing else: neither history nor environments get into it."""
    root, source = Path(__file__).parents[1], tmp_path / "source"
    source.mkdir()
    build, _ = _stages()
    for *names, to in (rest.split() for name, rest in build if name == "COPY"):
        for name in names:
            if (root / name).is_dir():
                shutil.copytree(root / name, source / to)
            else:
                shutil.copy(root / name, source / to)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    assert {"constraints.txt", "addons", "configs"} <= {path.name for path in source.iterdir()}
    assert list(tmp_path.glob("taskaudit-*.whl"))


def _words(name: str) -> list[str]:
    words: list[str] = json.loads(dict(_instructions())[name])
    return words


def test_the_container_runs_without_root() -> None:
    """By number, so that `runAsNonRoot` can tell; and nothing is done as root after that."""
    names = [name for name, _ in _instructions()]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", dict(_instructions())["USER"])
    assert names.count("USER") == 1
    assert not {"RUN", "COPY", "ADD"} & set(names[names.index("USER") :])


def test_the_container_gets_its_signals_and_keeps_its_files() -> None:
    """A list of words, not a shell: SIGTERM comes to the audit itself. What it writes is in volumes."""
    asked = shlex.join(_words("ENTRYPOINT"))
    assert asked.startswith(f"{PROGRAM} serve ")
    assert dict(_instructions())["STOPSIGNAL"] == "SIGTERM"
    written = re.findall(r"(?:--log |confdir=)(\S+)", asked)
    volumes = _words("VOLUME")
    assert len(written) == len(volumes) == 2
    assert all(any(path.startswith(volume) for volume in volumes) for path in written)
