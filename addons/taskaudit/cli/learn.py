"""`taskaudit learn`."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from taskaudit.cli.options import ConfigOption, load_config
from taskaudit.cli.output import OutputOption, file_of, write_document
from taskaudit.cli.printing import WRONG_USAGE, complain, fail, new_console, progress
from taskaudit.cli.root import app

if TYPE_CHECKING:
    from taskaudit.catalogue import Service
    from taskaudit.config.document import Document
    from taskaudit.learn.learned import Learned
NOTHING_LEARNED = 3


@app.command(
    epilog="Exit status: 0; 2 wrong usage, or an input that cannot be read or is damaged; 3 nothing to "
    "learn.\n\n[bold]taskaudit learn session.har -o my-api.yaml[/]"
)
def learn(
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Captures, logs of the addon, OpenAPI 2 or 3 (JSON or YAML): files, folders, or - for "
            "standard input.",
            show_default=False,
        ),
    ],
    service: Annotated[
        str | None, typer.Option("--service", help="Name of the service.", show_default="by its host")
    ] = None,
    merge: Annotated[
        Path | None,
        typer.Option(
            "--merge", help="A service file to add to, in place unless -o is given.", show_default=False
        ),
    ] = None,
    config: ConfigOption = None,
    output: OutputOption = None,
) -> None:
    """Write a service file for an API that the audit does not know: from captures, logs, or OpenAPI."""
    from taskaudit.config.document import ConfigError
    from taskaudit.learn.service_file import merged_text, new_in, service_text
    from taskaudit.reports.gather import name_of

    if service is not None and merge is not None:
        fail("give --service, or --merge with a file that names its service; one of the two")
    loaded = load_config(config)
    document, into = _into(merge) if merge is not None else (None, None)
    target = file_of(output if output is not None else merge, paths)
    own = service if into is None else into.service
    others = tuple(each for each in loaded.services if each.service != own)
    learned, damaged = _learned(paths, others, loaded.settings.inspection_limit)
    for message in damaged:
        complain(message)
    found = len(learned.routes)
    if into is not None:
        learned = new_in(learned, into)
    if learned.routes:
        name = own or _name_of(learned, others)
        try:
            source = f"taskaudit learn {' '.join(map(name_of, paths))}"
            described = learned.service(name, source, others)
        except ValueError:
            fail(f'--service "{name}": expected a name of small letters, digits and ._-, such as my-api')
        try:
            text = merged_text(document, learned) if document else service_text(described, learned)
        except ConfigError as error:
            fail(str(error))
        write_document(target, text)
    _tell(learned, found)
    raise typer.Exit(WRONG_USAGE if damaged else 0 if learned.routes else NOTHING_LEARNED)


def _into(path: Path) -> tuple[Document, Service]:
    from taskaudit.config.document import ConfigError, read
    from taskaudit.config.loading import load_service

    try:
        return read(path), load_service(path)
    except ConfigError as error:
        fail(str(error))


def _learned(paths: list[Path], services: tuple[Service, ...], limit: int) -> tuple[Learned, list[str]]:
    """What was learned of all, and a message for each damage. A pipe is copied first: it is read twice."""
    from taskaudit.learn.learned import Learned
    from taskaudit.learn.openapi import learn_openapi, openapi_in
    from taskaudit.learn.seen import Sources
    from taskaudit.learn.traffic import learn_traffic
    from taskaudit.offline.judge import is_pipe
    from taskaudit.reports.gather import holds_log, name_of
    from taskaudit.sources.reading import expand

    learned, damaged, names = Learned(), list[str](), dict[str, str]()
    captures, logs = list[Path](), list[Path]()
    with TemporaryDirectory() as folder:
        for given in expand(paths):
            path = _kept(given, Path(folder, str(len(names)))) if is_pipe(given) else given
            names[str(path)] = name_of(given)
            if holds_log(path):
                logs.append(path)
                continue
            try:
                published = openapi_in(path)
            except ValueError as error:
                damaged.append(f"{name_of(given)}: {error}")
                continue
            if published is None:
                captures.append(path)
            else:
                learned.include(learn_openapi(published, names[str(path)]))
        sources = Sources(captures, logs, names, services, limit)
        with progress(captures, new_console(stderr=True)) as advance:
            learned.include(learn_traffic(sources, advance))
    return learned, [*damaged, *sources.damaged]


def _kept(pipe: Path, file: Path) -> Path:
    from taskaudit.sources.reading import STDIN

    with file.open("wb") as kept, sys.stdin.buffer if pipe == STDIN else pipe.open("rb") as stream:
        shutil.copyfileobj(stream, kept)
    return file


def _name_of(learned: Learned, services: tuple[Service, ...]) -> str:
    """By the first label of the host; where a service has that name, `-learned` makes it another."""
    from taskaudit.catalogue import host_of

    label = min(map(host_of, learned.hosts), default="").partition(".")[0]
    name = re.sub(r"[^a-z0-9_.-]", "", label).lstrip("_.-") or "my-api"
    return f"{name}-learned" if any(each.service == name for each in services) else name


def _tell(learned: Learned, found: int) -> None:
    from taskaudit.learn.learned import SEEN_ONCE

    if not learned.routes:
        why = (
            "all of it is in the file already"
            if found
            else "no submission that is in no service file got a job"
        )
        left = f"; {len(learned.left_out)} not listed: {learned.left_out[0]}" if learned.left_out else ""
        complain(f"nothing to learn: {why}{left}")
        return
    queries = sum(is_query for is_query, _, _ in learned.routes)
    once = sum(said[0].startswith(SEEN_ONCE) for _, said in learned.routes.values())
    parts = [
        f"{len(learned.routes) - queries} submissions and {queries} job queries",
        f"{once} seen once" if once else "",
        f"{found - len(learned.routes)} were there already" if found > len(learned.routes) else "",
        f"{len(learned.left_out)} not listed, see the comments" if learned.left_out else "",
    ]
    complain(f"learned {'; '.join(filter(None, parts))}")
