"""`configs/records.schema.json`, the JSON Schema of a line of the log, from the structs that are written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import json

from taskaudit.log.record import ON_EXCHANGES, SCHEMA_VERSION, ExchangeRecord, Record

FIELDS = Record.__struct_fields__
HEADER = FIELDS[: FIELDS.index("exchange_id")]
OF_EXCHANGE = FIELDS[: FIELDS.index("http") + 1]
EVENT_TYPES = FIELDS[len(OF_EXCHANGE) :]
_OF_READING = {"default", "minimum", "maximum", "minLength", "pattern"}
"""Limits what is read, or takes the place of what is not there."""


def members_of(event_type: str) -> tuple[str, ...]:
    """The members of a record, in order."""
    return *(OF_EXCHANGE if event_type in ON_EXCHANGES else HEADER), event_type


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12): all members are there, and no others."""
    _, defs = json.schema_components([Record, ExchangeRecord], ref_template="#/$defs/{name}")
    defs.pop("Record")
    known = defs.pop("ExchangeRecord")["properties"]
    known["schema_version"] = {"const": SCHEMA_VERSION}
    mapping = {}
    for event_type in EVENT_TYPES:
        # Null in the struct that has a place for each.
        (body,) = [each for each in known[event_type]["anyOf"] if "$ref" in each]
        own = {"event_type": {"const": event_type}, event_type: body}
        name = body["$ref"].rpartition("/")[2] + "Record"
        defs[name] = {"type": "object", "properties": {m: (known | own)[m] for m in members_of(event_type)}}
        mapping[event_type] = f"#/$defs/{name}"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "taskaudit record",
        "$defs": {name: _as_written(schema) for name, schema in defs.items()},
        "discriminator": {"propertyName": "event_type", "mapping": mapping},
        "oneOf": [{"$ref": each} for each in mapping.values()],
    }


def _paths(schema: dict[str, Any], node: dict[str, Any], path: str = "") -> Iterator[str]:
    for part in (node, *node.get("anyOf", ()), *node.get("oneOf", ())):
        if "$ref" in part:
            yield from _paths(schema, schema["$defs"][part["$ref"].rpartition("/")[2]], path)
        for name, member in part.get("properties", {}).items():
            yield f"{path}{name}"
            yield from _paths(schema, member, f"{path}{name}.")


def _as_written(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_as_written(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key not in _OF_READING}
    if members := kept.get("properties"):
        properties = {name: _as_written(member) for name, member in members.items()}
        return kept | {"properties": properties, "required": [*members], "additionalProperties": False}
    return {key: _as_written(value) for key, value in kept.items()}


MEMBERS = frozenset(_paths(schema := json_schema(), schema))
"""The path of every member that a record can have: `http`, `http.method`."""
