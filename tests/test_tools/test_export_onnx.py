"""tools/deployment/export_onnx.py writes whole, proved files or nothing."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest
import torch

from mmctl.apis import get_model, graph_export
from mmctl.deployment import exported_program, graph_check, packages
from mmctl.deployment.clip_graph import ClipGraph
from mmctl.deployment.onnx_session import open_session, run_session
from mmctl.registry import MODELS
from tests.test_apis.exported_graphs import CHANNELS, graph_config
from tests.test_apis.tiny_checkpoint import save_checkpoint
from tests.test_apis.tiny_estimator import TinyHeatmaps, tiny_estimator

for package in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(package)

TOOL = "deployment/export_onnx.py"


@pytest.fixture
def export(graph_weights, drawn_mars, run_tool, tmp_path):
    """Export the baseline: ``export('--fp16')``; the folder ``out`` has what is written."""
    (tmp_path / "out").mkdir()
    own = tmp_path / "own.py"

    def run(*arguments, name="baseline", checkpoint=None, config=None):
        graph_config(name, drawn_mars).dump(own)
        weights = str(checkpoint or graph_weights[name])
        target = str(tmp_path / "out" / "model.onnx")
        run_tool(TOOL, str(config or own), weights, "--out", target, *arguments)

    run.folder = tmp_path / "out"
    return run


@pytest.fixture
def refused(export, capsys):
    """Export what must fail, in one line and with nothing left; return the line."""

    def run(*arguments, **options):
        before = sorted(path.name for path in export.folder.iterdir())
        with pytest.raises(SystemExit) as caught:
            export(*arguments, **options)
        assert caught.value.code == 2
        lines = capsys.readouterr().err.strip().splitlines()
        said = [line for line in lines if line.startswith("error:")]
        assert len(said) == 1
        assert lines[-1] == "(MMCTL_DEBUG=1 shows where it was raised)"
        assert sorted(path.name for path in export.folder.iterdir()) == before
        return said[0]

    return run


@pytest.fixture(scope="module")
def exported(graph_weights, drawn_mars):
    """Files of the baseline that are not written yet."""
    cfg = graph_config("baseline", drawn_mars)
    model = get_model(cfg, graph_weights["baseline"], "cpu")
    return graph_export.export_model(
        model, "model", options=graph_export.ExportOptions(with_program=True)
    )


def test_a_graph_and_its_program_are_written_and_described(export, capsys):
    export("--pt2", "--feature", "after")
    said = capsys.readouterr().out
    assert {path.name for path in export.folder.iterdir()} == {"model.onnx", "model.pt2"}
    assert "frames uint8 (B, T, 3, 128x64) RGB, nothing else" in said
    assert f"feature after, {CHANNELS} channels, fp32, model " in said
    assert "away over 16 sizes of clips from PyTorch's features" in said


class Wrong(torch.nn.Module):
    """A graph that is right for one clip, or for one length, alone."""

    def __init__(self, graph, kind):
        super().__init__()
        self.inner, self.kind = graph, kind

    def forward(self, frames):
        if self.kind == "batch":
            return self.inner(frames.flip(0))
        in_trace = torch.arange(frames.shape[1]) < 5
        return self.inner(frames * in_trace.view(1, -1, 1, 1, 1))


@pytest.mark.parametrize("kind", ["batch", "length"])
def test_a_wrong_graph_fails_and_leaves_nothing(kind, refused, monkeypatch):
    trace = exported_program.export_program
    monkeypatch.setattr(
        graph_export,
        "export_program",
        lambda graph, examples, sides: trace(Wrong(graph, kind), examples, sides),
    )
    line = refused("--pt2")
    assert "the graph must give what PyTorch gives, within 0.0001, but its output feature" in line
    sizes = "2 clips of 1 frames" if kind == "batch" else "1 clips of 7 frames"
    assert line.endswith(f"away for {sizes}")


def test_a_wrong_program_beside_a_right_graph_leaves_nothing_either(refused, monkeypatch):
    monkeypatch.setattr(
        graph_export,
        "_program_runner",
        lambda program: lambda inputs: [inputs[0][:, 0].numpy()] * 2,
    )
    assert "the program of torch.export must give what PyTorch gives" in refused("--pt2")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_what_was_there(code, exported, export, refused, monkeypatch):
    monkeypatch.setattr(graph_export, "export_model", lambda *_: exported)
    (export.folder / "model.onnx").write_bytes(b"older")
    sync, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:  # the first file is written already
            raise OSError(code, os.strerror(code))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    assert "no space left on the disk for this file" in refused("--pt2")
    assert (export.folder / "model.onnx").read_bytes() == b"older"


def test_a_missing_package_is_found_before_the_model_is_built(refused, monkeypatch):
    found = packages.find_spec
    monkeypatch.setattr(
        packages, "find_spec", lambda name: None if name == "onnxscript" else found(name)
    )
    line = refused(checkpoint="none.pth")
    assert "of which onnxscript cannot be found: pip install 'mmctl[onnx]'" in line


def test_a_checkpoint_of_another_config_is_refused(graph_weights, refused):
    assert "does not fit VideoReID" in refused(checkpoint=graph_weights["ctl"])


def test_a_component_of_one_length_is_named(drawn_mars, refused, tmp_path):
    cfg = graph_config("ctl", drawn_mars)
    changes = {"graph": "frame", "num_frames": 4}
    cfg.model.graph_head.update(changes)
    checkpoint = save_checkpoint(tmp_path / "frame.pth", cfg)
    cfg.dump(tmp_path / "frame.py")
    line = refused(config=str(tmp_path / "frame.py"), checkpoint=checkpoint)
    assert "context cannot be exported: a graph takes clips of any length" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "model.bin"], "--out must be a file NAME.onnx, got model.bin"),
        (["--out", "nowhere/model.onnx"], "--out must be in a folder that exists"),
        (["--int8"], "--int8 and --calibration go together"),
        (["--calibration", "data"], "--int8 and --calibration go together"),
        (["--estimator", "a.py"], "--estimator and --estimator-checkpoint go together"),
        (["--int8", "--calibration", "nowhere"], "input nowhere does not exist"),
        (["--int8", "--calibration", "x", "--calibration-clips", "0"], "must be at least 1, got 0"),
        (["--opset", "7"], "opset must be from 18 to 23"),
    ],
)
def test_a_users_mistake_ends_in_one_line(arguments, message, refused):
    assert message in refused(*arguments)


def test_weights_that_tell_no_clips_apart_prove_nothing(drawn_mars, refused, tmp_path):
    path = save_checkpoint(tmp_path / "dead.pth", graph_config("baseline", drawn_mars))
    checkpoint = torch.load(path, weights_only=False)
    for name, value in (("weight", 0.0), ("bias", 1.0)):
        checkpoint["state_dict"][f"backbone.bn1.{name}"].fill_(value)
    torch.save(checkpoint, path)
    assert "cannot be proved with weights that give different clips" in refused(checkpoint=path)


def test_int8_takes_its_ranges_from_a_data_set(drawn_mars, export, capsys):
    export("--int8", "--calibration", str(drawn_mars), "--calibration-clips", "6")
    said = capsys.readouterr().out
    assert f"{CHANNELS} channels, int8, model" in said
    assert "over 2 batches of the calibration from the features in float32" in said
    assert graph_check.TOLERANCES.keys() == {"fp32", "fp16"}


@pytest.fixture
def source(tmp_path, monkeypatch):
    """An estimator whose config and weights lie in a folder, and which a config can name."""
    source = tiny_estimator(seed=7)
    monkeypatch.setitem(MODELS._module_dict, "TinyHeatmaps", TinyHeatmaps)
    torch.save({"state_dict": source.estimator.state_dict()}, tmp_path / "pose.pth")
    (tmp_path / "pose.py").write_text("model = dict(type='TinyHeatmaps')")
    return source


def estimator_options(folder):
    names = {"--estimator": "pose.py", "--estimator-checkpoint": "pose.pth"}
    return [word for option, name in names.items() for word in (option, str(folder / name))]


def test_an_estimator_beside_the_model_finds_the_joints_that_it_reads(
    source, graph_weights, drawn_mars, export, tmp_path, capsys
):
    export(*estimator_options(tmp_path), name="ctl")
    assert "model.pose.onnx: " in capsys.readouterr().out
    frames = graph_check.draw_clips(2, 3, (128, 64))
    pose, graph = (open_session(export.folder / name) for name in ("model.pose.onnx", "model.onnx"))
    maps, joints = run_session(pose, [frames.numpy()])
    with torch.no_grad():
        expected = source(frames.flatten(0, 1).float()).unflatten(0, (2, 3)).numpy()
    assert np.abs(maps - expected).max() < 1e-4 * np.abs(expected).max()
    units, _ = run_session(graph, [frames.numpy(), joints])
    exact = ClipGraph(get_model(graph_config("ctl", drawn_mars), graph_weights["ctl"], "cpu"))
    with torch.no_grad():
        wanted = exact(frames, torch.from_numpy(joints))[0].numpy()
    assert np.abs(units - wanted).max() < 1e-5


@pytest.mark.usefixtures("source")
def test_an_estimator_for_a_model_that_reads_no_keypoints_is_refused(refused, tmp_path):
    line = refused(*estimator_options(tmp_path))
    assert "a model that reads keypoints, got one for a model that reads nothing beside" in line
