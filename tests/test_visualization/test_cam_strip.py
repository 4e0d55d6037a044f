"""Strips and animations of maps: one scale for all frames, files whole."""

from __future__ import annotations

import cv2
import matplotlib
import numpy as np
import pytest
from PIL import Image

from mmctl.visualization.cam_strip import (
    choose_frames,
    draw_cam_strip,
    overlay_map,
    scale_maps,
    write_cam_gif,
)


@pytest.fixture
def frames():
    return np.full((10, 64, 32, 3), 100, dtype=np.uint8)


def test_one_factor_brings_all_frames_of_a_layer_to_one():
    maps = {"a": np.array([[[1.0, 0.0]], [[4.0, 2.0]]]), "b": np.zeros((2, 1, 2))}
    scaled = scale_maps(maps)
    assert scaled["a"].tolist() == [[[0.25, 0.0]], [[1.0, 0.5]]]
    assert not scaled["b"].any()


def test_a_map_covers_the_frame_on_its_own_side(frames):
    values = np.array([[0.0, 1.0], [0.0, 0.0]])
    picture = overlay_map(frames[0], values, 128).astype(int)
    assert picture.shape == (128, 64, 3)
    strong = 255 * np.array(matplotlib.colormaps["turbo"](1.0)[:3])
    corners = {side: picture[0, x] for side, x in (("left", 0), ("right", 63))}
    assert np.abs(corners["right"] - (0.25 * 100 + 0.75 * strong)).max() <= 1
    assert np.abs(corners["left"] - corners["right"]).max() > 50
    assert np.abs(picture[-1, 63] - picture[-1, 0]).max() <= 1
    assert np.array_equal(
        overlay_map(frames[0], values[:, ::-1], 128)[:, ::-1], picture.astype(np.uint8)
    )


def test_long_tracklets_show_eight_frames_of_their_length():
    assert choose_frames(3) == [0, 1, 2]
    assert choose_frames(100)[0] == 0
    assert choose_frames(100)[-1] == 99
    assert len(choose_frames(100)) == 8


def test_a_strip_has_a_row_per_layer(frames, tmp_path):
    maps = {name: np.random.default_rng(0).random((10, 4, 2)) for name in ("a.b", "c")}
    out = tmp_path / "new" / "strip.png"
    draw_cam_strip(frames, maps, list(range(10)), out, title="A $title", note="of a note")
    picture = cv2.imread(str(out))
    assert picture.shape[0] == 62 + 16 + 3 * 236 + 10
    assert picture.shape[1] == 92 + 8 * 120 - 4 + 96
    assert {path.name for path in out.parent.iterdir()} == {"strip.png"}


def test_an_animation_has_all_frames_and_repeats(frames, tmp_path):
    maps = {"a": np.random.default_rng(0).random((10, 4, 2))}
    write_cam_gif(frames, maps, tmp_path / "new" / "a.gif")
    with Image.open(tmp_path / "new" / "a.gif") as animation:
        assert animation.n_frames == 10
        assert animation.size == (2 * 96, 192)
        assert animation.info["loop"] == 0
