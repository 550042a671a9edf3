"""Settings and route catalogue, read from files and held to each other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from taskaudit.catalogue import Catalogue, Service
from taskaudit.config.baseline import load_baseline
from taskaudit.config.document import ConfigError, Document, Location, quoted, read
from taskaudit.config.settings import SHIPPED, Settings
from taskaudit.config.validation import hint_of, key_of, validated
from taskaudit.paths import configs_dir
from taskaudit.policy.entries import policy_of
from taskaudit.policy.policy import Known, Policy, is_pattern, route_names


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration ready for use.

    `digest` is the SHA-256 (hex) of the settings and routes in force: equal for equal meaning, whatever
    the comments, the order of keys or the place of the files. `files` are those of the user's own that it was
    read from. `baseline`: findings that were there before.
    """

    settings: Settings
    services: tuple[Service, ...]
    catalogue: Catalogue
    digest: str
    files: tuple[Path, ...] = ()
    baseline: Known | None = None

    @property
    def policy(self) -> Policy:
        """What is done with findings, whatever the day."""
        return policy_of(self.settings.severities, self.settings.waivers, self.baseline)


def load(path: Path | None = None, baseline: Path | None = None) -> Loaded:
    """Settings and catalogue from `path`, None for the shipped defaults. Raises ConfigError."""
    own, path = path, path or default_file()
    document = read(path)
    settings = validated(Settings, document)
    services = tuple(_services(settings, document, path.parent))
    catalogue = Catalogue(services, settings.unlisted)
    _check_routes(settings, document, catalogue)
    files = (own, *(path.parent / entry for entry in settings.catalogue if _is_path(entry))) if own else ()
    known = load_baseline(baseline) if baseline else None
    files = (*files, *([baseline] if baseline else []))
    return Loaded(settings, services, catalogue, _digest(settings, services, known), files, known)


def load_settings(path: Path | None = None) -> Settings:
    """The settings alone; service files are not opened. Raises ConfigError."""
    return validated(Settings, read(path or default_file()))


def load_service(path: Path) -> Service:
    """One service file. Raises ConfigError."""
    document = read(path)
    if document.data == {}:
        raise ConfigError(f"{path}: the file is empty; expected a service with its routes")
    return validated(Service, document)


def default_file() -> Path:
    """The shipped configuration, every setting at its default."""
    return configs_dir() / "default.yaml"


def _services(settings: Settings, document: Document, base: Path) -> Iterator[Service]:
    for index, entry in enumerate(settings.catalogue):
        at: Location = ("catalogue", index)
        if entry in settings.catalogue[:index]:
            raise document.error(at, f"catalogue: {quoted(entry)} is listed twice")
        if _is_path(entry):
            yield load_service(base / entry)
        elif entry in SHIPPED:
            yield load_service(configs_dir() / "catalogue" / f"{entry}.yaml")
        else:
            hint = hint_of(entry, SHIPPED, "shipped services")
            raise document.error(at, f"catalogue: no service is named {quoted(entry)}; {hint}")


def _check_routes(settings: Settings, document: Document, catalogue: Catalogue) -> None:
    """Refuses a route that is neither a pattern nor a path, and that no service lists."""
    known = list(dict.fromkeys(name for route in catalogue.routes for name in route_names(route.name)))
    for key, entries in (("severities", settings.severities), ("waivers", settings.waivers)):
        for index, entry in enumerate(entries):
            name = entry.route
            if name is None or is_pattern(name) or name in known:
                continue
            at: Location = (key, index, "route")
            nearest = get_close_matches(name, known, 1, 0.6)
            hint = f'did you mean "{nearest[0]}"?' if nearest else "expected a name such as ecs:CreateServers"
            raise document.error(at, f"{key_of(at)}: no service lists a route {quoted(name)}; {hint}")


def _is_path(entry: str) -> bool:
    return "/" in entry or entry.endswith((".yaml", ".yml"))


def _digest(settings: Settings, services: Iterable[Service], known: Known | None) -> str:
    effective = settings.model_dump(exclude={"catalogue"})
    content = [effective, [service.model_dump() for service in services]]
    if known is not None:
        content.append(sorted(known.fingerprints))
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
