import os
import struct
from fractions import Fraction

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


def test_frames_that_can_be_decoded_are_counted_whatever_the_header_says(video):
    source = open_source(video)
    source.num_frames = 500
    assert source.count_readable() == source.num_frames == NUM_FRAMES


def turn_video(path, degrees):
    """Write a turn into the header of an MP4 file, as phones do: its frames stay as they are."""
    content = bytearray(path.read_bytes())
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    # ISO 14496-12, 8.3.2: the matrix stands 40 bytes behind the version, in 16.16 and 2.30.
    start = content.index(b"tkhd") + 4 + 40
    matrix = [cos << 16, sin << 16, 0, -sin << 16, cos << 16, 0, 0, 0, 1 << 30]
    content[start : start + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(content)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_video_from_a_camera_on_its_side_is_upright(tmp_path, degrees):
    path = tmp_path / "phone.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for frame in range(4):
        writer.write(np.ascontiguousarray(draw_frame(frame)[:, :, ::-1]))
    writer.release()
    turn_video(path, degrees)
    source = open_source(path)
    # A turn of the matrix is clockwise.
    expected = np.rot90(draw_frame(3), -degrees // 90)
    assert source.size == expected.shape[:2]
    ((_, frame),) = source.read([3])
    assert np.abs(frame.astype(int) - expected).mean() < 8


def test_a_video_that_ends_early_is_named(video):
    source = open_source(video)
    with pytest.raises(
        ValueError, match=r"street\.avi must have 15 frames.*beyond its first 12; --skip"
    ):
        list(source.read([2, 14]))


def test_what_is_no_video_is_named(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(ValueError, match=r"video .*a\.mp4 cannot be decoded by OpenCV"):
        open_source(tmp_path / "a.mp4")


def test_a_missing_source_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"video or folder of frames .*none does not exist"):
        open_source(tmp_path / "none")


def test_a_folder_without_frames_is_named(tmp_path):
    with pytest.raises(ValueError, match="must hold frames"):
        open_source(tmp_path)


def test_a_gap_in_a_folder_is_refused(folder):
    (folder / "img8.png").unlink()
    with pytest.raises(ValueError, match=r"every frame once.* img7\.png .* followed by img9\.png"):
        open_source(folder)


def test_a_frame_without_number_is_refused(folder):
    (folder / "cover.png").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"frame must have its number.*cover\.png"):
        open_source(folder)


def test_a_frame_of_another_size_is_refused(folder):
    cv2.imwrite(str(folder / "img7.png"), draw_frame(0)[:50])
    with pytest.raises(ValueError, match=r"img7\.png must be 96x128 pixels.*got 50x128$"):
        list(open_source(folder).read(range(NUM_FRAMES)))


def test_a_broken_frame_is_named(folder):
    (folder / "img7.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"frame .*img7\.png is empty"):
        list(open_source(folder).read(range(NUM_FRAMES)))


def test_hidden_files_beside_the_frames_are_passed_over(folder):
    for name in ("._img5.png", ".DS_Store", "Thumbs.db"):
        (folder / name).write_bytes(b"x")
    assert open_source(folder).num_frames == NUM_FRAMES


@pytest.mark.parametrize("place", ["street.mp4", "frames/img7.png"])
def test_a_pipe_is_no_video_and_no_frame(tmp_path, folder, place):
    (tmp_path / place).unlink(missing_ok=True)
    os.mkfifo(tmp_path / place)
    with pytest.raises(ValueError, match=r"must be a regular file.*got a named pipe"):
        list(open_source(tmp_path / place.split("/")[0]).read(range(NUM_FRAMES)))


def test_a_picture_is_found_by_its_name(folder, video):
    assert open_source(folder).position_of("img7") == 2
    assert open_source(folder).position_of("img99") is None
    assert open_source(video).position_of("img7") is None


@pytest.mark.parametrize("stride", [1, 5])
def test_a_scan_gives_every_so_many_th_frame_with_its_time(video, stride):
    found = list(open_source(video).scan(stride))
    assert [position for position, _, _ in found] == list(range(0, NUM_FRAMES, stride))
    assert [time for _, time, _ in found] == pytest.approx([p / 10 for p, _, _ in found])
    for position, _, frame in found:
        assert np.abs(frame.astype(int) - draw_frame(position)).mean() < 4


def test_pictures_have_no_times(folder):
    found = list(open_source(folder).scan(4))
    assert [(position, time) for position, time, _ in found] == [(0, None), (4, None), (8, None)]


def test_a_scan_believes_the_frames_and_not_the_header(video):
    source = open_source(video)
    source.num_frames = 500
    assert len(list(source.scan())) == source.num_frames == NUM_FRAMES


TIMES = [0, 0.04, 0.08, 0.2, 0.21, 0.5, 0.54, 1.0, 1.04, 1.5]


def write_at(path, times, codec="mpeg4"):
    """Write frames at times of our choice; a later start is the container's."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(draw_frame(index), format="rgb24")
            frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("name", ["phone.mp4", "camera.mkv"])
@pytest.mark.parametrize("start", [0, 2])
def test_times_of_a_video_with_changing_intervals_are_the_file_s(tmp_path, name, start):
    path = write_at(tmp_path / name, [time + start for time in TIMES])
    source = open_source(path)
    assert [time for _, time, _ in source.scan()] == pytest.approx(TIMES)
    assert [time for _, time, _ in source.scan(3)] == pytest.approx(TIMES[::3])


def test_a_stream_without_clock_has_no_times(tmp_path):
    path = write_at(tmp_path / "raw.h264", TIMES, "libx264")
    assert [time for _, time, _ in open_source(path).scan()][1:] == [None] * (len(TIMES) - 1)
