"""Settings and route catalogue from YAML; what is wrong is told in one message that says where.

A message names file, line and key, what was found and what was expected, and the nearest right name.
To add a setting: a field in `Settings` with its description, and its line in `configs/default.yaml`.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from taskaudit.catalogue import Catalogue, Service
from taskaudit.contract.answer import DEFAULT_LIMIT
from taskaudit.lifecycle import Thresholds
from taskaudit.log.settings import LogSettings
from taskaudit.paths import configs_dir
from taskaudit.policy import Policy, is_pattern, route_names
from taskaudit.policy_entries import Severities, WaiverEntry, policy_of

SHIPPED = (
    "ecs",
    "evs",
    "bms",
    "ims",
    "deh",
    "eip",
    "iec",
    "sdrs",
    "dcs",
    "ddm",
    "dws",
    "ges",
    "moderation",
    "rds",
    "sfsturbo",
    "hcsecs",
    "hcsbms",
    "hcsims",
    "otc-ecs",
    "otc-evs",
    "otc-bms",
    "otc-ims",
    "otc-sdrs",
    "otc-vbs",
)
"""The service files in `configs/catalogue/`, in order of precedence."""

PARSED = "parsed.json"
"""Beside the shipped YAML files: what each holds, by the SHA-256 of its text. What is not in it is parsed."""

MAX_FILE_SIZE = 4 * 1024 * 1024
"""Bytes; a larger file is not a configuration (a log, a device)."""

_EXCERPT = 80

_ALLOWED = Thresholds()

type Location = tuple[str | int, ...]


class ConfigError(ValueError):
    """A wrong configuration; its text is one message for the person who wrote the file."""


class ScopeSettings(BaseModel):
    """What is looked at."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    hosts: list[str] = Field(
        default=[],
        description=(
            "Hosts that are audited, by name or pattern (*.example.com); empty: all. What goes to "
            "other hosts counts as other, and `taskaudit serve` does not decrypt it."
        ),
    )


class Settings(BaseModel):
    """What can be configured."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    unlisted: Literal["detect", "ignore"] = Field(
        default="detect",
        description=(
            "What becomes of a POST, PUT, PATCH or DELETE that no service file lists. detect: audited when "
            "its answer is a JSON object with a top-level job_id or error. ignore: left alone."
        ),
    )
    inspection_limit: int = Field(
        default=DEFAULT_LIMIT,
        ge=1024,
        description="How many bytes of a response body are inspected, after its Content-Encoding is undone.",
    )
    catalogue: list[str] = Field(
        default=list(SHIPPED),
        description=(
            "Service files, in order of precedence: names of shipped ones (ecs), or paths of your own "
            "(./my-service.yaml), relative to this file."
        ),
    )
    scope: ScopeSettings = Field(default=ScopeSettings(), description="Whose traffic is looked at.")
    query_within: float = Field(
        default=_ALLOWED.query_within,
        gt=0,
        allow_inf_nan=False,
        description="Within how many seconds of its submission a job's status has to be asked for (TA501).",
    )
    min_interval: float = Field(
        default=_ALLOWED.min_interval,
        ge=0,
        allow_inf_nan=False,
        description="How many seconds have to lie between two queries of one job (TA504).",
    )
    remembered_jobs: int = Field(
        default=_ALLOWED.table_size,
        ge=1,
        description="How many jobs are followed at once, at most; the oldest ended ones are forgotten first.",
    )
    instance_id: str | None = Field(
        default=None,
        min_length=1,
        description="Name of this instance in every record of the log; null: the host name.",
    )
    severities: Severities = Field(
        default=[],
        description="Severities of rules where they are to be others, or off; the first that fits is taken.",
    )
    waivers: list[WaiverEntry] = Field(
        default=[], description="Known faults that are accepted for a time; the first that fits is taken."
    )
    log: LogSettings = Field(
        default=LogSettings(), description="When the log is rotated, kept and forced to the disk."
    )

    @property
    def thresholds(self) -> Thresholds:
        """What is allowed to clients that ask for their jobs."""
        return Thresholds(self.query_within, self.min_interval, self.remembered_jobs)

    @property
    def policy(self) -> Policy:
        """What is done with findings, whatever the day."""
        return policy_of(self.severities, self.waivers)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration ready for use.

    `digest` is the SHA-256 (hex) of the settings and routes in force: equal for equal meaning, whatever
    the comments, the order of keys or the place of the files. `files` are those of the user's own that it was
    read from.
    """

    settings: Settings
    services: tuple[Service, ...]
    catalogue: Catalogue
    digest: str
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class _Document:
    """A YAML file as plain data; `text` has the lines."""

    name: str
    data: object
    text: str

    def line(self, location: Location) -> int:
        """The line of a key or an entry, from 1; where it does not exist, of what it is missing from."""
        node, line = _composed(self.name, self.text), 1
        for part in location:
            below = _below(node, part)
            if below is None:
                break
            line, node = below
        return line

    def error(self, location: Location, text: str) -> ConfigError:
        return ConfigError(f"{self.name}, line {self.line(location)}: {text}")


