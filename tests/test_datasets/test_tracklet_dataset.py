import copy
import json
import pickle

import numpy as np
import pytest

from mmctl.datasets import TrackletDataset
from mmctl.datasets.tracklet import Tracklet
from mmctl.registry import DATASETS
from tests.test_datasets.written_tracklets import (
    FULL_PIPELINE,
    NUM_FRAMES,
    infos,
    save_keypoints,
    write_frames,
)


def test_train_labels_are_contiguous_by_sorted_pid(build):
    dataset = build(split="train")
    assert [info["pid"] for info in infos(dataset)] == [40, 12, 40]
    assert [info["gt_label"] for info in infos(dataset)] == [1, 0, 1]
    assert dataset.metainfo == {"dataset_name": "street", "num_pids": 2}


def test_test_lists_every_query_and_gallery_tracklet_once(build):
    dataset = build(split="test")
    rows = [(info["pid"], info["camid"], info["split"]) for info in infos(dataset)]
    assert rows == [(7, 1, "query"), (7, 2, "gallery"), (-1, 1, "gallery"), (0, 2, "gallery")]
    assert [info["tracklet_id"] for info in infos(dataset)] == [0, 1, 2, 3]
    assert not any("gt_label" in info for info in infos(dataset))
    assert dataset.metainfo["num_pids"] == 1


def test_frame_paths_start_at_data_root_and_keep_their_order(build, tmp_path):
    paths = build(split="train").get_data_info(0)["frame_paths"]
    assert paths == [str(tmp_path / f"train/40_1_{i}.png") for i in range(3)]


def test_frames_listed_on_windows_are_found(build, content, tmp_path):
    frames = content["tracklets"][0]["frames"]
    content["tracklets"][0]["frames"] = [frame.replace("/", "\\") for frame in frames]
    dataset = build()
    assert infos(dataset)[0]["frame_paths"] == [str(tmp_path / frame) for frame in frames]
    assert dataset.frame_names()[: len(frames)] == frames


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (["..\\b\\0.png"], r"'frames'\[0\] must stay below data_root"),
        (["a\\0.png", "a/0.png"], "each frame once, got 'a/0.png' twice"),
    ],
)
def test_rules_hold_for_frames_listed_on_windows(build, content, frames, message):
    content["tracklets"][0]["frames"] = frames
    with pytest.raises(ValueError, match=message):
        build()


def test_no_frame_is_needed_to_build_and_no_keypoints_are_invented(build):
    info = build(split="test").get_data_info(0)
    assert "keypoint_file" not in info
    assert "keypoint_rows" not in info


def test_the_name_of_the_class_is_the_default_name(build, content):
    del content["metainfo"]
    assert build().metainfo["dataset_name"] == "TrackletDataset"


def test_it_builds_from_a_config_and_survives_pickling(build, tmp_path):
    build()
    dataset = DATASETS.build({"type": "TrackletDataset", "data_root": str(tmp_path)})
    again = pickle.loads(pickle.dumps(dataset))
    assert infos(again) == infos(dataset)


def test_arguments_of_the_base_reach_it(build):
    assert len(build(indices=[2, 0])) == 2
    assert build(indices=[2]).get_data_info(0)["gt_label"] == 1
    assert build(lazy_init=True).data_list == []
    assert build(test_mode=True).test_mode is True
    assert build(metainfo={"site": ["a"]}).metainfo["site"] == ["a"]
    assert len(build(serialize_data=False).data_list) == 3


@pytest.mark.parametrize("source", ["file", "constructor"])
def test_a_number_of_persons_that_is_not_theirs_is_refused(build, content, source):
    content["metainfo"]["num_pids"] = 5 if source == "file" else 2
    arguments = {} if source == "file" else {"metainfo": {"num_pids": 5}}
    with pytest.raises(ValueError, match=r"annotations\.json.* num_pids .*which is 2, got 5"):
        build(**arguments)


def test_the_right_number_of_persons_is_accepted(build):
    assert build(metainfo={"num_pids": 2}).metainfo["num_pids"] == 2


