"""What is mended in MMEngine 0.10.7 and mmcv, and which; importing :mod:`mmctl.engine` applies it.

A run of another project imports the engine with the first hook, loop or optimizer wrapper of ours
that its config names. ``MMCTL_REPAIRS`` in the environment says then what may be replaced: it is
there before anything is imported, and in every process of a run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from mmctl.checkpoints.safe_loader import register_safe_loader
from mmctl.engine.repairs.config_names import register_config_package
from mmctl.engine.repairs.config_reading import mend_config_reading
from mmctl.engine.repairs.mmengine_fixes import check_pretrained_weights, keep_checkpoints_whole
from mmctl.engine.repairs.needless_warning import silence_needless_warning

SWITCH = "MMCTL_REPAIRS"

REPAIRS: dict[str, Callable[[], None]] = {
    "config-reading": mend_config_reading,
    "config-names": register_config_package,
    "safe-loading": register_safe_loader,
    "pretrained-weights": check_pretrained_weights,
    "whole-checkpoints": keep_checkpoints_whole,
    "mmcv-warning": silence_needless_warning,
}
"""What can be mended, by the names that ``MMCTL_REPAIRS`` takes."""

_applied: set[str] = set()


def chosen_repairs() -> tuple[str, ...]:
    """Return the repairs that ``MMCTL_REPAIRS`` names: ``all`` (the default), ``none`` or a list.

    Raises:
        ValueError: If there is no such repair.
    """
    text = os.environ.get(SWITCH, "").strip() or "all"
    if text in ("all", "none"):
        return tuple(REPAIRS) if text == "all" else ()
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in REPAIRS:
            raise ValueError(
                f"{SWITCH} must be 'all', 'none' or some of {', '.join(REPAIRS)} with commas "
                f"between them, got {name!r}"
            )
    return names


def apply_repairs(names: Iterable[str] = tuple(REPAIRS)) -> None:
    """Mend MMEngine, each thing once; nothing of it is taken back.

    Args:
        names: Some of :data:`REPAIRS`; all of them by default.

    Raises:
        KeyError: If there is no such repair.
    """
    for name in names:
        if name not in _applied:
            REPAIRS[name]()
            _applied.add(name)
