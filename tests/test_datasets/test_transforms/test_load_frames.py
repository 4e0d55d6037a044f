import os
import pickle
import threading

import cv2
import numpy as np
import pytest
from mmengine.fileio import BaseStorageBackend, LocalBackend, register_backend
from PIL import Image

from mmctl.datasets import frame_decoding
from mmctl.datasets.transforms import LoadFrames, ResizeClip, load_frames
from mmctl.engine.repairs.atomic_backend import AtomicLocalBackend
from mmctl.files import read_bytes
from mmctl.registry import TRANSFORMS
from tests.test_datasets.test_transforms.written_pictures import encoded, picture, results_for


@pytest.fixture
def png_paths(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(4)]
    for seed, path in enumerate(paths):
        path.write_bytes(encoded(".png", picture(seed, height=20 + seed)))
    return paths


@pytest.mark.parametrize("has_rgb_decoder", [True, False])
def test_frames_are_rgb_and_in_clip_order(png_paths, monkeypatch, has_rgb_decoder):
    if not has_rgb_decoder:
        monkeypatch.setattr(frame_decoding, "_DECODE_RGB", None)
    results = LoadFrames().transform(results_for(png_paths, [[0, 2], [1, 3]]))
    assert len(results["frames"]) == 4
    for frame, seed in zip(results["frames"], (0, 2, 1, 3), strict=True):
        np.testing.assert_array_equal(frame, picture(seed, height=20 + seed))


@pytest.mark.parametrize("backend", [LocalBackend, AtomicLocalBackend])
def test_each_distinct_frame_is_read_once_and_others_never(png_paths, monkeypatch, backend):
    read = []
    # A run of ours has the second one.
    monkeypatch.setattr(load_frames, "get_file_backend", lambda *_, **__: backend())

    def note(path, what):
        read.append(path)
        return read_bytes(path, what)

    monkeypatch.setattr(load_frames, "read_bytes", note)
    png_paths[3].unlink()
    frames = LoadFrames().transform(results_for(png_paths, [[1, 1, 2]]))["frames"]
    assert sorted(read) == [str(png_paths[1]), str(png_paths[2])]
    assert frames[0] is frames[1]


class Memory(BaseStorageBackend):
    """Files of a dict, with a client that no process can hand on."""

    files: dict[str, bytes] = {}  # noqa: RUF012

    def __init__(self) -> None:
        self.connection = threading.Lock()

    def get(self, filepath):
        return self.files[filepath]

    def get_text(self, filepath):
        raise NotImplementedError


def test_frames_come_from_the_storage_that_their_path_names(png_paths):
    register_backend("memory", Memory, force=True, prefixes="memory")
    Memory.files["memory://7.png"] = encoded(".png", picture(7))
    paths = [png_paths[0], "memory://7.png"]
    transform = LoadFrames()
    for loader in (transform, transform, pickle.loads(pickle.dumps(transform))):
        frames = loader.transform(results_for(paths, [[0, 1]]))["frames"]
        np.testing.assert_array_equal(frames[0], picture(0))
        np.testing.assert_array_equal(frames[1], picture(7))


def test_a_jpeg_is_decoded_close_to_its_source(tmp_path):
    path = tmp_path / "a.jpg"
    flat = np.full((16, 16, 3), (200, 40, 90), dtype=np.uint8)
    path.write_bytes(encoded(".jpg", flat))
    (frame,) = LoadFrames().transform(results_for([path], [[0]]))["frames"]
    assert np.abs(frame.astype(int) - flat).max() < 8


def test_a_grey_picture_has_three_channels(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(cv2.imencode(".png", picture(0)[:, :, 0])[1].tobytes())
    (frame,) = LoadFrames().transform(results_for([path], [[0]]))["frames"]
    assert frame.shape == (20, 10, 3)


def test_a_missing_frame_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"frame .*gone\.jpg does not exist"):
        LoadFrames().transform(results_for([tmp_path / "gone.jpg"], [[0]]))


