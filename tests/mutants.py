"""`make mutants`: are the tests of the contract and of the life of jobs so sharp that no change passes them?

mutmut changes one thing at a time, and runs the tests that reach it. It wants the package in a folder `src`,
so it works on a copy in the folder named by the first argument; a second run there goes on where the first
one ended. Mutants that survive are printed. About 20 minutes. Tests that read the source, and those that take
long, are left out; so are tables of texts, which a test of their own holds.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MUTATED = ["src/taskaudit/contract/*", "src/taskaudit/lifecycle.py"]
TEXTS = ["src/taskaudit/contract/phrases.py", "src/taskaudit/contract/words.py"]
TESTS = ["tests/contract", "tests/test_lifecycle.py"]
LEFT_OUT = ["tests/contract/test_phrases.py", "tests/contract/test_corpus.py", "tests/contract/test_words.py"]
SLOW = "tests/contract/test_places.py::test_a_dense_mebibyte_is_read_in_one_pass"


def prepare(folder: Path) -> None:
    """A copy of what the tests need, laid out and configured for mutmut."""
    for name in ("configs", "tests"):
        shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)
    shutil.copytree(ROOT / "addons" / "taskaudit", folder / "src" / "taskaudit", dirs_exist_ok=True)
    arguments = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly", "--deselect", SLOW]
    arguments += [word for test in LEFT_OUT for word in ("--ignore", test)]
    settings = (
        (ROOT / "pyproject.toml").read_text().replace('pythonpath = [".", ', 'pythonpath = ["src", ".", ')
    )
    settings += f"""
[tool.mutmut]
source_paths = ["src"]
only_mutate = {MUTATED}
do_not_mutate = {TEXTS}
also_copy = ["configs"]
pytest_add_cli_args_test_selection = {TESTS}
pytest_add_cli_args = {arguments}
"""
    (folder / "pyproject.toml").write_text(settings)


def main() -> int:
    """1 where mutants survive."""
    folder = Path(sys.argv[1])
    prepare(folder)
    mutmut = [sys.executable, "-m", "mutmut"]
    subprocess.run([*mutmut, "run"], cwd=folder, check=True)
    told = subprocess.run([*mutmut, "results"], cwd=folder, check=True, capture_output=True, text=True).stdout
    names = [line.split(":")[0].strip() for line in told.splitlines() if ": survived" in line]
    for name in names:
        subprocess.run([*mutmut, "show", name], cwd=folder, check=True)
    print(f"{len(names)} mutants survived")
    return bool(names)


if __name__ == "__main__":
    sys.exit(main())
