"""Find misspelt config keys before the run starts: MMEngine accepts many of them in silence."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from mmengine.config import Config
from mmengine.config.config import BASE_KEY, DELETE_KEY
from mmengine.registry import MODELS
from mmengine.runner import Runner

from mmctl.engine.config_check.component_check import ComponentCheck, describe_fault
from mmctl.engine.config_check.value_check import value_faults

OTHER_KEYS = frozenset(
    {"custom_imports", "runner_type", "model_wrapper_cfg", "sync_bn", "find_unused_parameters"}
    | {"activation_checkpointing", "efficient_conv_bn_eval", "compile", "gpu_ids"}
    | {"tta_model", "tta_pipeline"}
)
"""Top-level keys that MMEngine reads outside ``Runner.__init__``."""

HELPER_KEYS = frozenset({"vis_backends", "dataset_type", "data_root", "backend_args"})
"""Variables that OpenMMLab configs name at the top level to use them further down; so are names
that begin with ``_`` or end with ``_pipeline``."""


def check_config(cfg: Config, *, allow: Iterable[str] = ()) -> None:
    """Raise if the config has a key that nobody reads, an unknown type or a value of a wrong kind.

    Top-level keys are compared with what the Runner reads, those of a component with what the
    constructor of its class accepts, and values with the types that it asks for. A class that
    takes any keyword is not judged.

    Args:
        cfg: Config of a run.
        allow: Further top-level keys, for variables of one's own.

    Raises:
        ValueError: If there are such keys, types or values; the message names all of them.
    """
    known = _runner_keys() | OTHER_KEYS | HELPER_KEYS | set(allow)
    sections = cfg.to_dict()  # without what a config imports
    faults = [
        describe_fault(key, key, "the config", known)
        for key in sections
        if key not in known and not is_helper(key)
    ]
    faults += _leftovers({key: value for key, value in sections.items() if not is_helper(key)})
    scope = cfg.get("default_scope") or "mmengine"
    level = cfg.get("log_level", "INFO")
    misshapen = [*value_faults("", Runner, sections), *_setting_faults(scope, level)]
    faults += misshapen or ComponentCheck(scope).faults(sections)
    if faults:
        lines = "\n  ".join(faults)
        raise ValueError(
            f"config {cfg.filename or '(without file)'} has unknown names or wrong values, "
            f"which MMEngine would ignore or meet only in the midst of the run:\n  {lines}\n"
            "Variables for use within the config may begin with an underscore; a dict that takes "
            "another type than its base's needs _delete_=True, or keeps the base's keys."
        )


def _setting_faults(scope: Any, log_level: Any) -> Iterator[str]:
    if not isinstance(logging.getLevelName(log_level), int):
        yield f"log_level: it must be one of DEBUG, INFO, WARNING, ERROR, got {log_level!r}"
    known = isinstance(scope, str) and (scope == MODELS.scope or scope in MODELS.children)
    if not known and not (str(scope).isidentifier() and find_spec(str(scope))):
        extra = "; the extra mmctl[pose] has it (docs/en/installation.md)"
        yield (
            f"default_scope: there is no package of this name, got {scope!r}"
            f"{extra if scope == 'mmpose' else ''}"
        )


def _leftovers(value: Any, path: str = "") -> Iterator[str]:
    """Yield a line for each key of MMEngine's config language that has had no effect."""
    for key, item in _items_of(value):
        place = f"{path}{key}"
        if key == DELETE_KEY:
            yield f"{place}: there is nothing in a {BASE_KEY} that it could delete, leave it out"
        elif key == BASE_KEY:
            yield f"{place}: a {BASE_KEY} is read at the top level of a config file only"
        yield from _leftovers(item, f"{place}.")


def _runner_keys() -> set[str]:
    return set(inspect.signature(Runner.__init__).parameters) - {"self", "cfg"}


def is_helper(key: str) -> bool:
    """Return whether a top-level key is a variable of the config file, which no run reads."""
    return key in HELPER_KEYS or key.startswith("_") or key.endswith("_pipeline")


def check_overrides(options: Mapping[str, Any], cfg: Config | None = None) -> None:
    """Raise if an override changes a variable that the config has read already.

    ``--cfg-options data_root=X`` would come after the data sets took their ``data_root`` from the
    variable, and change nothing.

    Args:
        options: Overrides by dotted path, as the command line gives them.
        cfg: Config that they are for; with it the message names the places in this config.

    Raises:
        ValueError: If there are such overrides; the message names what to override in their stead.
    """
    faults = []
    for option, value in options.items():
        key, _, rest = option.partition(".")
        if key == "custom_imports":
            faults.append(f"{option}: custom_imports in a config file, which is read with it")
        if is_helper(key):
            places = _places(key, cfg)
            tail = f".{rest}" if rest else ""
            instead = " ".join(f"{place}{tail}={value}" for place in places)
            faults.append(f"{option}: {instead or 'override the keys that take its value'}")
    if faults:
        lines = "\n  ".join(faults)
        raise ValueError(
            "overrides must name what the run reads, because a variable at the top of a config "
            f"has done its work before they come; in the place of\n  {lines}"
        )


def _places(key: str, cfg: Config | None) -> list[str]:
    """Return the dotted paths that usually take their value from a variable."""
    if key == "vis_backends":
        return ["visualizer.vis_backends"]
    if key in ("train_pipeline", "val_pipeline", "test_pipeline"):
        return [f"{key.removesuffix('_pipeline')}_dataloader.dataset.pipeline"]
    if key in ("data_root", "dataset_type"):
        name = "type" if key == "dataset_type" else key
        phases = ("train", "val", "test")
        used = [p for p in phases if cfg is None or cfg.get(f"{p}_dataloader")]
        return [f"{phase}_dataloader.dataset.{name}" for phase in used]
    sections = {} if cfg is None else cfg.to_dict()
    used_keys = {name: section for name, section in sections.items() if not is_helper(name)}
    return list(_paths_to(key.lstrip("_"), used_keys))


def _paths_to(name: str, value: Any, path: str = "") -> Iterator[str]:
    for key, item in _items_of(value):
        if key == name:
            yield f"{path}{key}"
        yield from _paths_to(name, item, f"{path}{key}.")


def _items_of(value: Any) -> Iterable[tuple[Any, Any]]:
    """Return what stands in a section of a config, with its keys or numbers; none for a value."""
    if isinstance(value, Mapping):
        return value.items()
    return enumerate(value) if isinstance(value, (list, tuple)) else ()