def broken(kind):
    jpeg, png = encoded(".jpg", picture(0, 64, 64)), encoded(".png", picture(0, 64, 64))
    return {
        "empty": b"",
        "half jpeg": jpeg[: len(jpeg) // 2],
        "jpeg less one byte": jpeg[:-1],
        "zero-filled jpeg": jpeg[: len(jpeg) // 2] + bytes(len(jpeg) // 2),
        "half png": png[: len(png) // 2],
        "text": b"not a picture at all",
        "broken header": b"\xff\xd8" + bytes(50) + b"\xff\xd9",
    }[kind]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("empty", "is empty"),
        ("half jpeg", "is cut off: a whole JPEG"),
        ("jpeg less one byte", "is cut off: a whole JPEG"),
        ("zero-filled jpeg", "is cut off: a whole JPEG"),
        ("half png", "is cut off: a whole PNG"),
        ("text", "cannot be decoded"),
        ("broken header", "cannot be decoded"),
    ],
)
def test_a_broken_frame_is_named_with_its_reason(tmp_path, kind, reason):
    path = tmp_path / "broken.jpg"
    path.write_bytes(broken(kind))
    with pytest.raises(ValueError, match=rf"frame .*broken\.jpg {reason}"):
        LoadFrames().transform(results_for([path], [[0]]))


def test_a_directory_in_the_place_of_a_frame_is_named(tmp_path):
    (tmp_path / "a.jpg").mkdir()
    with pytest.raises(ValueError, match=r"frame .*a\.jpg must be a regular file.*got a folder"):
        LoadFrames().transform(results_for([tmp_path / "a.jpg"], [[0]]))


def test_a_pipe_in_the_place_of_a_frame_is_refused(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match=r"frame .*a\.jpg must be a regular file.*a named pipe"):
        LoadFrames().transform(results_for([tmp_path / "a.jpg"], [[0]]))
    with pytest.raises(ValueError, match=r"frame /dev/zero must be a regular file.*a device"):
        LoadFrames().transform(results_for(["/dev/zero"], [[0]]))


@pytest.mark.parametrize("has_rgb_decoder", [True, False])
@pytest.mark.parametrize(
    ("extension", "dtype", "white"),
    [
        (".png", np.uint16, 4095),
        (".png", np.uint16, 65535),
        (".tiff", np.uint16, 4095),
        (".ppm", np.uint16, 4095),
        (".tiff", np.float32, 1),
        (".hdr", np.float32, 1),
    ],
)
def test_more_than_eight_bits_are_refused_and_not_made_black(
    tmp_path, monkeypatch, has_rgb_decoder, extension, dtype, white
):
    if not has_rgb_decoder:
        monkeypatch.setattr(frame_decoding, "_DECODE_RGB", None)
    path = tmp_path / f"a{extension}"
    deep = (picture(0) / 255 * white).astype(dtype)
    path.write_bytes(encoded(extension, deep))
    kind = np.dtype(dtype).name
    with pytest.raises(ValueError, match=rf"frame .*a{extension} must have 8 bits.*got {kind} up"):
        LoadFrames().transform(results_for([path], [[0]]))


@pytest.mark.parametrize("extension", [".png", ".tiff", ".bmp", ".webp", ".ppm"])
def test_pictures_of_eight_bits_are_exact_whatever_their_kind(tmp_path, extension):
    path = tmp_path / f"a{extension}"
    options = [cv2.IMWRITE_WEBP_QUALITY, 101] if extension == ".webp" else []  # lossless
    path.write_bytes(cv2.imencode(extension, picture(0)[:, :, ::-1], options)[1].tobytes())
    (frame,) = LoadFrames().transform(results_for([path], [[0]]))["frames"]
    np.testing.assert_array_equal(frame, picture(0))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_one_bit_is_black_and_white(tmp_path, kind):
    path, bits = tmp_path / "a", picture(0)[:, :, 0] > 127
    Image.fromarray(bits).save(path, kind)
    (frame,) = LoadFrames().transform(results_for([path], [[0]]))["frames"]
    np.testing.assert_array_equal(frame, np.repeat(bits[:, :, None] * np.uint8(255), 3, axis=2))


def test_what_is_no_picture_is_described_without_the_decoders_source(tmp_path):
    (tmp_path / "a.jpg").write_bytes(broken("text"))
    with pytest.raises(ValueError, match=r"\(20 bytes, first ones b'not '\)$"):
        LoadFrames().transform(results_for([tmp_path / "a.jpg"], [[0]]))


@pytest.mark.parametrize("extension", [".jpg", ".png"])
def test_a_few_bytes_after_the_end_are_no_fault(tmp_path, extension):
    path = tmp_path / f"a{extension}"
    path.write_bytes(encoded(extension, picture(0)) + bytes(16))
    assert len(LoadFrames().transform(results_for([path], [[0]]))["frames"]) == 1


def test_the_loader_builds_from_a_config():
    assert "backend_args" in repr(TRANSFORMS.build({"type": "LoadFrames"}))


@pytest.fixture
def jpeg_paths(tmp_path):
    paths = [tmp_path / f"{i}.jpg" for i in range(4)]
    for seed, path in enumerate(paths):
        path.write_bytes(encoded(".jpg", picture(seed, height=20 + (seed == 3))))
    return paths


@pytest.mark.parametrize("extension", ["jpg", "png"])
def test_frames_of_one_size_lie_in_one_array_that_is_not_copied_again(tmp_path, extension):
    paths = [tmp_path / f"{i}.{extension}" for i in range(3)]
    for seed, path in enumerate(paths):
        path.write_bytes(encoded(f".{extension}", picture(seed)))
    results = LoadFrames().transform(results_for(paths, [[0, 1, 2]]))
    alone = [LoadFrames().transform(results_for([path], [[0]]))["frames"][0] for path in paths]
    stack = results["frames"].stack
    frames = ResizeClip(stack.shape[1:3]).transform(results)["frames"]
    assert frames is stack
    np.testing.assert_array_equal(frames, np.stack(alone))


@pytest.mark.parametrize("order", [[[0, 1, 3]], [[1, 0, 2]], [[0, 1, 1]]])
def test_frames_of_other_sizes_and_orders_are_stacked_by_copying(jpeg_paths, order):
    results = LoadFrames().transform(results_for(jpeg_paths, order))
    alone = [
        LoadFrames().transform(results_for([jpeg_paths[index]], [[0]]))["frames"][0]
        for index in order[0]
    ]
    size = alone[0].shape[:2]
    frames = ResizeClip(size).transform(results)["frames"]
    expected = ResizeClip(size).transform({"frames": alone})["frames"]
    np.testing.assert_array_equal(frames, expected)


def test_a_frame_that_a_transform_put_in_place_of_another_is_not_lost(jpeg_paths):
    results = LoadFrames().transform(results_for(jpeg_paths, [[0, 1, 2]]))
    results["frames"][1] = np.zeros_like(results["frames"][1])
    frames = ResizeClip(results["frames"][0].shape[:2]).transform(results)["frames"]
    assert not frames[1].any()
    assert frames[0].any()


def large_frames(folder, count=3):
    pytest.importorskip("simplejpeg")
    paths = [folder / f"large{i}.jpg" for i in range(count)]
    for seed, path in enumerate(paths):
        path.write_bytes(encoded(".jpg", cv2.resize(picture(seed), (96, 160))))
    return paths


def test_keypoints_of_reduced_frames_stay_on_what_they_show(tmp_path):
    paths = large_frames(tmp_path)
    keypoints = np.array([[[47.5, 79.5, 1.0], [12.0, 31.0, 0.5]]] * 3, dtype=np.float32)
    found = []
    for reduce_to in (None, (40, 24)):
        results = LoadFrames(reduce_to=reduce_to).transform(results_for(paths, [[0, 1, 2]]))
        results["keypoints"] = keypoints
        if reduce_to is not None:
            assert results["frame_sizes"].tolist() == [[160, 96]] * 3
        found.append(ResizeClip((40, 24)).transform(results))
    # The sizes in the files are no longer those that keypoints are in.
    half = ResizeClip((20, 12)).transform(dict(found[1]))
    np.testing.assert_allclose(half["keypoints"][0, :, :2], [[5.5, 9.5], [1.0625, 3.4375]])
    np.testing.assert_array_equal(found[0]["keypoints"], found[1]["keypoints"])
    differences = found[0]["frames"].astype(int) - found[1]["frames"]
    assert 0 < np.abs(differences).mean() < 12


def test_small_frames_are_not_reduced(jpeg_paths):
    pytest.importorskip("simplejpeg")
    plain, reduced = (
        LoadFrames(reduce_to=size).transform(results_for(jpeg_paths, [[0, 3]]))["frames"]
        for size in (None, (20, 12))
    )
    for one, other in zip(plain, reduced, strict=True):
        np.testing.assert_array_equal(one, other)


def test_reducing_needs_its_decoder_and_a_size(monkeypatch):
    with pytest.raises(ValueError, match="LoadFrames's size must be"):
        LoadFrames(reduce_to=256)
    monkeypatch.setattr(frame_decoding, "simplejpeg", None)
    with pytest.raises(ValueError, match=r"needs the package simplejpeg.*got \(256, 128\)"):
        LoadFrames(reduce_to=(256, 128))
