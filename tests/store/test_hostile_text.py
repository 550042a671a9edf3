"""Text of the traffic in the store: it is data there, and comes out as it went in."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskaudit.config.loading import load as load_config
from taskaudit.story.story import tell
from tests.hostile import TEXTS, Planted, entries, har, log_of
from tests.tangles import command_rows, load, view_rows

SQL = {
    "sql '": "'; DROP TABLE records; --",
    'sql "': '"); DELETE FROM records; /*',
    "sql %": "%s %(x)s :x ? ?1 $1 {} \\'; --",
}


@pytest.mark.parametrize("name", [*TEXTS, *SQL])
def test_the_views_give_it_as_the_commands_do(tmp_path: Path, name: str) -> None:
    log = log_of(tmp_path / "log.ndjson", [har(tmp_path, entries(Planted((TEXTS | SQL)[name])))])
    address = str(tmp_path / "audit.db")
    read, new = load(address, [log])
    assert read == new > 20
    told = command_rows(tell([log], load_config().settings.thresholds))
    assert {view: view_rows(address, view) for view in told} == told
    assert len(view_rows(address, "records")) == new
