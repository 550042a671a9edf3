"""What fuzzing once found stays mended, and a moment of it holds."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from taskaudit.config.loading import load
from taskaudit.sources.reading import Format, format_of
from taskaudit.sources.window import Window
from tests.fuzz import Fuzz, hold
from tests.fuzz_inputs import KINDS, SAMPLES, seeds


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue takes longer to load than an input to check."""
    config = load()
    monkeypatch.setattr("taskaudit.cli.check.load_config", lambda *_: config)


@pytest.mark.parametrize("sample", sorted(SAMPLES.iterdir()), ids=lambda path: path.name)
def test_what_was_found_stays_mended(sample: Path, tmp_path: Path) -> None:
    assert sample.name.split("-")[0] in KINDS
    for pieces in (1, 7, 64, 1000):
        hold(sample.read_bytes(), tmp_path, pieces)


def test_what_check_takes_is_among_the_seeds() -> None:
    tried = {format_of(Window(io.BytesIO(each))) for kind in KINDS for each in seeds()[kind]}
    assert tried >= set(Format) - {Format.LOG}


@pytest.mark.parametrize("kind", KINDS)
def test_a_moment_of_it(kind: str, tmp_path: Path) -> None:
    fuzz = Fuzz(tmp_path)
    fuzz.batch(kind, number=1, examples=25)
    assert fuzz.tried[kind] == 25


def test_what_breaks_is_made_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.STATUSES", frozenset({0, 1, 3}))
    fuzz = Fuzz(tmp_path)
    with pytest.raises(AssertionError):
        fuzz.batch("har", number=1, examples=100)
    assert len(fuzz.broken["har"]) < 2000
