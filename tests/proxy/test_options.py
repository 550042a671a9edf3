"""Options that are kept once they are read are those of mitmproxy, whatever is done to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.exceptions import OptionsError
from mitmproxy.options import Options

from taskaudit.proxy.options import KeptOptions

NAMES = ("body_size_limit", "stream_large_bodies", "listen_port", "ignore_hosts", "ssl_insecure")
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "body_size_limit": st.sampled_from([None, "1k", "2m"]),
    "stream_large_bodies": st.sampled_from([None, "1", "3m"]),
    "listen_port": st.sampled_from([None, 0, 8080]),
    "ignore_hosts": st.lists(st.sampled_from(["a", "b"]), max_size=2),
    "ssl_insecure": st.booleans(),
}
STEPS = st.one_of(
    st.tuples(st.just("read"), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("reset"), st.none(), st.none()),
    *(st.tuples(st.sampled_from(["set", "refuse"]), st.just(name), VALUES[name]) for name in NAMES),
)


def made(kind: type[Options]) -> tuple[Options, list[dict[str, Any]], Callable[..., None]]:
    """Options; what those who subscribed to changes, and those who heard of all, found when told."""
    options = kind()  # type: ignore[no-untyped-call]
    options.add_option("stream_large_bodies", str | None, None, "")
    options.add_option("body_size_limit", str | None, None, "")
    told: list[dict[str, Any]] = []
    refusing: set[str] = set()

    def subscribed(_: Options, updated: set[str]) -> None:
        told.append({name: getattr(options, name) for name in NAMES})

    def heard(updated: set[str]) -> None:
        told.append({name: getattr(options, name) for name in NAMES})
        if refusing and not updated.isdisjoint(refusing):
            refusing.clear()
            raise OptionsError("no")

    def do(what: str, name: str, value: Any) -> None:
        if what == "read":
            told.append({name: getattr(options, name)})
        elif what == "reset":
            options.reset()  # type: ignore[no-untyped-call]
        elif what == "set":
            setattr(options, name, value)
        else:
            refusing.add(name)
            with pytest.raises(OptionsError):
                options.update(**{name: value})  # type: ignore[no-untyped-call]

    options.subscribe(subscribed, list(NAMES))  # type: ignore[no-untyped-call]
    options.changed.connect(heard)
    do.keeps = (subscribed, heard)  # type: ignore[attr-defined]  # Signals hold their receivers weakly.
    return options, told, do


@given(st.lists(STEPS, max_size=12))
def test_they_read_as_mitmproxys_do(steps: list[tuple[str, str, Any]]) -> None:
    plain, expected, do_plain = made(Options)
    kept, told, do_kept = made(KeptOptions)
    for step in steps:
        do_plain(*step)
        do_kept(*step)
        assert {name: getattr(kept, name) for name in NAMES} == {name: getattr(plain, name) for name in NAMES}
    assert told == expected


def test_what_is_read_again_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    options = KeptOptions()
    asked: list[str] = []
    read = Options.__getattr__

    def counted(self: Options, name: str) -> Any:
        asked.append(name)
        return read(self, name)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(Options, "__getattr__", counted)
    for _ in range(3):
        assert options.ssl_insecure is False
    assert asked == ["ssl_insecure"]
    options.ssl_insecure = True
    assert options.ssl_insecure is True


def test_what_can_be_changed_in_place_is_a_copy_each_time() -> None:
    options = KeptOptions()
    options.ignore_hosts = ["a"]
    options.ignore_hosts.append("b")
    assert options.ignore_hosts == ["a"]


def test_an_option_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="No such option: nothing"):
        _ = KeptOptions().nothing