def load(path: Path | None = None) -> Loaded:
    """Settings and catalogue from `path`, None for the shipped defaults. Raises ConfigError."""
    own, path = path, path or default_file()
    document = _read(path)
    settings = _validated(Settings, document)
    services = tuple(_services(settings, document, path.parent))
    catalogue = Catalogue(services, settings.unlisted)
    _check_routes(settings, document, catalogue)
    files = (own, *(path.parent / entry for entry in settings.catalogue if _is_path(entry))) if own else ()
    return Loaded(settings, services, catalogue, _digest(settings, services), files)


def load_settings(path: Path | None = None) -> Settings:
    """The settings alone; service files are not opened. Raises ConfigError."""
    return _validated(Settings, _read(path or default_file()))


def load_service(path: Path) -> Service:
    """One service file. Raises ConfigError."""
    document = _read(path)
    if document.data == {}:
        raise ConfigError(f"{path}: the file is empty; expected a service with its routes")
    return _validated(Service, document)


def settings_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a configuration file."""
    return Settings.model_json_schema() | {"$schema": "https://json-schema.org/draft/2020-12/schema"}


def default_file() -> Path:
    """The shipped configuration, every setting at its default."""
    return configs_dir() / "default.yaml"


def _services(settings: Settings, document: _Document, base: Path) -> Iterator[Service]:
    for index, entry in enumerate(settings.catalogue):
        at: Location = ("catalogue", index)
        if entry in settings.catalogue[:index]:
            raise document.error(at, f"catalogue: {_quoted(entry)} is listed twice")
        if _is_path(entry):
            yield load_service(base / entry)
        elif entry in SHIPPED:
            yield load_service(configs_dir() / "catalogue" / f"{entry}.yaml")
        else:
            hint = _hint(entry, SHIPPED, "shipped services")
            raise document.error(at, f"catalogue: no service is named {_quoted(entry)}; {hint}")


def _check_routes(settings: Settings, document: _Document, catalogue: Catalogue) -> None:
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
            raise document.error(at, f"{_key(at)}: no service lists a route {_quoted(name)}; {hint}")


def _is_path(entry: str) -> bool:
    return "/" in entry or entry.endswith((".yaml", ".yml"))


def _digest(settings: Settings, services: Iterable[Service]) -> str:
    effective = settings.model_dump(exclude={"catalogue"})
    content = [effective, [service.model_dump() for service in services]]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


# Reading YAML. Nodes are composed, not constructed: they know their lines.


def _read(path: Path) -> _Document:
    name = str(path)
    text = _text(path, name)
    if (data := _parsed().get(text_digest(text))) is not None:
        return _Document(name, data, text)
    return _Document(name, parse(name, text), text)


def parse(name: str, text: str) -> dict[str, object]:
    """The plain data of a YAML text with keys and values; `name` is for messages. Raises ConfigError."""
    try:
        root = _composed(name, text)
        if root is None or root.tag == _TAG + "null":
            return {}
        data = _plain(root, name)
    except RecursionError:
        raise ConfigError(f"{name}: nested too deeply") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{name}, line {_line(root)}: found {_described(data)}; expected keys and values")
    return data


def text_digest(text: str) -> str:
    """What a text is known by in `PARSED`."""
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _parsed() -> dict[str, dict[str, object]]:
    """What the shipped YAML files hold, by their digests; to parse them is a quarter of a start's time."""
    try:
        found: dict[str, dict[str, object]] = json.loads((configs_dir() / PARSED).read_bytes())
    except FileNotFoundError:
        return {}
    return found


def _text(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_SIZE + 1)
    except FileNotFoundError:
        raise ConfigError(f"{name}: no such file") from None
    except IsADirectoryError:
        raise ConfigError(f"{name}: found a directory; expected a YAML file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{name}: the file cannot be read: {reason}") from None
    if len(raw) > MAX_FILE_SIZE:
        raise ConfigError(f"{name}: the file is larger than {MAX_FILE_SIZE} bytes; expected a YAML file")
    return _decoded(raw, name)


