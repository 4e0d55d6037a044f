"""Exported graphs that several tests share, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmctl.apis import TrackletInferencer, get_model
from mmctl.apis.calibration_clips import load_calibration
from mmctl.apis.graph_export import Exported, ExportOptions, export_model
from mmctl.apis.model_zoo import config_of, read_checkpoint
from mmctl.files import write_together


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


@pytest.fixture(scope="session")
def graphs(checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``ctl.onnx`` and ``baseline.onnx`` of the checkpoints."""
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    folder = tmp_path_factory.mktemp("graphs")
    export(checkpoints["ctl"], folder, "ctl", with_program=True)
    export(checkpoints["baseline"], folder, "baseline")
    return folder