@pytest.mark.parametrize("pid", [0, -1])
def test_another_layout_must_give_persons_for_training_too(tmp_path, pid):
    class Layout(TrackletDataset):
        def read_tracklets(self):
            return [Tracklet(1, 1, "train", ["a"]), Tracklet(pid, 1, "train", ["b"])], None

    with pytest.raises(ValueError, match=rf"pid 1 or more.* tracklet 1 has pid {pid}$"):
        Layout(ann_file="", data_root=str(tmp_path))


@pytest.mark.parametrize("name", ["filter_cfg", "data_prefix", "keypoints"])
def test_an_argument_without_effect_is_refused(build, name):
    with pytest.raises(TypeError, match=rf"TrackletDataset has no argument '{name}'"):
        build(**{name: {}})


@pytest.mark.parametrize("split", ["val", "query", None])
def test_an_unknown_split_is_refused(build, split):
    with pytest.raises(ValueError, match="split must be 'train' or 'test' or 'all', got"):
        build(split=split)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.update(pid=0), r"tracklet 2: 'pid' must be an integer, at least 1.* got 0"),
        (lambda t: t.update(pid="12"), "tracklet 2: 'pid' must be an integer"),
        (lambda t: t.update(pid=True), "tracklet 2: 'pid' must be an integer"),
        (lambda t: t.update(camid=-1), "tracklet 2: 'camid' must be an integer.* got -1"),
        (lambda t: t.update(split="val"), "tracklet 2: 'split' must be.* got 'val'"),
        (lambda t: t.update(frames=[]), r"tracklet 2: 'frames' must be a list.* got \[\]"),
        (lambda t: t.update(frames="a.png"), "tracklet 2: 'frames' must be a list"),
        (lambda t: t.update(frames=["a", 3]), r"tracklet 2: 'frames'\[1\] must be a path, got 3"),
        (lambda t: t.pop("camid"), "tracklet 2 lacks the key 'camid'"),
        (lambda t: t.update(cam=1), "tracklet 2: key 'cam' is unknown"),
        (lambda t: t.update(keypoint_rows=[0]), "given for every tracklet or for none.* got 1 of"),
        (lambda t: t.update(keypoint_rows=[0, 1]), r"one row per frame \(1\), got 2"),
        (lambda t: t.update(keypoint_rows=None), r"one row per frame \(1\), got None"),
        (lambda t: t.update(keypoint_rows=[-1]), r"'keypoint_rows'\[0\] must be.* got -1"),
    ],
)
def test_a_broken_tracklet_is_named_with_key_rule_and_value(build, content, change, message):
    change(content["tracklets"][2])
    with pytest.raises(ValueError, match=rf"annotations\.json.*{message}"):
        build()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON that can be read"),
        ("[]", "must be an object with a list under 'tracklets'"),
        ('{"tracklets": {}}', "must be an object with a list under 'tracklets'"),
        ('{"tracklets": [], "data_list": []}', "only the keys .* got 'data_list'"),
        ('{"tracklets": [], "metainfo": 3}', "'metainfo' must be an object, got 3"),
        ('{"tracklets": [5]}', "tracklet 0 must be an object, got 5"),
    ],
)
def test_a_broken_file_is_named(tmp_path, text, message):
    (tmp_path / "annotations.json").write_text(text)
    with pytest.raises(ValueError, match=rf"annotations\.json.*{message}"):
        TrackletDataset(data_root=str(tmp_path))


def test_a_missing_file_is_named_with_an_example(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"own\.json does not exist; .*\"tracklets\""):
        TrackletDataset("own.json", data_root=str(tmp_path))


@pytest.mark.parametrize(("split", "needed"), [("train", "train"), ("test", "query")])
def test_an_empty_split_is_refused(build, content, split, needed):
    content["tracklets"] = [t for t in content["tracklets"] if t["split"] != needed]
    with pytest.raises(ValueError, match=f"needs at least one tracklet with split '{needed}'"):
        build(split=split)


def test_keypoint_rows_count_the_frames_of_all_splits(build, tmp_path):
    save_keypoints(tmp_path)
    train = build(keypoint_file="keypoints.npy")
    rows = [info["keypoint_rows"].tolist() for info in infos(train)]
    assert rows == [[0, 1, 2], [5], [10, 11]]
    test = build(split="test", keypoint_file="keypoints.npy")
    rows += [info["keypoint_rows"].tolist() for info in infos(test)]
    assert sorted(row for group in rows for row in group) == list(range(NUM_FRAMES))
    assert train.get_data_info(0)["keypoint_file"] == str(tmp_path / "keypoints.npy")
    assert train.get_data_info(0)["keypoint_rows"].dtype == np.int64


