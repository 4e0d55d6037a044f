"""What ``mmengine.hub.get_model('mmctl::...')`` looks for, by this name, in every package."""

from mmengine.registry import Registry
from mmengine.registry import init_default_scope as set_default_scope

from mmctl import registry


def register_all_modules(init_default_scope: bool = True) -> None:
    """Import every component, which else is imported when it is first asked for.

    Args:
        init_default_scope: Whether names without a scope are ours from now on.
    """
    for child in vars(registry).values():
        if isinstance(child, Registry) and child.scope == "mmctl":
            child.import_from_location()
    if init_default_scope:
        set_default_scope("mmctl")
