import copy
import pickle

import cv2
import mmengine.fileio
import numpy as np
import pytest

from mmctl.datasets.transforms import LoadFrames, LoadKeypoints
from mmctl.registry import TRANSFORMS


def picture(seed, height=20, width=10):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(extension, rgb):
    return cv2.imencode(extension, rgb[:, :, ::-1])[1].tobytes()


def results_for(paths, indices):
    return {"frame_paths": [str(p) for p in paths], "clip_indices": np.array(indices)}


@pytest.fixture
def png_paths(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(4)]
    for seed, path in enumerate(paths):
        path.write_bytes(encoded(".png", picture(seed, height=20 + seed)))
    return paths


def test_frames_are_rgb_and_in_clip_order(png_paths):
    results = LoadFrames().transform(results_for(png_paths, [[0, 2], [1, 3]]))
    assert len(results["frames"]) == 4
    for frame, seed in zip(results["frames"], (0, 2, 1, 3), strict=True):
        np.testing.assert_array_equal(frame, picture(seed, height=20 + seed))


def test_each_distinct_frame_is_read_once_and_others_never(png_paths, monkeypatch):
    read = []
    get = mmengine.fileio.get
    monkeypatch.setattr(mmengine.fileio, "get", lambda p, b: read.append(p) or get(p, b))
    png_paths[3].unlink()
    frames = LoadFrames().transform(results_for(png_paths, [[1, 1, 2]]))["frames"]
    assert sorted(read) == [str(png_paths[1]), str(png_paths[2])]
    assert frames[0] is frames[1]


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
    with pytest.raises(ValueError, match=r"frame .*a\.jpg must be .*but it is a directory"):
        LoadFrames().transform(results_for([tmp_path / "a.jpg"], [[0]]))


def test_what_is_no_picture_is_described_without_the_decoders_source(tmp_path):
    (tmp_path / "a.jpg").write_bytes(broken("text"))
    with pytest.raises(ValueError, match=r"\(20 bytes, first ones b'not '\)$"):
        LoadFrames().transform(results_for([tmp_path / "a.jpg"], [[0]]))


@pytest.mark.parametrize("extension", [".jpg", ".png"])
def test_a_few_bytes_after_the_end_are_no_fault(tmp_path, extension):
    path = tmp_path / f"a{extension}"
    path.write_bytes(encoded(extension, picture(0)) + bytes(16))
    assert len(LoadFrames().transform(results_for([path], [[0]]))["frames"]) == 1


def test_both_loaders_build_from_a_config():
    assert "backend_args" in repr(TRANSFORMS.build({"type": "LoadFrames"}))
    assert "LoadKeypoints" in repr(TRANSFORMS.build({"type": "LoadKeypoints"}))


@pytest.fixture
def keypoint_file(tmp_path):
    array = np.random.default_rng(0).random((6, 17, 3), dtype=np.float32)
    path = tmp_path / "keypoints.npy"
    np.save(path, array)
    return path, array


def keypoint_results(path, indices=((0, 2), (1, 1))):
    rows = np.array([5, 3, 0])
    return {
        "clip_indices": np.array(indices),
        "keypoint_file": str(path),
        "keypoint_rows": rows,
    }


def test_keypoints_follow_the_sampled_frames(keypoint_file):
    path, array = keypoint_file
    keypoints = LoadKeypoints().transform(keypoint_results(path))["keypoints"]
    np.testing.assert_array_equal(keypoints, array[[5, 0, 3, 3]])
    assert keypoints.dtype == np.float32


def test_loaded_keypoints_are_no_view_of_the_file(keypoint_file):
    path, array = keypoint_file
    transform = LoadKeypoints()
    transform.transform(keypoint_results(path))["keypoints"][:] = -1
    again = transform.transform(keypoint_results(path))["keypoints"]
    np.testing.assert_array_equal(again, array[[5, 0, 3, 3]])


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copied_loader_leaves_the_array_behind(keypoint_file, clone):
    path, array = keypoint_file
    transform = LoadKeypoints()
    transform.transform(keypoint_results(path))
    assert len(pickle.dumps(transform)) < array.nbytes / 4
    copied = clone(transform).transform(keypoint_results(path))["keypoints"]
    np.testing.assert_array_equal(copied, array[[5, 0, 3, 3]])


def test_a_data_set_without_keypoints_is_told_what_to_set():
    with pytest.raises(ValueError, match="set its keypoint_file"):
        LoadKeypoints().transform({"clip_indices": np.zeros((1, 1), dtype=int)})


def test_keypoints_that_are_not_finite_are_refused_by_row(keypoint_file):
    path, array = keypoint_file
    array[3, 4, 1] = np.nan
    np.save(path, array)
    with pytest.raises(ValueError, match=r"finite numbers.*row 3 has others"):
        LoadKeypoints().transform(keypoint_results(path))
