import copy
import pickle

import numpy as np
import pytest

from mmctl.datasets.transforms import LoadHeatmaps, LoadKeypoints
from mmctl.registry import TRANSFORMS


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


@pytest.fixture
def heatmap_file(tmp_path):
    array = np.random.default_rng(1).normal(size=(6, 17, 4, 3)).astype(np.float16)
    path = tmp_path / "heatmaps.npy"
    np.save(path, array)
    return path, array


def heatmap_results(path):
    results = keypoint_results(path)
    results["heatmap_file"] = results.pop("keypoint_file")
    return results


def test_heatmaps_follow_the_sampled_frames_in_their_own_type(heatmap_file):
    path, array = heatmap_file
    heatmaps = LoadHeatmaps().transform(heatmap_results(path))["heatmaps"]
    np.testing.assert_array_equal(heatmaps, array[[5, 0, 3, 3]])
    assert heatmaps.dtype == np.float16
    assert type(heatmaps) is np.ndarray


def test_a_copied_heatmap_loader_leaves_the_array_behind(heatmap_file):
    path, array = heatmap_file
    transform = LoadHeatmaps()
    transform.transform(heatmap_results(path))
    assert len(pickle.dumps(transform)) < array.nbytes / 4


def test_a_data_set_without_heatmaps_is_told_what_to_set():
    with pytest.raises(ValueError, match=r"set its heatmap_file \(for example 'info/heatmaps.npy'"):
        LoadHeatmaps().transform({"clip_indices": np.zeros((1, 1), dtype=int)})


def test_heatmaps_that_are_not_finite_are_refused_by_row(heatmap_file):
    path, array = heatmap_file
    array[0, 16, 3, 2] = np.inf
    np.save(path, array)
    with pytest.raises(ValueError, match=r"heatmap file .*finite numbers, but row 0 has others"):
        LoadHeatmaps().transform(heatmap_results(path))


@pytest.mark.parametrize("name", ["LoadKeypoints", "LoadHeatmaps"])
def test_the_loaders_build_from_a_config(name):
    assert name in repr(TRANSFORMS.build({"type": name}))
