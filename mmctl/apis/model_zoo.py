"""Models by name, by config or from a checkpoint alone."""

from __future__ import annotations

import copy
import fnmatch
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
import yaml
from mmengine.config import Config, ConfigDict
from mmengine.device import get_device
from mmengine.logging import print_log
from mmengine.registry import DefaultScope
from mmengine.runner.checkpoint import CheckpointLoader, _load_checkpoint_to_model
from torch import nn

import mmctl
from mmctl.checkpoints.last_checkpoint import trained_checkpoint
from mmctl.checkpoints.stored_config import read_stored_config
from mmctl.engine import check_state_dict, read_config
from mmctl.engine.repairs.custom_modules import import_stored_modules
from mmctl.files import read_text
from mmctl.registry import MODELS

SCOPE = "mmctl"
_INDEX = "model-index.yml"
_SUFFIXES = (".py", ".json", ".yaml", ".yml")


def zoo_folder() -> Path:
    """Return the folder that holds ``configs`` and ``model-index.yml``, installed or a checkout."""
    package = Path(mmctl.__file__).resolve().parent
    for folder in (package / ".mim", package.parent):
        if (folder / _INDEX).is_file():
            return folder
    raise FileNotFoundError(
        f"{_INDEX} must be in {package / '.mim'} or {package.parent}, which list the models of "
        "mmctl; is it installed whole?"
    )


def read_metafiles() -> dict[str, dict[str, Any]]:
    """Return what the metafiles say of each model, by its name."""
    folder = zoo_folder()
    index = yaml.safe_load(read_text(folder / _INDEX, "model index"))
    models: dict[str, dict[str, Any]] = {}
    for name in index["Import"]:
        content = yaml.safe_load(read_text(folder / name, "metafile"))
        models |= {model["Name"]: model for model in content["Models"]}
    return models


def list_models(
    pattern: str | None = None, exclude_patterns: Sequence[str] | None = None
) -> list[str]:
    """Return the sorted names of models.

    Args:
        pattern: Wildcards of the beginning of a name, as ``'ctl*mars'``; None: all.
        exclude_patterns: Names that begin so are left out.

    Example:
        >>> "ctl_r50_1xb32-240e_mars-256x128" in list_models("ctl*mars")
        True
    """
    names = set(read_metafiles())
    if pattern is not None:
        names = set(fnmatch.filter(names, f"{pattern}*"))
    for excluded in exclude_patterns or ():
        names -= set(fnmatch.filter(names, f"{excluded}*"))
    return sorted(names)


def find_config(model: str | os.PathLike | Mapping[str, Any] | Config) -> tuple[Config, str | None]:
    """Return the config that is meant, and the weights that the model's metafile names.

    Args:
        model: Path of a config file, ``mmctl::ctl/NAME.py``, ``mmctl::NAME``, a name of
            :func:`list_models`, a config or its dict.

    Raises:
        FileNotFoundError: If there is no such file.
        TypeError: If it is none of these.
        ValueError: If there is no such name, or the config has no model.
    """
    weights = None
    if isinstance(model, (str, os.PathLike)):
        cfg, weights = _find_named(os.fspath(model))
    elif isinstance(model, Config):
        cfg = copy.deepcopy(model)
    elif isinstance(model, Mapping):
        cfg = Config(copy.deepcopy(dict(model)))
    else:
        raise TypeError(
            "model must be a config file, mmctl::NAME, a name of list_models(), a config or a "
            f"dict, got a {type(model).__name__}"
        )
    if not isinstance(cfg.get("model"), dict):
        raise ValueError(
            f"the config {cfg.filename or ''} must have a model, as configs of a training do, got "
            f"the keys {sorted(cfg)[:8]}"
        )
    return cfg, weights


def _find_named(name: str) -> tuple[Config, str | None]:
    if name.endswith(_SUFFIXES) and "::" not in name:
        return read_config(name), None
    scope, colons, short = name.rpartition("::")
    if colons and scope != SCOPE:
        raise ValueError(f"a model must be one of {SCOPE}, as {SCOPE}::NAME, got {name!r}")
    if short.endswith(_SUFFIXES):
        return read_config(zoo_folder() / "configs" / short), None
    models = read_metafiles()
    found = {known.lower(): known for known in models}.get(short.lower())
    if found is None:
        raise ValueError(
            f"model must be a config file or a name of list_models(), got {name!r}; names are "
            f"{', '.join(sorted(models)[:3])} ..."
        )
    weights = models[found].get("Weights")
    return read_config(zoo_folder() / models[found]["Config"]), weights


def read_checkpoint(weights: str | os.PathLike) -> tuple[dict[str, Any], str]:
    """Read a checkpoint, or that which a work dir ended with.

    Args:
        weights: File, work dir or address.

    Returns:
        The checkpoint and its name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no checkpoint, or is damaged.
    """
    name = os.path.expanduser(os.fspath(weights))
    if os.path.isdir(name):
        name = trained_checkpoint(name)
    return CheckpointLoader.load_checkpoint(name, map_location="cpu"), name


