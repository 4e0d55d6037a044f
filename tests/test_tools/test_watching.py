"""What tools/train.py leaves for those who watch a run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from mmengine.config import Config

from mmctl.engine import event_files, write_event_files
from tests.conftest import data_options

CTL = "configs/quickstart/ctl_r18_quickstart.py"
STATISTICS = {
    *(f"active_triplets_{branch}" for branch in ("global", "sum", "concat")),
    "clamped_degrees",
    "attention_entropy",
}


def test_a_training_leaves_values_events_and_a_report(
    drawn_mars: Path,
    tmp_path: Path,
    run_tool: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    tensorboard = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    options = ["train_cfg.max_epochs=1", "train_cfg.val_interval=1", "model.micro_batch=4"]
    arguments = ["--work-dir", str(tmp_path), "--tensorboard"]
    options += ["model.data_preprocessor.channels_last=True", "default_hooks.logger.interval=1"]
    options += data_options(drawn_mars)
    run_tool("train.py", CTL, *arguments, "--cfg-options", *options)
    (folder,) = (path.parent for path in tmp_path.glob("*/vis_data"))
    lines = (folder / "vis_data" / "scalars.json").read_text().splitlines()
    logged = [row for row in map(json.loads, lines) if "loss" in row]
    wanted = {"loss", "loss_triplet_sum", "grad_norm", "frames_per_second", "time", *STATISTICS}
    for row in logged:
        assert wanted <= set(row)
        assert all(0 <= row[name] <= 1 for name in STATISTICS)
        terms = [value for name, value in row.items() if name.startswith("loss_")]
        assert row["loss"] == pytest.approx(sum(terms), rel=1e-4)
        assert row["frames_per_second"] == pytest.approx(8 * 4 / row["time"], rel=1e-6)
    assert " eta: " in "".join(path.read_text() for path in folder.glob("*.log"))

    events = tensorboard.EventAccumulator(str(folder / "vis_data"))
    events.Reload()
    tags = set(events.Tags()["scalars"])
    assert wanted | {"reid/mAP"} <= tags
    found = [event.value for event in events.Scalars("loss")]
    assert found == pytest.approx([row["loss"] for row in logged], rel=1e-6)

    record = json.loads((folder / "run.json").read_text())
    assert record["outcome"] == "finished"
    assert ["model.micro_batch", "–", "4"] in record["run_changes"]
    assert ["model.backbone.depth", "50", "18"] in record["file_changes"]
    assert record["evaluation"]["protocol"].startswith("query-in-gallery")
    assert record["evaluation"]["clips"] == "evenly"
    assert (tmp_path / "report.png").is_file()
    page = (tmp_path / "report.html").read_text()
    assert "scored queries</td><td>8</td>" in page
    (tmp_path / "report.png").unlink()
    capsys.readouterr()
    run_tool("analysis_tools/report_run.py", str(tmp_path))
    printed = capsys.readouterr().out.split()
    assert printed == [str(tmp_path / "report.png"), str(tmp_path / "report.html")]
    assert (tmp_path / "report.png").is_file()


def test_event_files_are_asked_for_once_and_need_their_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cfg = Config.fromfile(CTL)
    monkeypatch.setattr(event_files, "find_spec", lambda name: name)
    write_event_files(cfg)
    write_event_files(cfg)
    kinds = [backend["type"] for backend in cfg.visualizer.vis_backends]
    assert kinds == ["LocalVisBackend", "TensorboardVisBackend"]
    monkeypatch.setattr(event_files, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match="pip install tensorboard"):
        write_event_files(cfg)


@pytest.mark.parametrize("visualizer", [None, {"type": "Visualizer"}])
def test_event_files_leave_mmengines_own_log_where_a_config_names_none(
    monkeypatch: pytest.MonkeyPatch, visualizer: dict | None
) -> None:
    monkeypatch.setattr(event_files, "find_spec", lambda name: name)
    cfg = Config({"visualizer": visualizer})
    write_event_files(cfg)
    kinds = [backend["type"] for backend in cfg.visualizer.vis_backends]
    assert kinds == ["LocalVisBackend", "TensorboardVisBackend"]


def test_a_folder_that_is_no_run_is_named(
    tmp_path: Path, run_tool: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run_tool("analysis_tools/report_run.py", str(tmp_path))
    assert f"error: {tmp_path} must hold" in capsys.readouterr().err


def test_statistics_are_logged_as_means() -> None:
    pattern = Config.fromfile(CTL).log_processor.mean_pattern
    for name in (*STATISTICS, "loss", "time", "data_time", "grad_norm"):
        assert re.search(pattern, name), name
    assert not re.search(pattern, "lr")
