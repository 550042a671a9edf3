"""A YAML file as plain data that knows its lines; nodes are composed, not constructed, for that."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from taskaudit.contract.excerpt import escape
from taskaudit.paths import configs_dir

PARSED = "parsed.json"
"""Beside the shipped YAML files: what each holds, by the SHA-256 of its text. What is not in it is parsed."""

MAX_FILE_SIZE = 4 * 1024 * 1024
"""Bytes; a larger file is not a configuration (a log, a device)."""

_EXCERPT = 80

type Location = tuple[str | int, ...]


class ConfigError(ValueError):
    """A wrong configuration; its text is a message for who wrote the file, the first of `all`."""

    def __init__(self, message: str, *more: str) -> None:
        super().__init__(message)
        self.all = (message, *more)


def together(errors: Iterable[ConfigError]) -> ConfigError:
    """One that tells what all of these do."""
    return ConfigError(*dict.fromkeys(message for error in errors for message in error.all))


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as plain data; `text` has the lines."""

    name: str
    data: dict[str, object]
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

    def end_of_list(self, key: str) -> tuple[int, int] | None:
        """The last line of a top-level list, from 1, and the column of its dashes; None where there is none.

        Raises ConfigError where it is written in brackets.
        """
        below = _below(_composed(self.name, self.text), key)
        if below is None:
            return None
        node = last = below[1]
        if node.flow_style:
            raise self.error((key,), f"{key} is written in brackets; write each entry on a line of its own")
        while last.id != "scalar" and not last.flow_style:
            last = last.value[-1] if last.id == "sequence" else last.value[-1][1]
        return int(last.end_mark.line) + 1, int(node.start_mark.column)

    def error(self, location: Location, text: str) -> ConfigError:
        """What is wrong at a place, with the file and the line."""
        return ConfigError(f"{self.name}, line {self.line(location)}: {text}")


def read(path: Path) -> Document:
    """The document in a file. Raises ConfigError."""
    name = str(path)
    text = _text(path, name)
    if (data := _parsed().get(text_digest(text))) is not None:
        return Document(name, data, text)
    return Document(name, parse(name, text), text)


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
        raise ConfigError(f"{name}, line {_line(root)}: found {described(data)}; expected keys and values")
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
            twice = f"the key {quoted(key.value)} is given twice, first in line {lines[key.value]}"
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
        raise ConfigError(f"{name}, line {_line(node)}: the tag {quoted(tag)} is not supported")
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


def described(value: object) -> str:
    """A value as a message names it: `the text "on"`, `the number 5`, `nothing`."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    return f"{'the truth value' if isinstance(value, bool) else 'the number'} {json.dumps(value)}"


def quoted(value: object) -> str:
    """A text in quotes, short and harmless."""
    text = str(value)
    text = text if len(text) <= _EXCERPT else text[:_EXCERPT] + "…"
    escaped = json.dumps(text, ensure_ascii=False)
    return escape(escaped, len(escaped))