def config_of(checkpoint: dict[str, Any], name: str) -> Config:
    """Return the config that a checkpoint carries, and import what it imports.

    Raises:
        ValueError: If it carries none, or more than plain values, or a module is missing.
    """
    cfg = Config(read_stored_config(checkpoint, name))
    import_stored_modules(name, cfg.get("custom_imports"))
    return cfg


def choose_config(
    model: Any, weights: str | os.PathLike | None
) -> tuple[Config, tuple[dict[str, Any], str] | None]:
    """Return the config of an inferencer, and its checkpoint with its name, if there is one.

    Args:
        model: As for :func:`find_config`, a built model, or None: the config in the checkpoint.
        weights: Checkpoint, or None: what the model's metafile names.

    Raises:
        FileNotFoundError: If a file does not exist.
        TypeError: If ``model`` is of another kind.
        ValueError: If both are None, or there is no such model.
    """
    if model is None:
        if weights is None:
            raise ValueError(
                "the inferencer needs a model or weights, because one of them must say what is "
                "built, got neither"
            )
        checkpoint = read_checkpoint(weights)
        return config_of(*checkpoint), checkpoint
    if isinstance(model, nn.Module):
        if not isinstance(getattr(model, "cfg", None), Config):
            raise ValueError(
                "a model that is built already must have its config as cfg, as get_model gives it, "
                f"because that has the test pipeline, got a {type(model).__name__} without"
            )
        return model.cfg, read_checkpoint(weights) if weights else None
    cfg, known = find_config(model)
    weights = weights or known
    return cfg, read_checkpoint(weights) if weights else None


def check_device(device: str | torch.device | None) -> torch.device:
    """Return a device that is there.

    Args:
        device: Its name; None: the GPU if there is one, else the CPU.

    Raises:
        ValueError: If there is no such device.
    """
    if device is None:
        return torch.device(get_device())
    try:
        found = torch.device(device)
        torch.zeros(1, device=found).add_(1).item()  # not on meta, which has no values
    # Backends raise many types, and an AssertionError where torch was built without one.
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ValueError(
            f"device must be one of this machine, as 'cpu' or 'cuda:0', got {str(device)!r}: "
            f"{reason[:200]}"
        ) from error
    return found


def build_model(cfg: Config | ConfigDict) -> nn.Module:
    """Build the model of a config, with random weights."""
    with DefaultScope.overwrite_default_scope(SCOPE):
        model = MODELS.build(cfg.model)
    model.cfg = cfg
    return model


def load_weights(model: nn.Module, checkpoint: Any, name: str) -> None:
    """Load a checkpoint that fits.

    Raises:
        ValueError: If it does not, as weights of another model.
    """
    cfg = cast(Config, model.cfg)
    hooks = [dict(hook) for hook in cfg.get("custom_hooks") or () if "allow" in hook]
    allow = [prefix for hook in hooks for prefix in hook["allow"]]
    check_state_dict(model, checkpoint, name, allow=allow)
    _load_checkpoint_to_model(model, checkpoint)


def get_model(
    model: str | os.PathLike | Mapping[str, Any] | Config,
    pretrained: bool | str | os.PathLike = False,
    device: str | torch.device | None = None,
    **kwargs: Any,
) -> nn.Module:
    """Build a model, ready for inference.

    Args:
        model: As for :func:`find_config`.
        pretrained: Weights: a file, work dir or address, or True for those that the model's
            metafile or its config (``load_from``) names.
        device: Where it goes; None leaves it on the CPU.
        **kwargs: Changes of the config's ``model``, as ``head=dict(num_classes=10)``.

    Returns:
        The model in eval mode; its config is ``model.cfg``.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If there is no such model or device, or the weights do not fit.
    """
    place = None if device is None else check_device(device)
    cfg, known = find_config(model)
    if kwargs:
        cfg.merge_from_dict({"model": kwargs})
    weights = (known or cfg.get("load_from")) if pretrained is True else pretrained
    if pretrained is True and not weights:
        print_log(f"no weights are known of {model}: they stay random", "current", logging.WARNING)
    built = build_model(cfg)
    if weights:
        load_weights(built, *read_checkpoint(weights))
    if place is not None:
        built.to(place)
    built.train(False)
    return built


def init_model(
    config: str | os.PathLike | Mapping[str, Any] | Config,
    checkpoint: str | os.PathLike | None = None,
    device: str | torch.device | None = None,
    **kwargs: Any,
) -> nn.Module:
    """Build a model from config and checkpoint; :func:`get_model` in its sisters' older words.

    Args:
        config: As for :func:`find_config`.
        checkpoint: Its weights; None: random ones.
        device: Where it goes; None leaves it on the CPU.
        **kwargs: Changes of the config's ``model``.
    """
    return get_model(config, checkpoint or False, device, **kwargs)
