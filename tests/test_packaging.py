"""Wheel and sdist hold what they should, and the wheel works in an empty environment."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Callable
from email import message_from_bytes
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from taskaudit import __version__
from taskaudit.paths import configs_dir
from tests.programs import found
from tests.samples import BAD_ERROR, JOB

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PIP = ["-m", "pip", "--disable-pip-version-check", "--quiet"]

pytestmark = [
    pytest.mark.timeout(300),  # pip fetches what is not in its cache
]


def build(source: Path, folder: Path, *kinds: str) -> list[Path]:
    """What hatchling builds, sorted: the sdist has `.tar.gz`, the wheel `.whl`."""
    targets = [option for kind in kinds for option in ("-t", kind)]
    command = [sys.executable, "-m", "hatchling", "build", "-d", folder, *targets]
    subprocess.run(command, cwd=source, check=True, stdout=subprocess.DEVNULL)
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Wheel and sdist of this checkout."""
    return build(ROOT, tmp_path_factory.mktemp("dist"), "sdist", "wheel")


@pytest.fixture(scope="module")
def wheel(built: list[Path]) -> Path:
    return built[0]


@pytest.fixture(scope="module")
def unpacked(built: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is in the sdist."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(built[1]) as archive:
        archive.extractall(folder, filter="data")
    (inner,) = folder.iterdir()
    return inner


@pytest.fixture(scope="module")
def taskaudit(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[int, str]]:
    """Runs the command as it was installed into an empty environment, far from this checkout."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    binaries = folder / ("Scripts" if sys.platform == "win32" else "bin")
    constraints = ["-c", ROOT / "constraints.txt"] if (ROOT / "constraints.txt").exists() else []
    # No pip of its own, and nothing compiled beforehand: both take longer than all that is then run.
    install = [*PIP, "--python", binaries / "python", "install", "--no-compile", *constraints, wheel]
    subprocess.run([sys.executable, *install], check=True)

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


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_takes_no_other_place(wheel: Path) -> None:
    assert {name.split("/")[0] for name in contents(wheel)} == {
        "taskaudit",
        f"taskaudit-{__version__}.dist-info",
    }


def test_the_wheel_of_the_sdist_is_the_same(wheel: Path, unpacked: Path, tmp_path: Path) -> None:
    assert contents(build(unpacked, tmp_path, "wheel")[0]) == contents(wheel)


def test_the_sdist_has_what_the_tests_need(unpacked: Path) -> None:
    listed = subprocess.run([found("git"), "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    tracked = {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}
    if not tracked:
        pytest.skip("not a checkout")  # the tests of an sdist
    shipped = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert tracked - shipped <= {".editorconfig", ".python-version"}


def test_what_the_wheel_says_of_itself(wheel: Path) -> None:
    told = message_from_bytes(contents(wheel)[f"taskaudit-{__version__}.dist-info/METADATA"])
    assert told["Requires-Python"] == PROJECT["requires-python"]
    assert told["License-Expression"] == "MIT"
    wanted = {Requirement(each) for each in PROJECT["dependencies"]}
    assert {
        Requirement(each) for each in told.get_all("Requires-Dist", []) if "extra ==" not in each
    } == wanted


def test_what_is_pinned_is_allowed() -> None:
    """By name, for each Python: a dependency that is declared is pinned, within its bounds."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    pinned = {canonicalize_name(pin.name): [p for p in pins if p.name == pin.name] for pin in pins}
    for each in map(Requirement, chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())):
        versions = [str(pin.specifier)[2:] for pin in pinned.get(canonicalize_name(each.name), [])]
        assert versions, each
        assert [version for version in versions if version not in each.specifier] == [], each


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
