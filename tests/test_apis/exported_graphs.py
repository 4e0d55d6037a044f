"""Small networks with every kind of part, and their graphs, which several tests share."""

from __future__ import annotations

from pathlib import Path

from mmengine.config import Config

from mmctl.apis import TrackletInferencer, get_model
from mmctl.apis.calibration_clips import load_calibration
from mmctl.apis.graph_export import Exported, ExportOptions, export_model
from mmctl.apis.model_zoo import config_of, read_checkpoint
from mmctl.files import write_together
from tests.test_apis.tiny_checkpoint import save_checkpoint, small_config

CHANNELS = 16


def graph_config(name: str, data_root: Path) -> Config:
    """Return the quickstart's config with one stage and, for CTL, one graph: quick to trace."""
    cfg = small_config(name, data_root)
    stages = {"num_stages": 1, "strides": (1,), "dilations": (1,), "out_indices": (0,)}
    cfg.model.backbone.update(stages)
    cfg.model.head.channels = CHANNELS
    if name == "ctl":
        one = {"scales": ("s3",), "num_layers": 1, "cross_scale_after": [1]}
        cfg.model.graph_head.update(channels=CHANNELS, **one)
    return cfg


def save_checkpoints(folder: Path, data_root: Path) -> dict[str, Path]:
    """Save random weights of both, by name."""
    return {
        name: save_checkpoint(folder / f"{name}.pth", graph_config(name, data_root))
        for name in ("ctl", "baseline")
    }


def export(checkpoint: Path, folder: Path, name: str, **options) -> Exported:
    """Export a checkpoint that carries its config, as the tool does."""
    cfg = config_of(*read_checkpoint(checkpoint))
    model = get_model(cfg, checkpoint, "cpu")
    if options.get("precision") == "int8":
        inferencer = TrackletInferencer(model, device="cpu", num_workers=0, show_progress=False)
        options["calibration"] = load_calibration(inferencer, cfg.test_dataloader.dataset, 12)
    exported = export_model(model, name, str(checkpoint), ExportOptions(**options))
    write_together({folder / f"{name}{end}": data for end, data in exported.files.items()})
    return exported