def test_keypoint_rows_of_the_file_are_taken_as_they_are(build, content, tmp_path):
    save_keypoints(tmp_path, num_rows=99)
    for tracklet in content["tracklets"]:
        tracklet["keypoint_rows"] = [98 - i for i in range(len(tracklet["frames"]))]
    info = build(keypoint_file="keypoints.npy").get_data_info(0)
    assert info["keypoint_rows"].tolist() == [98, 97, 96]
    save_keypoints(tmp_path, num_rows=98)
    with pytest.raises(ValueError, match=r"has 98 rows, but train tracklet 0 .* names row 98"):
        build(keypoint_file="keypoints.npy")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_rows": 13}, "one row per frame .* 14 frames, got 13 rows"),
        ({"dtype": np.float64}, r"must hold float32 \(number of frames, 17, 3\).* got float64"),
        ({"joints": 16}, r"must hold float32 .*got float32 \(14, 16, 3\)"),
    ],
)
def test_a_keypoint_array_that_does_not_fit_is_refused(build, tmp_path, arguments, message):
    save_keypoints(tmp_path, **arguments)
    with pytest.raises(ValueError, match=rf"keypoint file .*keypoints\.npy.*{message}"):
        build(keypoint_file="keypoints.npy")


def test_a_missing_or_cut_off_keypoint_file_is_named(build, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"keypoints\.npy does not exist"):
        build(keypoint_file="keypoints.npy")
    save_keypoints(tmp_path)
    path = tmp_path / "keypoints.npy"
    for content in (path.read_bytes()[:-40], b"", b"no array"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"keypoints\.npy (is not a whole|must have the)"):
            build(keypoint_file="keypoints.npy")


def test_the_keypoint_array_stays_out_of_the_pickle(build, tmp_path):
    array = save_keypoints(tmp_path)
    dataset = build(keypoint_file="keypoints.npy", pipeline=FULL_PIPELINE)
    write_frames(dataset)
    dataset[0]
    assert array[:3].tobytes()[:64] not in pickle.dumps(dataset)
    assert array[:3].tobytes()[:64] in pickle.dumps(array), "the check sees an array"


def test_the_whole_pipeline_gives_packed_clips(build, tmp_path):
    save_keypoints(tmp_path)
    dataset = build(keypoint_file="keypoints.npy", pipeline=FULL_PIPELINE)
    write_frames(dataset)
    for item in (dataset[0], pickle.loads(pickle.dumps(dataset))[0], copy.deepcopy(dataset)[0]):
        assert item["inputs"].shape == (1, 2, 3, 8, 4)
        assert item["data_samples"].keypoints.shape == (1, 2, 17, 3)
        assert item["data_samples"].gt_label == 1
        assert item["data_samples"].clip_weights.tolist() == [2]


def test_a_row_far_beyond_the_frames_costs_no_memory(tmp_path):
    entry = {"pid": 1, "camid": 1, "split": "train", "frames": ["a.jpg"], "keypoint_rows": [2**62]}
    (tmp_path / "annotations.json").write_text(json.dumps({"tracklets": [entry]}))
    with pytest.raises(ValueError, match=r"must be all from 0 to .* but no frame has row 0"):
        TrackletDataset(data_root=str(tmp_path)).frame_names()


def test_a_tilde_is_the_home_folder_in_every_path(build, tmp_path, monkeypatch):
    build()
    save_keypoints(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    paths = {"ann_file": "~/annotations.json", "keypoint_file": "~/keypoints.npy"}
    for data_root in ("~", "~/elsewhere"):
        dataset = TrackletDataset(data_root=data_root, **paths)
        assert len(dataset) == 3
        assert dataset.keypoint_file == str(tmp_path / "keypoints.npy")
    assert dataset.get_data_info(0)["frame_paths"][0].startswith(str(tmp_path / "elsewhere"))
