"""Functions of a dataloader that a config takes from another package's config.

MMEngine writes the package of a ``_base_ = 'package::...'`` into each component as ``_scope_``.
What builds components takes it out again; what calls functions hands it on to them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

FUNCTIONS = ("collate_fn", "worker_init_fn")


def without_scopes(to_config: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap what sets ``_scope_``: a dataloader's functions get none.

    Their names are looked up as any config writes them: ``pseudo_collate``, ``mmctl.seed_worker``.

    Args:
        to_config: ``Config._dict_to_config_dict``, which calls itself for each part.
    """

    @wraps(to_config)
    def convert(*args: Any, **kwargs: Any) -> Any:
        config = to_config(*args, **kwargs)
        for key in FUNCTIONS:
            function = config.get(key) if isinstance(config, dict) else None
            if isinstance(function, dict):
                function.pop("_scope_", None)
        return config

    return convert
