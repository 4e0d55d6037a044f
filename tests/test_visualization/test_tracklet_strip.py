import numpy as np
import pytest

from mmctl.visualization.tracklet_strip import draw_strip


@pytest.mark.parametrize(
    ("count", "shown"),
    [(1, [0]), (3, [0, 1, 2]), (8, list(range(8))), (22, [0, 3, 6, 9, 12, 15, 18, 21])],
)
def test_frames_fill_the_strip(count, shown):
    frames = np.broadcast_to(
        10 * np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 256, 128, 3)
    )
    strip = draw_strip(frames, "8 of 8 frames used, norm 2: a/tracklet/with/quite/a/long/name")
    assert strip[:192, ::96].tolist() == [[[10 * index] * 3 for index in shown]] * 192
    assert strip.shape[1] == 96 * len(shown)


def test_text_is_whole_and_goes_on_in_further_lines():
    frames = np.zeros((1, 256, 128, 3), np.uint8)
    lines = [draw_strip(frames, "w" * count) for count in (1, 30)]
    assert lines[1].shape[0] > lines[0].shape[0]
    ink = [(255 - strip[192:].astype(int)).sum() for strip in lines]
    assert ink[1] == pytest.approx(30 * ink[0], rel=0.05)
    assert all((strip[192:, -2:] == 255).all() for strip in lines)
