"""Where a name is registered that a config looks for in vain."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine import registry as root
from mmengine.registry import Registry


def describe_unknown_type(kind: str) -> str:
    """Say what may be the matter with a type that its registry does not know.

    Args:
        kind: The type.
    """
    name = kind.rpartition(".")[2]
    places = [place for place in _all_registries() if name in place.module_dict]
    if not places:
        return "a class of your own needs its module in custom_imports and @register_module()"
    scope = "" if places[0].scope == "mmengine" else f"{places[0].scope}."
    return f"registry {places[0].name!r} has it as {scope}{name}"


def _all_registries() -> Iterator[Registry]:
    waiting = [part for part in vars(root).values() if isinstance(part, Registry)]
    while waiting:
        part = waiting.pop(0)
        yield part
        waiting.extend(part.children.values())
