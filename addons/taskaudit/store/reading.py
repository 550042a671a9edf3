"""The store as the story that `taskaudit jobs` and `taskaudit findings` tell."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from sqlalchemy import text

from taskaudit.lifecycle import Thresholds
from taskaudit.policy.policy import EMPTY, Policy
from taskaudit.store.database import Database
from taskaudit.story.merged import Merged
from taskaudit.story.story import Since, Story, of_all, story_of

# In the order in which each session wrote them: a finding follows its exchange.
_RECORDS = (
    "SELECT record FROM ("
    "SELECT instance_id, session_id, seq, CAST(record AS TEXT) AS record FROM records "
    "UNION ALL SELECT instance_id, session_id, seq, CAST(record AS TEXT) AS record FROM doubles"
    ") AS every_record ORDER BY instance_id, session_id, seq"
)
_AT_ONCE = 2000


def read(address: str) -> Merged:
    """All records of the store, read as several logs are. Raises StoreError."""
    merged = Merged()
    with Database(address) as database:
        database.check()
        with database.transaction(reading=True) as connection:
            found = connection.execution_options(yield_per=_AT_ONCE).execute(text(_RECORDS))
            for number, (record,) in enumerate(found, 1):
                merged.take(Path(database.name), number, [record.encode()])
    return merged


def tell_store(
    address: str,
    thresholds: Thresholds | None = None,
    policy: Policy = EMPTY,
    whole: Collection[str] | None = None,
    since: Since = of_all,
) -> Story:
    """The story of what was loaded: that of the logs themselves. Raises StoreError.

    `whole`: of which jobs every query is told, None for all. `since`: from when on findings are told.
    """
    return story_of(read(address), thresholds, policy, whole, since)
