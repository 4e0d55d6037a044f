"""YAML of plain values, each name once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml


class StrictLoader(yaml.SafeLoader):
    """Read plain values only, and no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return a mapping; a key that stands twice is an error of YAML's own kind."""
        names = [(key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for index, name in enumerate(names):
            if name in names[:index]:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name[1]!r} stands twice in one mapping", node.start_mark
                )
        return super().construct_mapping(node, deep)


# MMEngine writes tuples so when it saves a config as YAML.
StrictLoader.add_constructor(
    "tag:yaml.org,2002:python/tuple",
    lambda loader, node: tuple(loader.construct_sequence(node, deep=True)),
)
