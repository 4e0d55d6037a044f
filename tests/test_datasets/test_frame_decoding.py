"""Frames are decoded alike with and without the faster decoder."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from mmctl.datasets import frame_decoding
from mmctl.datasets.frame_decoding import decode_frame, decode_reduced

simplejpeg = pytest.importorskip("simplejpeg")


def photo(height: int, width: int) -> Image.Image:
    """Return a picture with edges, gradients and noise."""
    rng = np.random.default_rng(height * 1000 + width)
    rows, columns = np.mgrid[:height, :width]
    picture = np.stack([rows * 3 % 256, columns * 5 % 256, (rows + columns) % 256], axis=-1)
    picture[height // 3 :, : width // 2] = rng.integers(0, 256, 3)
    noisy = picture + rng.normal(0, 12, picture.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def jpeg(picture: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def turned(orientation: int) -> bytes:
    note = Image.Exif()
    note[0x0112] = orientation
    return jpeg(photo(40, 24), exif=note)


def with_restarts() -> bytes:
    pixels = np.asarray(photo(64, 32))
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_RST_INTERVAL, 2])[1].tobytes()


def damaged() -> bytes:
    content = bytearray(jpeg(photo(64, 32)))
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    return bytes(content)


def shortened() -> bytes:
    """Return a JPEG that lacks bytes in its midst, with its end marker."""
    content = jpeg(photo(64, 32))
    return content[: len(content) * 3 // 4] + b"\xff\xd9"


def with_segment(content: bytes, marker: int, held: bytes) -> bytes:
    """Return a JPEG with a further segment at its front."""
    length = (len(held) + 2).to_bytes(2, "big")
    return content[:2] + bytes([0xFF, marker]) + length + held + content[2:]


def turned_behind_tables() -> bytes:
    """Return a JPEG whose note of what is up comes just before the header of its picture."""
    content, place = turned(6), jpeg(photo(40, 24)).index(b"\xff\xc0")
    first = content.index(b"\xff\xe1")
    end = first + 2 + int.from_bytes(content[first + 2 : first + 4], "big")
    plain = jpeg(photo(40, 24))
    return plain[:place] + content[first:end] + plain[place:]


def with_filling() -> bytes:
    content = jpeg(photo(64, 32))
    place = content.index(b"\xff\xc0")
    return content[:place] + b"\xff\xff" + content[place:]


_DATA = b"\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00"

JPEGS = {
    **{
        f"{height}x{width}, {name}": jpeg(photo(height, width), subsampling=number, quality=85)
        for height, width in ((256, 128), (37, 23), (8, 8), (1, 1))
        for number, name in enumerate(("4:4:4", "4:2:2", "4:2:0"))
    },
    "quality 30": jpeg(photo(64, 32), quality=30),
    "progressive": jpeg(photo(64, 32), progressive=True),
    "grey": jpeg(photo(64, 32).convert("L")),
    "CMYK": jpeg(photo(64, 32).convert("CMYK")),
    "RGB kept": jpeg(photo(64, 32), keep_rgb=True),
    **{f"turned {way}": turned(way) for way in range(1, 9)},
    "restart markers": with_restarts(),
    "damaged in its midst": damaged(),
    "shortened in its midst": shortened(),
    "bytes after its end": jpeg(photo(64, 32)) + bytes(100),
    "turned, behind what looks like data": with_segment(turned(6), 0xFE, _DATA),
    "turned, behind its tables": turned_behind_tables(),
    "Exif in a comment": with_segment(jpeg(photo(64, 32)), 0xFE, b"Exif\0\0"),
    "a text of XMP": with_segment(jpeg(photo(64, 32)), 0xE1, b"http://ns.adobe.com/xap/1.0/\0"),
    "filled up between segments": with_filling(),
}


@pytest.mark.parametrize("kind", JPEGS)
def test_both_decoders_give_the_same_pixels(monkeypatch, kind):
    fast = decode_frame(JPEGS[kind], kind)
    monkeypatch.setattr(frame_decoding, "simplejpeg", None)
    np.testing.assert_array_equal(fast, decode_frame(JPEGS[kind], kind))
    assert fast.dtype == np.uint8
    assert fast.flags.writeable
    assert fast.flags.c_contiguous


def test_a_plain_jpeg_goes_through_the_faster_decoder(monkeypatch):
    content = jpeg(photo(64, 32))
    monkeypatch.setattr(cv2, "imdecode", None)
    assert decode_frame(content, "a.jpg").shape == (64, 32, 3)


@pytest.mark.parametrize(
    "kind",
    [
        *("turned 6", "shortened in its midst", "filled up between segments"),
        *("turned, behind what looks like data", "turned, behind its tables"),
    ],
)
def test_what_the_faster_decoder_does_otherwise_is_left_to_opencv(monkeypatch, kind):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: None)
    with pytest.raises(ValueError, match="cannot be decoded"):
        decode_frame(JPEGS[kind], kind)


def test_a_header_that_claims_a_huge_picture_is_not_believed(monkeypatch):
    content = bytearray(jpeg(photo(64, 32)))
    size = content.index(b"\xff\xc0") + 5
    content[size : size + 4] = b"\xff\xdc\xff\xdc"  # 65,500 x 65,500 pixels
    asked = []
    monkeypatch.setattr(simplejpeg, "decode_jpeg", lambda *_, **__: asked.append(1))
    with pytest.raises(ValueError, match=r"big\.jpg cannot be decoded"):
        decode_frame(bytes(content), "big.jpg")
    assert not asked


@pytest.mark.parametrize("length", [2, 3, 20, 25, 300])
def test_a_header_that_ends_early_is_no_picture(length):
    content = jpeg(photo(64, 32))[:length] + b"\xff\xd9"
    with pytest.raises(ValueError, match=r"a\.jpg cannot be decoded"):
        decode_frame(content, "a.jpg")


@pytest.mark.parametrize("kind", ["64x32", "turned 6", "other size"])
def test_a_frame_goes_to_its_place_where_it_fits(kind):
    content = jpeg(photo(64, 32)) if kind == "64x32" else turned(6)
    place = np.zeros((2, 64, 32, 3) if kind != "turned 6" else (2, 24, 40, 3), np.uint8)[1]
    frame = decode_frame(content, kind, place)
    assert (frame is place) == (kind == "64x32")
    np.testing.assert_array_equal(frame, decode_frame(content, kind))


@pytest.mark.parametrize(
    ("size", "min_size", "decoded"),
    [
        ((512, 256), (256, 128), (256, 128)),
        ((600, 300), (256, 128), (300, 150)),
        ((1100, 600), (256, 128), (275, 150)),
        ((1100, 300), (256, 128), (550, 150)),
        ((511, 256), (256, 128), (511, 256)),
        ((512, 200), (256, 128), (512, 200)),
    ],
)
def test_large_frames_are_decoded_at_the_smallest_fraction_that_fits(size, min_size, decoded):
    picture = photo(*size).resize(size[::-1])
    smooth = Image.fromarray(cv2.GaussianBlur(np.asarray(picture), (0, 0), 6))
    frame, in_file = decode_reduced(jpeg(smooth, quality=95), "a.jpg", min_size)
    assert in_file == size
    assert frame.shape == (*decoded, 3)
    if decoded != size:
        expected = cv2.resize(np.asarray(smooth), decoded[::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(frame.astype(int) - expected).mean() < 2


@pytest.mark.parametrize("kind", ["turned 6", "CMYK", "grey", "shortened in its midst"])
def test_reducing_leaves_the_kinds_of_pictures_as_they_are(kind):
    whole = decode_frame(JPEGS[kind], kind)
    frame, in_file = decode_reduced(JPEGS[kind], kind, (64, 64))
    np.testing.assert_array_equal(frame, whole)
    assert in_file == whole.shape[:2]
