"""Captures and logs as `learn` reads them: exchanges in scope, and what cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from taskaudit.auditor import Auditor
from taskaudit.catalogue import Catalogue, Match, Route, Service
from taskaudit.contract.answer import STRICT
from taskaudit.contract.body import read_body
from taskaudit.contract.rules.audit import TA901
from taskaudit.exchange import MatchedBy
from taskaudit.log.format import Damaged as DamagedLine
from taskaudit.log.format import LogError
from taskaudit.log.reading import read_lines
from taskaudit.log.record import NotARecord, Record, decode_any
from taskaudit.offline.check import Check, Checked, Damaged
from taskaudit.processes import Advance
from taskaudit.text.terminal import damage_text


class Seen(NamedTuple):
    """An audited submission (`kind` is not None), or a query of a job by its id.

    `value`: the answer's Object; None where it has none, or in a log (`is_log`), which keeps no bodies and no
    query strings. `told`: a job's status. `rules`: those of its findings. `ids`: what else was answered.
    """

    source: str
    method: str
    host: str
    path: str
    route: Route | None
    status: int
    job_id: str
    kind: str | None
    rules: tuple[str, ...]
    told: str | None = None
    query: str = ""
    value: dict[str, Any] | None = None
    ids: tuple[str, ...] = ()
    is_log: bool = False


@dataclass(slots=True)
class Sources:
    """Captures and logs by the names they are called by; `damaged` has a message for each damage."""

    captures: Sequence[Path]
    logs: Sequence[Path]
    names: dict[str, str]
    services: tuple[Service, ...]
    limit: int
    damaged: dict[str, None] = field(default_factory=dict)

    def seen(self, draft: Service | None = None, advance: Advance | None = None) -> Iterator[Seen]:
        """What is in them; with the routes of a `draft` before those of the other services."""
        catalogue = Catalogue((draft, *self.services) if draft else self.services)
        run = Check(Auditor(catalogue, self.limit))
        for item in run.over(self.captures, advance):
            if isinstance(item, Damaged):
                self.damaged[damage_text(self._name(item.source), item.damage).plain] = None
            elif isinstance(item, Checked) and (found := self._of(item)):
                yield found
        if run.failed:
            self.damaged[
                f"the audit failed at {run.failed} exchanges ({TA901.code}); see taskaudit check"
            ] = None
        for path in self.logs:
            yield from self._of_log(path, catalogue)

    def _name(self, source: str) -> str:
        return self.names.get(source, source)

    def _of(self, item: Checked) -> Seen | None:
        outcome = item.outcome
        exchange, answer = outcome.exchange, outcome.exchange.answer
        is_by_resource = outcome.matched_by is MatchedBy.RESOURCE
        if outcome.unaudited or is_by_resource or not answer or not exchange.method or not exchange.path:
            return None
        verdict, status = outcome.verdict, outcome.status
        return Seen(
            self._name(item.source),
            exchange.method.upper(),
            exchange.host or "",
            exchange.path,
            outcome.route,
            answer.status or 0,
            outcome.job_id or "",
            verdict.kind if verdict else None,
            tuple(finding.rule for finding in outcome.findings),
            status.status if status else None,
            exchange.query,
            read_body(answer, STRICT, self.limit).value,
            verdict.ids if verdict else (),
        )

    def _of_log(self, path: Path, catalogue: Catalogue) -> Iterator[Seen]:
        try:
            for _, number, line in read_lines(path):
                try:
                    if isinstance(line, DamagedLine):
                        raise NotARecord(line.reason)
                    record = decode_any(line)
                except NotARecord as error:
                    self.damaged[f"{self._name(str(path))}, line {number}: {error}"] = None
                    continue
                if found := self._of_record(self._name(str(path)), record, catalogue):
                    yield found
        except LogError as error:
            self.damaged[str(error)] = None

    def _of_record(self, name: str, record: Record, catalogue: Catalogue) -> Seen | None:
        """What a record tells; its route is that of the services here, whatever was in force then."""
        http, body, query = record.http, record.submission, record.job_query
        told = (
            body if record.event_type == "submission" else query if record.event_type == "job_query" else None
        )
        if told is None or not http.method or not http.path:
            return None
        if query is not None and query.matched_by is MatchedBy.RESOURCE:
            return None
        match: Match | None = catalogue.match(http.method, http.path, http.host)
        return Seen(
            name,
            http.method.upper(),
            http.host or "",
            http.path,
            match.route if match else None,
            http.status or 0,
            told.job_id or "",
            body.kind if body else None,
            tuple(told.rules),
            query.status if query else None,
            is_log=True,
        )