def _decoded(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{raw[error.start]:02x}"
        raise ConfigError(f"{name}, line {line}: found {found}; expected text in UTF-8") from None


@lru_cache(maxsize=1)  # A message asks for several lines of one file.
def _composed(name: str, text: str) -> Any:
    # Here, because ruamel.yaml takes long to import and a program that only prints its help needs none.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about anchors, which are refused below
            return YAML(typ="safe", pure=True).compose(text)
    except YAMLError as error:
        line, problem = _problem(error, text)
        raise ConfigError(f"{name}, line {line}: not valid YAML: {problem}") from None


def _problem(error: Any, text: str) -> tuple[int, str]:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        return mark.line + 1, " ".join(str(error.problem or error.context).split())
    position = getattr(error, "position", 0)
    return text.count("\n", 0, position) + 1, " ".join(str(error).splitlines()[0].split())


def _plain(node: Any, name: str) -> object:
    """A node as plain data. Aliases are refused: a few lines of them make gigabytes."""
    if node.anchor is not None:
        raise ConfigError(f"{name}, line {_line(node)}: anchors (&{node.anchor}) are not supported")
    if node.id == "mapping":
        return _plain_mapping(node, name)
    if node.id == "sequence":
        return [_plain(entry, name) for entry in node.value]
    return _scalar(node, name)


def _plain_mapping(node: Any, name: str) -> dict[str, object]:
    found: dict[str, object] = {}
    lines: dict[str, int] = {}
    for key, value in node.value:
        if key.id != "scalar":
            raise ConfigError(f"{name}, line {_line(key)}: found a list or a mapping; expected a key")
        if key.value in lines:
            twice = f"the key {_quoted(key.value)} is given twice, first in line {lines[key.value]}"
            raise ConfigError(f"{name}, line {_line(key)}: {twice}")
        lines[key.value] = _line(key)
        found[key.value] = _plain(value, name)
    return found


_TAG = "tag:yaml.org,2002:"

_SCALARS: dict[str, Callable[[str], object]] = {
    "str": str,
    "timestamp": str,
    "null": lambda text: None,
    "bool": lambda text: text.lower() in ("true", "yes", "on"),
    "int": lambda text: int(text.replace("_", ""), 0 if text.lstrip("+-")[1:2] in tuple("xob") else 10),
    "float": lambda text: float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan")),
}


def _scalar(node: Any, name: str) -> object:
    tag = str(node.tag)
    read = _SCALARS.get(tag.removeprefix(_TAG))
    if read is None:
        raise ConfigError(f"{name}, line {_line(node)}: the tag {_quoted(tag)} is not supported")
    try:
        return read(node.value)
    except ValueError:  # a number in a notation that is not read here: let the model refuse the text
        return node.value


def _below(node: Any, part: str | int) -> tuple[int, Any] | None:
    if node is None or node.id == "scalar":
        return None
    if node.id == "sequence":
        here = isinstance(part, int) and part < len(node.value)
        return (_line(node.value[part]), node.value[part]) if here else None
    return next(((_line(key), value) for key, value in node.value if key.value == part), None)


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


# What a model says against the data, in words for the person who wrote the file.


def _validated[Model: BaseModel](model: type[Model], document: _Document) -> Model:
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems = error.errors(include_url=False)
    # A missing key last: where another one is misspelt, that is the cause.
    first = min(problems, key=lambda p: (p["type"] == "missing", document.line(_location(p))))
    raise document.error(_location(first), _told(model, first))


def _location(details: ErrorDetails) -> Location:
    at: Location = details.get("ctx", {}).get("at", ())
    return details["loc"] + at


def _told(model: type[BaseModel], details: ErrorDetails) -> str:
    kind, location = details["type"], details["loc"]
    if kind == "extra_forbidden":
        keys = tuple(_model_at(model, location[:-1]).model_fields)
        return f"unknown key {_quoted(location[-1])}; {_hint(str(location[-1]), keys, 'keys here')}"
    if kind == "missing":
        return f'the key "{location[-1]}" is missing{_within(location)}'
    if kind == "value_error":
        return f"{_key(location)}: {details['ctx']['error']}"
    if kind in ("route_twice", "no_job_id", "never_reached"):
        return details["msg"]
    return f"{_key(location)}: found {_described(details['input'])}; {_expected(details)}"


_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "greater_than": "more than {gt}",
    "list_type": "a list",
    "model_type": "keys and values",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "too_short": "at least one entry",
    "string_too_short": "text that is not empty",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "text that fits {pattern}",
    "literal_error": "{expected}",
}


def _expected(details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    form = _EXPECTED.get(details["type"])
    if form is None:
        return details["msg"]
    expected = f"expected {form.format(**context)}"
    nearest = get_close_matches(
        str(details["input"]), str(context.get("expected", "")).split("'")[1::2], 1, 0.5
    )
    return f'{expected}; did you mean "{nearest[0]}"?' if nearest else expected


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel]:
    kind: Any = model
    for part in location:
        kind = get_args(kind)[0] if isinstance(part, int) else kind.model_fields[part].annotation
    found: type[BaseModel] = kind
    return found


def _key(location: Location) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")


def _within(location: Location) -> str:
    return f" in {_key(location[:-1])}" if location[:-1] else ""


def _hint(name: str, known: Iterable[str], what: str) -> str:
    known = tuple(known)
    nearest = get_close_matches(name.lower(), known, 1, 0.6)
    return f'did you mean "{nearest[0]}"?' if nearest else f"the {what} are {', '.join(known)}"


def _described(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, str):
        return f"the text {_quoted(value)}"
    return f"{'the truth value' if isinstance(value, bool) else 'the number'} {json.dumps(value)}"


def _quoted(value: object) -> str:
    text = str(value)
    text = text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"
    escaped = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped)
