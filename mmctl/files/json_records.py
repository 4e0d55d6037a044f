"""Dataclasses from parsed JSON, by the types that they declare."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from mmctl.files.shortened import shorten

Record = TypeVar("Record")

_TOO_LARGE = 2**63


def to_record(record: type[Record], content: Any, place: str) -> Record:
    """Build a dataclass from a JSON object that has just its fields, with values of their types.

    Fields with a default may be missing. Types may be ``str``, ``int``, ``float``, ``bool``,
    ``None``, unions, lists, tuples and dicts of such, and dataclasses and named tuples (objects and
    lists in JSON); ``Any`` is not looked at. Numbers must be finite, integers fit into 64 bits.

    Args:
        record: The dataclass.
        content: What was parsed.
        place: Where it is from, for the message, as ``'header a.json'``.

    Raises:
        ValueError: If it is no object, a key is missing or unknown, or a value is of another type;
            place, key, rule and value are named.
    """
    if not isinstance(content, Mapping):
        raise ValueError(f"{place} must be an object, got {shorten(content)}")
    fields = {field.name: field for field in dataclasses.fields(record)}  # type: ignore[arg-type]
    for name in content:
        if name not in fields:
            known = ", ".join(fields)
            raise ValueError(f"{place} has the unknown key {name[:80]!r}; known are {known}")
    for name, field in fields.items():
        is_required = field.default is field.default_factory is dataclasses.MISSING
        if is_required and name not in content:
            raise ValueError(f"{place} lacks the key {name!r}")
    hints = get_type_hints(record)
    values = content.items()
    return record(**{name: _convert(hints[name], v, f"{place}: {name!r}") for name, v in values})


def _convert(kind: Any, value: Any, place: str) -> Any:
    """Return a value as a type, which is text, a number, a union or a collection of such."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if type(value) is int and not -_TOO_LARGE <= value < _TOO_LARGE:
        raise ValueError(f"{place} must fit into 64 bits, got {shorten(value)}")
    if dataclasses.is_dataclass(kind):
        return to_record(kind, value, place)  # type: ignore[arg-type]
    if origin in (Union, types.UnionType):
        return _convert_union(arguments, value, place)
    if origin is dict and isinstance(value, dict):
        return {key: _convert(arguments[1], v, f"{place}[{key!r}]") for key, v in value.items()}
    if origin in (list, tuple) and isinstance(value, list):
        is_endless = origin is list or arguments[-1] is Ellipsis
        kinds = arguments[:1] * len(value) if is_endless else arguments
        return origin(_convert_items(kinds, value, place))
    if hasattr(kind, "_fields") and isinstance(value, list):  # a named tuple
        return kind(*_convert_items([*get_type_hints(kind).values()], value, place))
    if kind is float and type(value) in (int, float) and math.isfinite(value):
        return value
    # A bool is an int to Python, but no number to a reader.
    if kind in (str, int, bool, type(None)) and type(value) is kind:
        return value
    raise ValueError(f"{place} must be {_name(kind)}, got {shorten(value)}")


def _convert_union(kinds: Sequence[Any], value: Any, place: str) -> Any:
    for kind in kinds:
        try:
            return _convert(kind, value, place)
        except ValueError:
            continue
    names = " or ".join(map(_name, kinds))
    raise ValueError(f"{place} must be {names}, got {shorten(value)}")


def _convert_items(kinds: Sequence[Any], values: list[Any], place: str) -> list[Any]:
    if len(kinds) != len(values):
        raise ValueError(f"{place} must have {len(kinds)} entries, got {shorten(values)}")
    pairs = zip(kinds, values, strict=True)
    return [_convert(kind, value, f"{place}[{i}]") for i, (kind, value) in enumerate(pairs)]


def _name(kind: Any) -> str:
    plain = {str: "text", int: "an integer", float: "a finite number", bool: "true or false"}
    if kind is type(None):
        return "null"
    if kind in plain:
        return plain[kind]
    origin = get_origin(kind)
    if origin is dict:
        return "an object"
    if origin is tuple and get_args(kind)[-1] is not Ellipsis:
        return f"a list of {len(get_args(kind))}"
    return "a list"
