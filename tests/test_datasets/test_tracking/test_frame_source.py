import cv2
import numpy as np
import pytest

from mmctl.datasets.tracking import open_source
from tests.test_datasets.test_tracking.conftest import HEIGHT, NUM_FRAMES, WIDTH, draw_frame


@pytest.mark.parametrize("kind", ["video", "folder"])
def test_the_asked_frames_come_in_rgb(request, kind):
    source = open_source(request.getfixturevalue(kind))
    assert source.size == (HEIGHT, WIDTH)
    assert source.num_frames == NUM_FRAMES
    assert source.has_frame(NUM_FRAMES - 1)
    assert not source.has_frame(NUM_FRAMES)
    frames = dict(source.read([0, 3, 4, 11]))
    assert list(frames) == [0, 3, 4, 11]
    for position, frame in frames.items():
        difference = np.abs(frame.astype(int) - draw_frame(position)).mean()
        assert difference < 4, position


def test_a_video_whose_header_counts_too_few_frames_is_counted(video):
    source = open_source(video)
    source.num_frames = 2
    assert source.has_frame(NUM_FRAMES - 1)
    assert source.num_frames == NUM_FRAMES


def test_a_video_that_ends_early_is_named(video):
    source = open_source(video)
    with pytest.raises(ValueError, match=r"street\.avi must have 15 frames.*beyond its first 12$"):
        list(source.read([2, 14]))


def test_what_is_no_video_is_named(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(ValueError, match=r"video .*a\.mp4 cannot be decoded by OpenCV"):
        open_source(tmp_path / "a.mp4")


def test_a_missing_source_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none does not exist; it must be a video or"):
        open_source(tmp_path / "none")


def test_a_folder_without_frames_is_named(tmp_path):
    with pytest.raises(ValueError, match="must hold frames"):
        open_source(tmp_path)


def test_a_gap_in_a_folder_is_refused(folder):
    (folder / "img8.png").unlink()
    with pytest.raises(ValueError, match=r"every frame once.* img9\.png follows number 7"):
        open_source(folder)


def test_a_frame_without_number_is_refused(folder):
    (folder / "cover.png").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"cover\.png must have a number in its name"):
        open_source(folder)


def test_a_frame_of_another_size_is_refused(folder):
    cv2.imwrite(str(folder / "img7.png"), draw_frame(0)[:50])
    with pytest.raises(ValueError, match=r"img7\.png must be 96x128 pixels.*got 50x128$"):
        list(open_source(folder).read(range(NUM_FRAMES)))


def test_a_broken_frame_is_named(folder):
    (folder / "img7.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"frame .*img7\.png is empty"):
        list(open_source(folder).read(range(NUM_FRAMES)))
