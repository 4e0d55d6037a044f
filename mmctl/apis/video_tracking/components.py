"""Detectors and trackers by their names on the command line."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, cast

from mmengine.registry import Registry

from mmctl.models.detectors import Detector
from mmctl.models.trackers import Tracker
from mmctl.registry import DETECTORS, TRACKERS

DEFAULT_TRACKER = "ByteTrack"


def build_detector(
    name: str,
    given: Mapping[str, Any],
    options: Mapping[str, Any],
    custom_imports: Sequence[str] = (),
) -> Detector:
    """Build a detector.

    Args:
        name: Its registered name.
        given: Arguments; those that are None are left out.
        options: More of them, ``{'options.min_size': 480}`` for dicts in them.
        custom_imports: Modules that register more detectors and trackers.

    Raises:
        ImportError: If a module cannot be imported.
        ValueError: If the name or an argument is unknown.
    """
    if custom_imports and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    for module in custom_imports:
        importlib.import_module(module)
    arguments = {key: value for key, value in given.items() if value is not None}
    return cast(Detector, _build(DETECTORS, name, arguments | _nest(options)))


def build_tracker(
    name: str | None, options: Mapping[str, Any], detector: Detector
) -> Tracker | None:
    """Build a tracker, or none for a detector that has tracks.

    Args:
        name: Its registered name; None is the default.
        options: Its arguments.
        detector: Whose boxes it follows.

    Raises:
        ImportError: If its library is not installed.
        ValueError: If the name or an argument is unknown.
    """
    if name is None and detector.has_tracks:
        if options:
            raise ValueError(
                f"options of a tracker need one, because {type(detector).__name__} has tracks "
                f"itself, got {', '.join(options)}"
            )
        return None
    return cast(Tracker, _build(TRACKERS, name or DEFAULT_TRACKER, _nest(options)))


def _build(registry: Registry, name: str, arguments: Mapping[str, Any]) -> object:
    component = registry.get(name)
    if component is None:
        registry.import_from_location()
        known = ", ".join(sorted(registry.module_dict))
        raise ValueError(f"there is no {registry.name} {name!r}; known are {known}")
    parameters = inspect.signature(component).parameters
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    for key in arguments:
        if key not in parameters and not takes_any:
            reads = "it reads tracks from files and computes nothing; "
            raise ValueError(
                f"the {registry.name} {name} has no argument {key!r}; "
                f"{reads if getattr(component, 'has_tracks', False) else ''}known are "
                f"{', '.join(parameters) or 'none'}"
            )
    return component(**arguments)


def _nest(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options whose dotted names are dicts."""
    nested: dict[str, Any] = {}
    for key, value in options.items():
        *parents, last = key.split(".")
        inner = nested
        for parent in parents:
            inner = inner.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise ValueError(f"{parent} of {key} must be a dict to have parts, got {inner!r}")
        inner[last] = value
    return nested
