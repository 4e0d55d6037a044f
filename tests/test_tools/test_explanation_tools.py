"""vis_cam.py, vis_similarity.py and vis_topology.py: pictures, and one line for every mistake."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.conftest import data_options
from tests.test_apis.conftest import checkpoints, crops
from tests.test_apis.tiny_checkpoint import CONFIGS

__all__ = ["checkpoints", "crops"]  # fixtures

CAM, SIMILARITY, TOPOLOGY = (f"visualization/vis_{n}.py" for n in ("cam", "similarity", "topology"))


@pytest.fixture
def explain(run_tool, checkpoints, drawn_mars):
    def call(tool, inputs, name, *arguments):
        options = ("--device", "cpu", "--cfg-options", *data_options(drawn_mars))
        common = (inputs or drawn_mars, CONFIGS[name], checkpoints[name])
        run_tool(tool, *map(str, (*common, *arguments)), *options)

    return call


def test_a_strip_and_an_animation_are_written(explain, tmp_path, capsys):
    out = tmp_path / "new" / "cam.png"
    layers = ("--target-layers", "backbone.layer3", "backbone")
    explain(
        CAM, CONFIGS["ctl"], "ctl", "--tracklet", 1, "--against", 5, *layers, "--save-path", out
    )
    assert cv2.imread(str(out)).shape[0] == 62 + 16 + 3 * 236 + 10
    with Image.open(out.with_suffix(".gif")) as animation:
        assert 3 <= animation.n_frames <= 6
    said = capsys.readouterr().out
    assert "GradCAM: what makes it similar to tracklet 5" in said
    assert f"Animation: {out.with_suffix('.gif')}" in said


@pytest.mark.parametrize(
    ("target", "title"),
    [
        ((), "what the feature is made of ("),
        (("--part", "1"), "what the feature is made of, left arm alone"),
        (
            ("--target-category", "7", "--method", "LayerCAM"),
            "LayerCAM: what speaks for identity 7",
        ),
    ],
)
def test_every_target_is_taken(explain, tmp_path, capsys, target, title):
    explain(CAM, None, "ctl", *target, "--save-path", tmp_path / "cam.gif")
    assert title in capsys.readouterr().out
    assert (tmp_path / "cam.png").is_file()


def test_layers_are_listed(explain, capsys):
    explain(CAM, "/nowhere", "baseline", "--preview-model")
    said = capsys.readouterr().out
    assert "backbone.layer4.1.bn2: BatchNorm2d" in said
    assert "(the model): VideoReID" in said


def test_folders_of_crops_are_compared(explain, crops, tmp_path, capsys):
    first, second = crops("a", 3), crops("b", 1)
    out = tmp_path / "split.png"
    keypoints = {}
    for name, count in (("a", 3), ("b", 1)):
        keypoints[name] = tmp_path / f"{name}.npy"
        np.save(keypoints[name], np.full((count, 17, 3), 0.5, dtype=np.float32))
    explain(
        *(SIMILARITY, first, "ctl", "--against", second, "--keypoints", keypoints["a"]),
        *("--against-keypoints", keypoints["b"], "--feature", "after", "--save-path", out),
    )
    said = capsys.readouterr().out.splitlines()
    start = next(i for i, line in enumerate(said) if line.startswith("cosine similarity"))
    similarity = float(said[start].split()[-1])
    rows = [line.split() for line in said[start + 2 : start + 9]]
    for side in (-2, -1):
        assert sum(float(row[side]) for row in rows) == pytest.approx(similarity, abs=5e-6)
    assert cv2.imread(str(out)).shape == (660, 1040, 3)


def test_parts_are_compared_with_an_average_person(explain, tmp_path, capsys):
    out = tmp_path / "split.png"
    explain(SIMILARITY, None, "baseline", "--against", 3, "--average", 4, "--save-path", out)
    assert "global feature" in capsys.readouterr().out
    assert out.is_file()


def test_graphs_are_drawn(explain, tmp_path):
    explain(TOPOLOGY, None, "ctl", "--tracklet", 2, "--save-path", tmp_path / "graphs.png")
    assert cv2.imread(str(tmp_path / "graphs.png")).shape[1] == 1040


@pytest.mark.parametrize(
    ("tool", "name", "arguments", "message"),
    [
        (CAM, "ctl", ("--target-layers", "backbone.layer5"), "like it are backbone.layer"),
        (CAM, "ctl", ("--target-category", "8"), "from 0 to 7, got 8"),
        (CAM, "ctl", ("--target-category", "1", "--part", "0"), "got a part beside it"),
        (CAM, "baseline", ("--part", "trunk"), "needs a model with body parts, as CTL"),
        (CAM, "ctl", ("--against", "0"), "is a tracklet compared with itself?"),
        (CAM, "ctl", ("--tracklet", "99"), "one of the inputs, 0 to 12, got 99"),
        (CAM, "ctl", ("--method", "EigenCAM"), "method must be one of GradCAM, XGradCAM, LayerCAM"),
        (CAM, "ctl", ("--save-path", "a.jpg"), "--save-path must end with .png or .gif"),
        (CAM, "ctl", ("--against-keypoints", "a.npy"), "of the folder of --against, got no folder"),
        (SIMILARITY, "ctl", ("--against", "nowhere"), "input nowhere does not exist"),
        (SIMILARITY, "ctl", ("--against", "1", "--average", "-1"), "at least 1 tracklet"),
        (SIMILARITY, "ctl", ("--against", "1", "--save-path", "a.gif"), "must end with .png"),
        (TOPOLOGY, "ctl", ("--save-path", "a.gif"), "must end with .png"),
        (TOPOLOGY, "baseline", (), "this one has no graph_head"),
    ],
)
def test_a_mistake_is_one_line(explain, capsys, tool, name, arguments, message, tmp_path):
    if "--save-path" not in arguments:
        arguments = (*arguments, "--save-path", tmp_path / "a.png")
    with pytest.raises(SystemExit) as caught:
        explain(tool, None, name, *arguments)
    assert caught.value.code == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert message in line
    assert not list(tmp_path.glob("*.png"))


def test_crops_need_keypoints_and_folders_need_crops(explain, crops, capsys, tmp_path):
    (tmp_path / "empty").mkdir()
    for inputs, message in (
        (crops("a", 2), "There are four ways"),
        (tmp_path / "empty", "must hold crops of persons"),
    ):
        with pytest.raises(SystemExit):
            explain(CAM, inputs, "ctl", "--save-path", tmp_path / "a.png")
        error = capsys.readouterr().err
        assert "error: " in error
        assert message in error
