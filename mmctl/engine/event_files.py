"""What a training logs, for TensorBoard."""

from __future__ import annotations

from importlib.util import find_spec

from mmengine.config import Config

from mmctl.registry import type_name

BACKEND = "TensorboardVisBackend"


def write_event_files(cfg: Config) -> None:
    """Make a run write TensorBoard's event files beside its own log, in ``<time>/vis_data``.

    Args:
        cfg: Config of the run; ``visualizer.vis_backends`` gets MMEngine's backend, unless it has
            it.

    Raises:
        ValueError: If the package ``tensorboard`` is not installed.
    """
    if find_spec("tensorboard") is None:
        raise ValueError(
            "event files need the package tensorboard, which is not installed: "
            "pip install 'mmctl[optional]' or pip install tensorboard"
        )
    visualizer = {"type": "Visualizer", **(cfg.get("visualizer") or {})}
    # Without any, MMEngine takes the local one; beside the new one it must be named.
    backends = visualizer.get("vis_backends") or [{"type": "LocalVisBackend"}]
    if BACKEND not in [type_name(backend["type"]) for backend in backends]:
        cfg.visualizer = {**visualizer, "vis_backends": [*backends, {"type": BACKEND}]}
