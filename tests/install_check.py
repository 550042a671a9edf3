"""The ways to install it, tried in environments of their own: `make install-check`. It fetches packages.

Wheel and sdist are built and looked at. Each, and the checkout, is installed with pip under every Python that
there is, the wheel with pipx, the checkout beside a mitmproxy of pipx. With the newest versions of the
dependencies, and with the lowest, the core's tests run, too.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.samples import BAD_ERROR, JOB

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = 12, 19
"""Which Python 3 is looked for."""
TOOLS = ("build", "check-wheel-contents", "pipx", "twine", "uv")
RESOLUTIONS = {"newest": "highest", "lowest": "lowest-direct"}
"""What uv calls them."""
BESIDE_THE_CORE = ("live", "benchmarks", "test_packaging.py")
"""What is not run with these versions: it needs programs of the system, or times, or installs."""


class Failed(Exception):
    """A way that does not work, with what was printed."""


def run(*command: str | Path, status: int = 0, **environment: str) -> str:
    """What a command prints. Raises Failed where it ends with another status."""
    done = subprocess.run(
        [*map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"} | environment,
        cwd=tempfile.gettempdir(),
        check=False,
    )
    if done.returncode != status or "Traceback" in done.stdout:
        raise Failed(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


def pythons() -> Iterator[Path]:
    """Each Python from 3.12 on that is there, the newest patch of each: on the path, or of pyenv."""
    for minor in range(OLDEST, NEWEST):
        own = Path(sys.base_prefix) / "bin" / f"python3.{minor}"
        pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
        installed = sorted(pyenv.glob(f"versions/3.{minor}.*/bin/python"), key=_numbers)
        on_path = shutil.which(f"python3.{minor}")
        candidates = [
            *([own] if own.exists() else []),
            *reversed(installed),
            *([Path(on_path)] if on_path else []),
        ]
        for each in candidates:
            if subprocess.run([each, "-c", ""], capture_output=True, check=False).returncode == 0:
                yield each  # A shim of pyenv is on the path even where its Python is not chosen.
                break


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.parts[-3])]


def works(binaries: Path, folder: Path) -> None:
    """The program does what it is there for. Raises Failed."""
    program = binaries / "taskaudit"
    (folder / "job.json").write_text(JOB, encoding="utf-8")
    (folder / "bad.json").write_text(BAD_ERROR, encoding="utf-8")
    run(program, "--version")
    run(program, "check", folder / "job.json")
    if "TA306" not in run(program, "check", folder / "bad.json", status=1):
        raise Failed("check finds nothing")
    script = Path(run(program, "addon").strip())
    if not script.is_file() or ROOT in script.parents:
        raise Failed(f"the addon is not installed: {script}")
    run(program, "demo")


class Check:
    """What is tried, one way after the other; `folder` holds everything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tools = self.environment("tools", Path(sys.executable))
        self.uv: dict[str, str] = {"UV_CACHE_DIR": str(folder / "uv")}
        run(self.tools / "python", "-m", "pip", "install", "-q", *TOOLS)

    def environment(self, name: str, python: Path) -> Path:
        """A new environment; where its programs lie."""
        run(python, "-m", "venv", self.folder / name)
        return self.folder / name / "bin"

    def artefacts(self) -> None:
        """Wheel and sdist are built, and complete."""
        run(self.tools / "python", "-m", "build", "--outdir", self.folder / "dist", ROOT)
        run(self.tools / "twine", "check", "--strict", *self.dist())
        run(self.tools / "check-wheel-contents", self.wheel)

    def dist(self) -> list[Path]:
        return sorted((self.folder / "dist").iterdir())

    @property
    def wheel(self) -> Path:
        return next(path for path in self.dist() if path.suffix == ".whl")

    @property
    def sdist(self) -> Path:
        return next(path for path in self.dist() if path.suffix == ".gz")

    def with_pip(self, python: Path, what: Path, name: str) -> None:
        """`pip install` of something, into an environment that has nothing else."""
        binaries = self.environment(name, python)
        run(binaries / "python", "-m", "pip", "install", "-q", what)
        works(binaries, self.folder)

    def with_pipx(self, python: Path) -> None:
        """`pipx install`, and `pipx inject` beside mitmproxy, whose mitmdump then loads the addon."""
        works(self.pipx("pipx", python, ("install", self.wheel)), self.folder)
        inject = ("inject", "--include-apps", "mitmproxy", ROOT)
        binaries = self.pipx("inject", python, ("install", "mitmproxy"), inject)
        works(binaries, self.folder)
        script = run(binaries / "taskaudit", "addon").strip()
        known = run(binaries / "mitmdump", "-s", script, "--options")
        if "taskaudit_log" not in known:
            raise Failed("mitmdump does not load the addon")

    def pipx(self, name: str, python: Path, *commands: tuple[str | Path, ...]) -> Path:
        """A home of pipx, after these commands; where its programs lie."""
        home = self.folder / name
        places = {f"PIPX_{place}": str(home / place) for place in ("HOME", "BIN_DIR", "MAN_DIR")}
        for command, *more in commands:
            options = ["--python", python] if command == "install" else []
            run(self.tools / "pipx", command, *options, *more, **places)
        return home / "BIN_DIR"

    def bound(self, python: Path, versions: str) -> None:
        """The lowest or the newest versions that pyproject.toml allows, and the core's tests on them."""
        name = f"{versions}-{_minor(python)}"
        source = self.folder / f"{name}-source"
        run("git", "clone", "-q", ROOT, source)
        bounds = self.folder / f"{name}.txt"
        resolve = (
            "pip",
            "compile",
            "-q",
            "--resolution",
            RESOLUTIONS[versions],
            "--no-annotate",
            "--python",
            python,
        )
        run(self.tools / "uv", *resolve, source / "pyproject.toml", "-o", bounds, **self.uv)
        binaries = self.environment(name, python)
        install = ("pip", "install", "-q", "--python", binaries / "python", "-c", bounds)
        run(self.tools / "uv", *install, "-e", f"{source}[dev]", **self.uv)
        works(binaries, self.folder)
        left_out = [f"--ignore={source / 'tests' / name}" for name in BESIDE_THE_CORE]
        tests = ("-m", "pytest", "-q", "-n", "auto", "-p", "no:cacheprovider", "--rootdir", source, *left_out)
        run(binaries / "python", *tests, "-c", source / "pyproject.toml", source / "tests")

    def ways(self, *, quick: bool) -> Iterator[tuple[str, Callable[[], None]]]:
        """Everything that is tried, with its name."""
        found = list(pythons())
        yield "build, twine check, check-wheel-contents", self.artefacts
        for python in found:
            minor = _minor(python)
            for name, what in (("checkout", ROOT), ("wheel", self.wheel), ("sdist", self.sdist)):
                yield f"pip install {name}, {minor}", partial(self.with_pip, python, what, f"{name}-{minor}")
        yield "pipx install, pipx inject mitmproxy", partial(self.with_pipx, found[-1])
        for python in found if not quick else ():
            for versions in RESOLUTIONS:
                yield f"{versions} versions, {_minor(python)}", partial(self.bound, python, versions)


def _minor(python: Path) -> str:
    told = run(python, "-c", "import json, sys; print(json.dumps(sys.version_info[:2]))")
    return ".".join(map(str, json.loads(told)))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="install-check", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without the newest and the lowest versions")
    quick = parser.parse_args(arguments).quick
    failed = 0
    with tempfile.TemporaryDirectory(prefix="taskaudit-install-") as folder:
        for name, way in Check(Path(folder)).ways(quick=quick):
            began = time.monotonic()
            try:
                way()
            except Failed as error:
                failed += 1
                print(f"FAILED  {name}\n{error}", flush=True)
            else:
                print(f"ok      {name} ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"{failed} failed" if failed else "all ways work")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
