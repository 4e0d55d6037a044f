"""JSON that says one thing: strict where Python's parser is lenient or gives up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmctl.files.regular_files import read_text


def read_json(path: str | Path, what: str, hint: str = "") -> Any:
    """Read a JSON file.

    Args:
        path: Name of the file.
        what: What it is, for the message, as ``'annotation file'``.
        hint: What the message says where it does not exist.

    Returns:
        Its content.

    Raises:
        FileNotFoundError: If there is nothing of that name.
        ValueError: If it is something else than a file, or :func:`parse_json` refuses it.
    """
    return parse_json(read_text(path, what, hint), f"{what} {path}")


def parse_json(text: str, place: str) -> Any:
    """Parse JSON.

    Args:
        text: The whole text.
        place: Where it is from, for the message.

    Raises:
        ValueError: If it is no JSON, has a key twice in one object (the first value would be lost),
            is nested too deeply, or has an integer too long for Python.
    """
    try:
        return json.loads(text, object_pairs_hook=_to_object)
    except RecursionError:
        raise ValueError(f"{place} is not JSON that can be read: it is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"{place} is not JSON that can be read: {error}") from None


def _to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:80]!r} stands twice in one object")
    return content
