"""Settings and route catalogue, read from files and held to each other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from taskaudit.catalogue import Catalogue, Service
from taskaudit.config.baseline import load_baseline
from taskaudit.config.document import ConfigError, Document, Location, quoted, read, together
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
    """Settings and catalogue from `path`, None for the shipped defaults.

    Raises ConfigError that tells all that is wrong, in all files.
    """
    own, path = path, path or default_file()
    document = read(path)
    errors: list[ConfigError] = []
    settings = Settings()
    try:
        settings = validated(Settings, document)
    except ConfigError as error:
        errors.append(error)
    before = len(errors)
    services = tuple(_services(document, path.parent, errors))
    catalogue = Catalogue(services, settings.unlisted)
    if len(errors) == before:  # Else a route may be one of a service that could not be read.
        errors += _unknown_routes(document, catalogue)
    if errors:
        raise together(errors)
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


def _services(document: Document, base: Path, errors: list[ConfigError]) -> Iterator[Service]:
    """Those that can be had; what is wrong goes to `errors`, also where other settings are wrong."""
    listed = _list(document, "catalogue", SHIPPED)
    for index, entry in enumerate(listed):
        at: Location = ("catalogue", index)
        if not isinstance(entry, str):
            continue  # The model has said so.
        if entry in listed[:index]:
            errors.append(document.error(at, f"catalogue: {quoted(entry)} is listed twice"))
        elif not _is_path(entry) and entry not in SHIPPED:
            hint = hint_of(entry, SHIPPED, "shipped services")
            errors.append(document.error(at, f"catalogue: no service is named {quoted(entry)}; {hint}"))
        else:
            try:
                yield load_service(
                    base / entry if _is_path(entry) else configs_dir() / "catalogue" / f"{entry}.yaml"
                )
            except ConfigError as error:
                errors.append(error)


def _unknown_routes(document: Document, catalogue: Catalogue) -> Iterator[ConfigError]:
    """Routes that are neither a pattern nor a path, and that no service lists."""
    known = list(dict.fromkeys(name for route in catalogue.routes for name in route_names(route.name)))
    for key in ("severities", "waivers"):
        for index, entry in enumerate(_list(document, key)):
            name = entry.get("route") if isinstance(entry, dict) else None
            if not isinstance(name, str) or is_pattern(name) or name in known:
                continue
            at: Location = (key, index, "route")
            nearest = get_close_matches(name, known, 1, 0.6)
            hint = f'did you mean "{nearest[0]}"?' if nearest else "expected a name such as ecs:CreateServers"
            yield document.error(at, f"{key_of(at)}: no service lists a route {quoted(name)}; {hint}")


def _list(document: Document, key: str, default: Sequence[object] = ()) -> Sequence[object]:
    """What the file has there, right or wrong; where that is no list, the model has said so."""
    data = document.data if isinstance(document.data, dict) else {}
    found = data.get(key, default)
    return found if isinstance(found, list | tuple) else ()


def _is_path(entry: str) -> bool:
    return "/" in entry or entry.endswith((".yaml", ".yml"))


def _digest(settings: Settings, services: Iterable[Service], known: Known | None) -> str:
    effective = settings.model_dump(exclude={"catalogue"})
    content = [effective, [service.model_dump() for service in services]]
    if known is not None:
        content.append(sorted(known.fingerprints))
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
