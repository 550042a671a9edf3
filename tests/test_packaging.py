"""The wheel holds what the program needs, and works in an empty environment."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from taskaudit import __version__
from taskaudit.paths import configs_dir
from tests.samples import BAD_ERROR, JOB

ROOT = Path(__file__).resolve().parent.parent
PIP = ["-m", "pip", "--disable-pip-version-check", "--quiet"]

pytestmark = [
    pytest.mark.timeout(300),  # pip fetches what is not in its cache
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, *PIP, "wheel", ROOT, "--no-deps", "-w", folder], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def taskaudit(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[int, str]]:
    """Runs the command as it was installed into an empty environment, far from this checkout."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    binaries = folder / ("Scripts" if sys.platform == "win32" else "bin")
    constraints = ["-c", ROOT / "constraints.txt"] if (ROOT / "constraints.txt").exists() else []
    subprocess.run([binaries / "python", *PIP, "install", *constraints, wheel], check=True)

    def run(*arguments: str | Path) -> tuple[int, str]:
        done = subprocess.run(
            [binaries / "taskaudit", *arguments], cwd=folder, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout

    return run


def test_what_the_wheel_holds(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    catalogue = {
        f"taskaudit/configs/catalogue/{path.name}" for path in (configs_dir() / "catalogue").iterdir()
    }
    wanted = {
        "taskaudit/py.typed",
        "taskaudit/audit_tasks.py",
        "taskaudit/configs/default.yaml",
        "taskaudit/configs/records.schema.json",
        "taskaudit/contract/rules/body.py",
        *catalogue,
    }
    assert wanted <= names
    assert not [name for name in names if "test" in name or name.endswith(".pyc")]


def test_in_an_empty_environment(taskaudit: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text(JOB, encoding="utf-8")
    (tmp_path / "bad.json").write_text(BAD_ERROR, encoding="utf-8")
    assert taskaudit("--version") == (0, f"taskaudit {__version__}\n")
    assert taskaudit("check", tmp_path / "job.json")[0] == 0
    status, text = taskaudit("check", tmp_path / "bad.json")
    assert (status, "TA306" in text) == (1, True)

    script = Path(taskaudit("addon")[1].strip())
    assert script.is_file()
    assert ROOT not in script.parents
    default = script.parent / "configs" / "default.yaml"
    status, text = taskaudit("config", "check", default)
    assert (status, ": ok; " in text) == (0, True)
