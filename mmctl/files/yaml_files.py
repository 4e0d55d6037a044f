"""YAML of plain values, each name once."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from mmctl.files.regular_files import check_regular, read_text

MAX_BYTES = 1 << 18
"""Of a YAML file that a person writes: the parser takes a few seconds for as much."""


class StrictLoader(yaml.SafeLoader):
    """Read plain values only, and no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return a mapping; a key that stands twice is an error of YAML's own kind."""
        names = [(key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        seen: set[tuple[str, str]] = set()
        for name in names:
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name[1]!r} stands twice in one mapping", node.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)


class _PlainLoader(StrictLoader):
    """Read what JSON has as JSON does, and no references to other values."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Return a node; a reference is refused, because a few of them are a file without end."""
        if self.check_event(yaml.events.AliasEvent):
            event = self.get_event()
            raise yaml.constructor.ConstructorError(
                None, None, f"the reference *{event.anchor} is not read", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return a mapping whose keys are texts."""
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(
                    None, None, "the keys of a mapping must be texts", key.start_mark
                )
        return super().construct_mapping(node, deep)


# MMEngine writes tuples so when it saves a config as YAML.
StrictLoader.add_constructor(
    "tag:yaml.org,2002:python/tuple",
    lambda loader, node: tuple(loader.construct_sequence(node, deep=True)),
)
# Everything else is text, as in JSON: YAML's dates forget how far from UTC a clock is, its yes and
# no are truth values, 010 is 8 and 12:30 is 750.
_PlainLoader.yaml_implicit_resolvers = {}
for _kind, _spelling, _first in (
    ("null", r"(null|~|)$", ["n", "~", ""]),
    ("bool", r"(true|false)$", ["t", "f"]),
    ("int", r"-?(0|[1-9][0-9]*)$", list("-0123456789")),
    (
        "float",
        r"-?((0|[1-9][0-9]*)[.][0-9]+([eE][-+]?[0-9]+)?|[.]inf|[.]nan)$",
        list("-.0123456789"),
    ),
):
    _PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(_spelling), _first)


def read_yaml(path: str | Path, what: str, hint: str = "") -> Any:
    """Read a YAML file of plain values: those that JSON has.

    Args:
        path: Name of the file.
        what: What it is, for the message, as ``'camera list'``.
        hint: What the message says where it does not exist.

    Returns:
        Its content; what looks like a date is text.

    Raises:
        FileNotFoundError: If there is nothing of that name.
        ValueError: If it is something else than a file, larger than :data:`MAX_BYTES`, no YAML of
            plain values, has a key twice in one mapping, or refers to its own values; the line is
            named.
    """
    size = check_regular(path, what, hint).stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"{what} {path} must be at most {MAX_BYTES:,} bytes of YAML, got {size:,}")
    text = read_text(path, what, hint)
    try:
        return yaml.load(text, Loader=_PlainLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}" if mark else ""
        reason = " ".join(str(error.problem or error.context).split())
    except yaml.YAMLError as error:
        place, reason = "", " ".join(str(error).split())
    except RecursionError:
        place, reason = "", "it is nested too deeply"
    except (ValueError, OverflowError, AttributeError, TypeError, KeyError) as error:
        # Some values look like numbers to the parser and are none to Python.
        place, reason = "", f"a value cannot be read: {' '.join(str(error).split())[:200]}"
    raise ValueError(f"{what} {path}{place} is not YAML that can be read: {reason}")
