import io

import cv2
import numpy as np
import pytest

from mmctl.datasets.synthetic.street.mp4_segments import join_segments, read_segment


def write(path, frames, fps=12.5):
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(
        str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), fps, (width, height)
    )
    for frame in frames:
        writer.write(frame)
    writer.release()


def read(path):
    capture, frames = cv2.VideoCapture(str(path)), []
    while True:
        decoded, frame = capture.read()
        if not decoded:
            return frames, capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
        frames.append(frame)


@pytest.fixture
def parts(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for number, count in enumerate((14, 14, 3)):
        base = rng.integers(0, 255, (12, 20, 3), np.uint8)
        frames = [
            cv2.resize(np.roll(base, index, axis=1), (80, 48), interpolation=cv2.INTER_LINEAR)
            for index in range(count)
        ]
        paths.append(tmp_path / f"{number}.mp4")
        write(paths[-1], frames)
    return paths


def test_a_joined_video_has_the_very_frames_of_its_segments(parts, tmp_path):
    with (tmp_path / "all.mp4").open("wb") as file:
        join_segments([read_segment(path) for path in parts], file)
    frames, count, rate = read(tmp_path / "all.mp4")
    wanted = [frame for path in parts for frame in read(path)[0]]
    assert len(frames) == count == 31
    assert rate == pytest.approx(12.5)
    for frame, other in zip(frames, wanted, strict=True):
        np.testing.assert_array_equal(frame, other)


def test_every_segment_begins_with_a_frame_that_needs_no_other(parts, tmp_path):
    with (tmp_path / "all.mp4").open("wb") as file:
        join_segments([read_segment(path) for path in parts], file)
    keys = read_segment(tmp_path / "all.mp4").keys.tolist()
    # OpenCV's encoder makes one every twelve frames; the segments have 14, 14 and 3.
    assert keys == [1, 13, 15, 27, 29]


def test_a_player_finds_the_frames_of_later_segments_by_their_number(parts, tmp_path):
    with (tmp_path / "all.mp4").open("wb") as file:
        join_segments([read_segment(path) for path in parts], file)
    capture = cv2.VideoCapture(str(tmp_path / "all.mp4"))
    capture.set(cv2.CAP_PROP_POS_FRAMES, 20)
    _, frame = capture.read()
    np.testing.assert_array_equal(frame, read(parts[1])[0][6])
    # 31 frames of 80 ms.
    capture.set(cv2.CAP_PROP_POS_FRAMES, 30)
    assert capture.read()[0]
    assert capture.get(cv2.CAP_PROP_POS_MSEC) == pytest.approx(2400, abs=90)


def test_the_same_segments_make_the_same_bytes(parts):
    contents = []
    for _ in range(2):
        buffer = io.BytesIO()
        join_segments([read_segment(path) for path in parts], buffer)
        contents.append(buffer.getvalue())
    assert contents[0] == contents[1]


@pytest.mark.parametrize("left", [0, 7, 100, -1])
def test_a_segment_that_is_cut_off_is_refused(parts, left):
    content = parts[0].read_bytes()
    parts[0].write_bytes(content[:left])
    with pytest.raises(ValueError, match=r"segment .*0\.mp4 must be a whole MP4 file"):
        read_segment(parts[0])
