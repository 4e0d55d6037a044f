import cv2
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from mmctl.structures import BODY_SCALES, KEYPOINTS
from mmctl.visualization import clip_sheet
from mmctl.visualization.clip_overlay import LEFT, RIGHT
from mmctl.visualization.clip_sheet import FRAME_HEIGHT, AugmentedClip, draw_clip_sheet

BODY = BODY_SCALES["limb"]
WRIST = KEYPOINTS.index("left_wrist")
FIRST_FRAME = (46 + 13 + 30 + 17, 26 + 40)
"""Top and left of the first picture: below title, margin, caption and numbers; beside margin and
label."""


def clip(num_frames=2, *, keypoints=True, heatmaps=True, caption="tracklet 1"):
    """Frames of 58 x 29, a quarter of what the sheet shows them at."""
    joints = np.full((num_frames, 17, 3), -500, dtype=np.float32)
    joints[..., 2] = 0
    joints[:, WRIST] = (20, 30, 1)
    maps = np.zeros((num_frames, 17, 29, 15), dtype=np.float16)
    maps[:, WRIST, 15, 10] = 1
    return AugmentedClip(
        caption=caption,
        frames=np.full((num_frames, 58, 29, 3), 90, dtype=np.uint8),
        frame_names=[f"{index + 1}: frame{index + 1}" for index in range(num_frames)],
        keypoints=joints if keypoints else None,
        heatmaps=maps if heatmaps else None,
    )


def draw(path, clips, **arguments):
    draw_clip_sheet(clips, BODY, path, title="a title", **arguments)
    return cv2.imread(str(path))[..., ::-1]


@pytest.fixture
def figures(monkeypatch):
    """Collect the figures that are drawn."""
    drawn = []

    class Kept(Figure):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            drawn.append(self)

    monkeypatch.setattr(clip_sheet, "Figure", Kept)
    return drawn


def texts(figure):
    return [text.get_text() for text in figure.texts]


def test_a_keypoint_has_its_colour_at_its_place_on_the_sheet(tmp_path):
    picture = draw(tmp_path / "sheet.png", [clip()])
    top, left = FIRST_FRAME
    # Four times as large: 4 * 20 + 1.5 and 4 * 30 + 1.5 from the corner, in both frames
    for column in range(2):
        x = left + column * (116 + 3) + 81
        colour = [round(255 * part) for part in to_rgb(LEFT[0])]
        assert picture[top + 121, x].tolist() == colour


def test_strips_lie_below_each_other_at_the_same_place(tmp_path):
    picture = draw(tmp_path / "sheet.png", [clip()])
    top, left = FIRST_FRAME
    keypoints, maps, s2, s3 = (
        picture[top + row * (FRAME_HEIGHT + 3) :][:FRAME_HEIGHT, left : left + 116].astype(int)
        for row in range(4)
    )
    assert keypoints[5, 5].tolist() == [90, 90, 90]
    # Maps of 29 x 15 cells over 232 x 116 pixels: the cell's centre is at row 15.5 * 8.
    warm = maps[..., 0] - maps[..., 2]
    row, column = np.unravel_index(warm.argmax(), warm.shape)
    assert abs(row - 123.5) <= 4
    assert abs(column - 80.7) <= 4
    assert maps[5, 5].tolist() == [40, 40, 40]
    for parts in (s2, s3):
        assert parts[121, 81, 0] > parts[121, 81, 2] + 40
        assert parts[5, 5].tolist() == [90, 90, 90]


def test_the_sheet_is_as_large_as_what_is_on_it(tmp_path):
    one = draw(tmp_path / "one.png", [clip(4)])
    longer = draw(tmp_path / "longer.png", [clip(8)])
    # At least 640 wide; 8 frames of 116 with 7 gaps of 3, a label of 40 and margins of 26
    assert one.shape[1] == 640
    assert longer.shape[1] == 8 * 116 + 7 * 3 + 40 + 2 * 26
    bare = draw(tmp_path / "bare.png", [clip(8, keypoints=False, heatmaps=False)])
    # Title 46, margin 13, caption 30, numbers 17, one strip, margin 26
    assert bare.shape[0] == 46 + 13 + 30 + 17 + FRAME_HEIGHT + 26
    assert bare.shape[1] == longer.shape[1]


