"""What ends a command is told to its user."""

from __future__ import annotations

import pytest

from taskaudit import cli
from taskaudit.failure import Failure
from taskaudit.spool.blocks import SpoolError


@pytest.mark.parametrize("kind", [Failure, SpoolError])
def test_it_is_told_on_standard_error(
    kind: type[Failure], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ends() -> None:
        raise kind("no room in /tmp\x1b[31m")

    monkeypatch.setattr(cli, "app", ends)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", "taskaudit: no room in /tmp\\u001b[31m\n")
