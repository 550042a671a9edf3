"""Where the files that are shipped beside the code lie: in the wheel, or in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def configs_dir(package: Path = _PACKAGE) -> Path:
    """The directory with `default.yaml` and `catalogue/`."""
    return _shipped(package / "configs", package.parent.parent / "configs")


def addon_script(package: Path = _PACKAGE) -> Path:
    """The script that `mitmdump -s` loads."""
    return _shipped(package / "audit_tasks.py", package.parent / "audit_tasks.py")


def _shipped(in_wheel: Path, in_checkout: Path) -> Path:
    return in_wheel if in_wheel.exists() else in_checkout
