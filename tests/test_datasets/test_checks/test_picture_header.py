import io

import cv2
import numpy as np
import pytest
from PIL import Image

from mmctl.datasets.checks.picture_header import has_known_header, read_frame_size
from mmctl.datasets.frame_decoding import decode_frame

PICTURE = np.random.default_rng(0).integers(0, 256, (37, 21, 3), dtype=np.uint8)
JPEG = cv2.imencode(".jpg", PICTURE)[1].tobytes()
PNG = cv2.imencode(".png", PICTURE)[1].tobytes()
PROGRESSIVE = cv2.imencode(".jpg", PICTURE, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()


@pytest.mark.parametrize("content", [JPEG, PNG, PROGRESSIVE], ids=["jpeg", "png", "progressive"])
def test_height_and_width_are_those_of_the_picture(content):
    assert has_known_header(content)
    assert read_frame_size(content) == (37, 21)


def test_a_comment_and_fill_bytes_before_the_frame_are_skipped():
    # The comment looks like a start of frame of 1x1 pixels.
    comment = b"\xff\xfe\x00\x0b\xff\xc0\x00\x0b\x08\x00\x01\x00\x01"
    assert read_frame_size(JPEG[:2] + comment + b"\xff" + JPEG[2:]) == (37, 21)


@pytest.mark.parametrize("content", [PNG[:24] + b"\x10" + PNG[25:], JPEG], ids=["png", "jpeg"])
def test_more_than_eight_bits_are_refused(content):
    if content is JPEG:
        start = JPEG.index(b"\xff\xc0") + 4
        content = JPEG[:start] + b"\x0c" + JPEG[start + 1 :]
    with pytest.raises(ValueError, match=r"must have 8 bits per channel, its header says 1[26]"):
        read_frame_size(content)


def test_a_header_does_not_know_how_exif_turns_a_picture():
    exif = Image.Exif()
    exif[274] = 6  # orientation: the right side is up
    for kind in ("JPEG", "PNG"):
        file = io.BytesIO()
        Image.fromarray(PICTURE).save(file, kind, exif=exif)
        assert not has_known_header(file.getvalue())
        assert decode_frame(file.getvalue(), "a").shape == (21, 37, 3)


def test_other_kinds_are_unknown():
    bmp = cv2.imencode(".bmp", PICTURE)[1].tobytes()
    assert not has_known_header(bmp)
    with pytest.raises(ValueError, match="neither JPEG nor PNG, its first bytes are b'BM"):
        read_frame_size(bmp)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (JPEG[:30], "no start of frame"),
        (b"\xff\xd8" + bytes(40), "no start of frame"),
        (PNG[:20], "PNG header is damaged"),
        (PNG[:12] + b"JUNK" + PNG[16:], "PNG header is damaged"),
        (PNG[:16] + bytes(4) + PNG[20:], "its header says 37x0 pixels"),
    ],
)
def test_a_damaged_header_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        read_frame_size(content)