def test_blocks_stand_beside_each_other_while_they_fit(tmp_path):
    block = 4 * 116 + 3 * 3 + 40
    plain = [clip(4, keypoints=False, heatmaps=False, caption=str(k)) for k in range(4)]
    # Three would fit into 1700; four are two rows of two.
    for count, columns, rows in ((3, 3, 1), (4, 2, 2)):
        picture = draw(tmp_path / "sheet.png", plain[:count])
        assert picture.shape[1] == max(640, columns * (block + 26) + 26)
        assert picture.shape[0] == 59 + rows * (30 + 17 + FRAME_HEIGHT + 26)


def test_the_sheet_says_what_it_shows(tmp_path, figures):
    draw(tmp_path / "sheet.png", [clip(), clip(caption="tracklet 2")], notes=["Load → Flip"])
    written = texts(figures[0])
    for text in ("a title", "Load → Flip", "tracklet 1", "tracklet 2", "1: frame1", "2: frame2"):
        assert text in written
    for label in ("keypoints", "heatmaps", "10 parts of s2", "5 parts of s3"):
        assert written.count(label) == 2
    joints, s2, s3 = ([t.get_text() for t in legend.get_texts()] for legend in figures[0].legends)
    assert joints[:2] == ["left joint", "right joint"]
    assert len(s2) == 10
    assert s3[1] == "left shoulder, elbow, wrist"
    patches = figures[0].legends[2].get_patches()
    assert patches[2].get_facecolor()[:3] == to_rgb(RIGHT[0])


def test_all_texts_stand_on_the_sheet(tmp_path, figures):
    draw(tmp_path / "sheet.png", [clip(6)], notes=["a → " * 80])
    box = figures[0].bbox
    for artist in (*figures[0].texts, *figures[0].legends):
        extent = artist.get_window_extent()
        assert extent.x0 >= 0
        assert extent.y0 >= 0
        assert extent.x1 <= box.x1
        assert extent.y1 <= box.y1


def test_without_keypoints_the_peaks_of_the_heatmaps_are_drawn(tmp_path, figures):
    picture = draw(tmp_path / "sheet.png", [clip(keypoints=False)])
    assert "peaks of the heatmaps" in texts(figures[0])
    assert "keypoints" not in texts(figures[0])
    top, left = FIRST_FRAME
    # The peak is the centre of cell (15, 10) of 29 x 15: x = 10.5 * 116 / 15, y = 15.5 * 8
    warm = picture[top + 124, left + 80].astype(int)
    assert warm[0] - warm[2] > 200


def test_frames_alone_need_no_legend(tmp_path, figures):
    picture = draw(tmp_path / "sheet.png", [clip(keypoints=False, heatmaps=False)])
    assert not figures[0].legends
    assert "frames" in texts(figures[0])
    top, left = FIRST_FRAME
    assert (picture[top : top + FRAME_HEIGHT, left : left + 116] == 90).all()


def test_long_names_keep_their_end(tmp_path, figures):
    names = ["1: a_very_long_name_of_a_frame_000001", "2: b"]
    long = AugmentedClip("c", clip().frames, names)
    draw(tmp_path / "sheet.png", [long])
    assert "…g_name_of_a_frame_000001"[-21:] in " ".join(texts(figures[0]))
    assert names[0] not in texts(figures[0])


def test_equal_input_gives_an_equal_picture(tmp_path):
    for name in ("one.png", "two.png"):
        draw(tmp_path / "new" / name, [clip()])
    assert (tmp_path / "new" / "one.png").read_bytes() == (
        tmp_path / "new" / "two.png"
    ).read_bytes()
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["one.png", "two.png"]


def test_a_sheet_of_nothing_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one clip"):
        draw_clip_sheet([], BODY, tmp_path / "sheet.png", title="")
    assert not (tmp_path / "sheet.png").exists()
