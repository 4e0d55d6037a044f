"""What an inferencer is given as its model: a config, a checkpoint, a built model or a graph."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log
from torch import nn

from mmctl.apis.model_zoo import build_model, choose_config, load_weights
from mmctl.deployment.onnx_model import OnnxModel, is_graph

_UNREGISTERED = re.compile(r"(\S+) is not in the \S+ registry")
"""How MMEngine's registry begins."""


@dataclass
class GivenModel:
    """A model that is known and not built yet.

    Attributes:
        cfg: Its config.
        checkpoint: Its checkpoint with its name, if there is one.
        built: The model itself, if it was built before.
        stored_in: The checkpoint that the config is from, '' if it was given.
    """

    cfg: Config
    checkpoint: tuple[dict[str, Any], str] | None = None
    built: nn.Module | OnnxModel | None = None
    stored_in: str = ""

    def start(self, device: str) -> nn.Module | OnnxModel:
        """Return the model in eval mode on a device, or the graph; what it was made of is freed.

        Raises:
            ValueError: If the weights do not fit.
        """
        built, checkpoint = self.built, self.checkpoint
        self.built = self.checkpoint = None
        if isinstance(built, OnnxModel):
            return built
        model = built or build_model(self.cfg)
        if checkpoint is not None:
            load_weights(model, *checkpoint)
        elif built is None:
            print_log(
                "no checkpoint is given: these are features of the UNTRAINED network",
                "current",
                logging.WARNING,
            )
        return model.to(device).eval()

    @contextmanager
    def naming_checkpoint(self) -> Iterator[None]:
        """Say whose config it is that names a class which is not registered.

        Raises:
            ValueError: In the place of the registry's KeyError.
        """
        try:
            yield
        except KeyError as error:
            found = _UNREGISTERED.match(str(error.args[0])) if error.args else None
            if found is None or not self.stored_in:
                raise
            imports = (self.cfg.get("custom_imports") or {}).get("imports") or "none"
            names = imports if isinstance(imports, str) else ", ".join(imports)
            raise ValueError(
                f"checkpoint {self.stored_in!r}: the config that it carries must name components "
                f"that are registered, but none of the modules that it imports ({names}) has "
                f"{found[1]!r}; PYTHONPATH=FOLDER before the command adds the folder of the right "
                "module"
            ) from error


def find_given(model: Any, weights: Any, graph: OnnxModel | None) -> GivenModel:
    """Return what an inferencer is given.

    Args:
        model: As the inferencer is given it.
        weights: Likewise.
        graph: What :func:`open_graph` made of both.

    Raises:
        FileNotFoundError: If a file does not exist.
        TypeError: If it is of no kind that is known.
        ValueError: If nothing is given, or there is no such model.
    """
    if graph is not None:
        return GivenModel(graph.cfg, built=graph)
    cfg, checkpoint = choose_config(model, weights)
    built = model if isinstance(model, nn.Module) else None
    stored_in = checkpoint[1] if model is None and checkpoint is not None else ""
    return GivenModel(cfg, checkpoint, built, stored_in)


def open_graph(
    model: Any, weights: Any, device: Any, amp: bool | None, providers: str | Sequence[str] | None
) -> OnnxModel | None:
    """Return the graph that an inferencer is given as model, or as weights without a model.

    Args:
        model: As the inferencer is given it.
        weights: Likewise.
        device: Likewise; a graph runs where its providers do.
        amp: Likewise; a graph has the precision of its file.
        providers: Execution providers by name.

    Returns:
        None where there is no graph.

    Raises:
        ValueError: If something is given that a graph has no use for, or providers without a graph.
    """
    if model is None and is_graph(weights):
        model, weights = weights, None
    if not is_graph(model):
        if providers is not None or is_graph(weights):
            raise ValueError(
                "a graph must be the only model, without a config, and providers= needs one, got "
                f"model={_name(model)}, weights={_name(weights)}, providers={providers}"
            )
        return None
    for name, value in (("weights", weights), ("amp", amp or None)):
        if value is not None:
            raise ValueError(
                f"{name} must be left out with a graph, which has its weights and precision from "
                f"its export, got {name}={value}"
            )
    if device is not None and str(device) != "cpu":
        raise ValueError(
            "device must be left out with a graph, which runs where its execution providers do: "
            f"providers=['{str(device).partition(':')[0]}'], got device={str(device)!r}"
        )
    if not isinstance(model, OnnxModel):
        return OnnxModel(model, providers)
    if providers is not None:
        raise ValueError(
            f"providers must be chosen where the graph is opened: OnnxModel(path, {providers!r})"
        )
    return model


def find_reads(model: Any) -> str | None:
    """Return what a model makes its heatmaps of: keypoints, heatmaps, frames; None for no maps."""
    source = model if isinstance(model, OnnxModel) else getattr(model, "pose", None)
    return getattr(source, "reads", None)


def _name(given: Any) -> str:
    is_path = isinstance(given, (str, os.PathLike))
    return repr(os.fspath(given)) if is_path else type(given).__name__
