"""Overrides of a config: the values of ``--cfg-options`` and the places that they go to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config, DictAction

from mmctl.files import shorten

_LONGEST = 200
_DICT = re.compile(r"\s*(\{|(dict|OrderedDict|ConfigDict)\s*\()")
_CLOSING = {"(": ")", "[": "]"}
_QUOTES = "'\""


def parse_option(item: str, flag: str = "--cfg-options") -> tuple[str, Any]:
    """Parse ``key.sub=value``: a number, True, False, None, text, or a list or tuple of these.

    Text in quotes keeps its commas and brackets; spaces within text are kept.

    Args:
        item: One override of the command line.
        flag: What it was given to, for messages.

    Returns:
        The dotted path and the value.

    Raises:
        ValueError: If it is no such pair; the message names it.
    """
    key, equals, text = item.partition("=")
    if not equals or not all(key.split(".")):
        raise ValueError(f"{flag} takes key.sub=value pairs, got {shorten(item)}")
    try:
        return key, _parse_value(text)
    except ValueError as error:
        raise ValueError(f"{flag} {item[:_LONGEST]}: {error}") from None


def _parse_value(text: str) -> Any:
    text = text.strip()
    if _DICT.match(text):
        raise ValueError(
            "a dict is given key by key, as in a.b=1 a.c=2 (a.type=Name names another class; "
            "a._delete_=True first drops what is there)"
        )
    items = _split(text)
    if len(items) > 1:
        return [_parse_value(item) for item in items if item.strip() or item is not items[-1]]
    if text[:1] not in _CLOSING:
        return DictAction._parse_int_float_bool(_unquote(text))
    if text[-1] != _CLOSING[text[0]]:
        raise ValueError(f"nothing may follow a closed bracket, got {shorten(text)}")
    items = _split(text[1:-1])
    values = [_parse_value(item) for item in items if item.strip() or item is not items[-1]]
    return tuple(values) if text[0] == "(" else values


def _unquote(text: str) -> str:
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES
    return text[1:-1] if is_quoted else text


def _split(text: str) -> list[str]:
    """Split at the commas outside of brackets and quotes."""
    open_brackets: list[str] = []
    items, start, quote = [], 0, ""
    for index, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in _QUOTES and text[:index].rstrip()[-1:] in ("", ",", *_CLOSING):
            quote = sign
        elif sign in _CLOSING:
            open_brackets.append(_CLOSING[sign])
        elif sign in _CLOSING.values() and (not open_brackets or open_brackets.pop() != sign):
            raise ValueError(f"brackets must be closed as they were opened, got {shorten(text)}")
        elif sign == "," and not open_brackets:
            items.append(text[start:index])
            start = index + 1
    if open_brackets or quote:
        raise ValueError(
            f"brackets and quotes must be closed (a text in quotes may have any), got "
            f"{shorten(text)}"
        )
    return [*items, text[start:]]


def apply_overrides(cfg: Config, options: Mapping[str, Any]) -> None:
    """Change values of a config.

    Args:
        cfg: The config; it is changed in place.
        options: Values by dotted path; numbers in a path count items of lists.

    Raises:
        ValueError: If a path leads nowhere in this config; the message names it.
    """
    for option in options:
        keys = option.split(".")
        for end in range(1, len(keys)):
            if ".".join(keys[:end]) in options:
                raise ValueError(
                    f"--cfg-options {option}: {'.'.join(keys[:end])} is overridden as a whole as "
                    "well, give one of them"
                )
        _check_path(cfg, option, options[option])
    cfg.merge_from_dict(dict(options))


def _check_path(cfg: Config, option: str, value: Any) -> None:
    *parents, last = option.split(".")
    place: Any = cfg._cfg_dict
    for depth, key in enumerate([*parents, last]):
        path = ".".join([*parents, last][:depth])
        if isinstance(place, Sequence) and not isinstance(place, str):
            if not key.isdecimal() or int(key) >= len(place):
                raise ValueError(
                    f"--cfg-options {option}: {path} is a list of {len(place)}, whose items are "
                    f"numbered from 0, got {key!r}"
                )
            place = place[int(key)]
            if depth == len(parents) and not isinstance(value, Mapping):
                raise ValueError(
                    f"--cfg-options {option}: an item of a list cannot be replaced: give the whole "
                    f"list, as {path}=[...], or a key of the item, as {option}.key=..."
                )
        elif isinstance(place, Mapping):
            if key not in place:
                return
            place = place[key]
        else:
            raise ValueError(
                f"--cfg-options {option}: {path} must be a dict or list to have {key!r} in it, "
                f"it is {place!r}"
            )
