"""Functions of a dataloader that a config takes from another package's config.

MMEngine writes the package of a ``_base_ = 'package::...'`` into each component as ``_scope_``.
What builds components takes it out again; what calls functions hands it on to them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

FUNCTIONS = ("collate_fn", "worker_init_fn")


def with_named_scope(to_config: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap what sets ``_scope_``: in a dataloader's functions it becomes part of their names.

    Args:
        to_config: ``Config._dict_to_config_dict``, which calls itself for each part.
    """

    @wraps(to_config)
    def convert(*args: Any, **kwargs: Any) -> Any:
        config = to_config(*args, **kwargs)
        for key in FUNCTIONS:
            function = config.get(key) if isinstance(config, dict) else None
            scope = function.pop("_scope_", None) if isinstance(function, dict) else None
            name = function.get("type") if isinstance(function, dict) else None
            if scope and isinstance(name, str) and "." not in name:
                function["type"] = f"{scope}.{name}"
        return config

    return convert
