"""The benchmarks are no part of the tests, but they have to be there when they are asked for."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

MODULES = sorted(path.stem for path in (Path(__file__).parent / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("bench_")])
def test_each_can_be_run(name: str) -> None:
    module = importlib.import_module(f"tests.benchmarks.{name}")
    assert module.TITLE
    assert callable(getattr(module, "rows", None) or module.curves)
