"""The tool that makes keypoint arrays from files of other programs."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmctl.datasets import MARS, TrackletDataset
from mmctl.datasets.keypoints.keypoint_header import read_header

EXTRACT = "dataset_converters/extract_keypoints.py"
IMPORT = "dataset_converters/import_keypoints.py"


@pytest.fixture
def openpose(drawn_mars: Path, tmp_path: Path) -> tuple[Path, np.ndarray, list[str]]:
    """Write the drawn keypoints as OpenPose would, for all frames but the last two."""
    names = MARS(str(drawn_mars)).frame_names()
    keypoints = np.load(drawn_mars / "info" / "keypoints.npy")[:-2]
    for name, joints in zip(names[:-2], keypoints, strict=True):
        path = tmp_path / "json" / f"{name.removesuffix('.jpg')}_keypoints.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        neck = joints[[5, 6]].mean(axis=0)
        rest = joints[[6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]]
        flat = np.concatenate((joints[:1], neck[None], rest)).ravel().tolist()
        path.write_text(json.dumps({"people": [{"pose_keypoints_2d": flat}]}))
    return tmp_path / "json", keypoints, names


def test_keypoints_of_another_program_are_imported(
    run_tool, openpose, drawn_mars, tmp_path, capsys
):
    folder, keypoints, names = openpose
    out = tmp_path / "imported.npy"
    arguments = [
        str(folder),
        "--dataset",
        "MARS",
        "--data-root",
        str(drawn_mars),
        "--out",
        str(out),
    ]
    run_tool(IMPORT, *arguments)
    assert f"{len(names)} frames, 2 of them without a person" in capsys.readouterr().out
    np.testing.assert_array_equal(np.load(out)[:-2], keypoints)
    assert not np.load(out)[-2:].any()
    assert read_header(out).estimator == "imported: json"
    MARS(str(drawn_mars), keypoint_file=str(out))
    with pytest.raises(SystemExit, match="2"):
        run_tool(IMPORT, *arguments)
    assert "exists: choose another place" in capsys.readouterr().err
    out.unlink()
    with pytest.raises(SystemExit, match="2"):
        run_tool(IMPORT, *arguments, "--max-missing", "0.001")
    assert "--max-missing takes another share" in capsys.readouterr().err
    assert not out.exists()


def test_unlabelled_persons_are_no_keypoints(run_tool, drawn_mars, tmp_path, capsys):
    names = MARS(str(drawn_mars)).frame_names()
    images = [{"id": row, "file_name": name} for row, name in enumerate(names)]
    flat = {True: [20, 30, 2] * 17, False: [0] * 51}
    source, out = tmp_path / "coco.json", tmp_path / "imported.npy"

    def import_labelled(num_labelled: int) -> None:
        persons = [
            {"image_id": row, "keypoints": flat[row < num_labelled], "num_keypoints": 0}
            for row in range(len(names))
        ]
        source.write_text(json.dumps({"images": images, "annotations": persons}))
        where = ["--dataset", "MARS", "--data-root", str(drawn_mars), "--out", str(out)]
        run_tool(IMPORT, str(source), *where)

    for num_labelled in (0, len(names) // 2):
        with pytest.raises(SystemExit, match="2"):
            import_labelled(num_labelled)
        assert not out.exists()
    assert f"as {names[len(names) // 2]}" in capsys.readouterr().err
    import_labelled(len(names) - 1)
    assert "1 of them without a person (zeros); persons left out: 1 without a joint, 0" in (
        capsys.readouterr().out
    )


@pytest.fixture
def gallery(tmp_path: Path) -> tuple[Path, list[str]]:
    """Make a data set of two queries and nothing else."""
    names = ["1.png", "2.png"]
    tracklets = [
        {"pid": pid, "camid": 1, "split": "query", "frames": [name]}
        for pid, name in enumerate(names, start=1)
    ]
    root = tmp_path / "gallery"
    root.mkdir()
    (root / "annotations.json").write_text(json.dumps({"tracklets": tracklets}))
    for name in names:
        assert cv2.imwrite(str(root / name), np.zeros((64, 32, 3), np.uint8))
    return root, names


def test_a_data_set_without_training_people_gets_keypoints(
    run_tool, gallery, estimator, tmp_path, capsys
):
    root, names = gallery
    arguments = {"data_root": str(root), "split": "test", "keypoint_file": "info/keypoints.npy"}
    with pytest.raises(FileNotFoundError) as caught:
        TrackletDataset(**arguments)
    # What the message recommends, with an estimator that needs no network.
    command = shlex.split(str(caught.value).split(EXTRACT)[1])
    run_tool(EXTRACT, *command, *estimator, "--frame-size", "64", "32", "--num-workers", "0")
    TrackletDataset(**arguments)
    entries = [{"image_id": name, "keypoints": [9, 9, 0.5] * 17} for name in names]
    (tmp_path / "k.json").write_text(json.dumps(entries))
    config = tmp_path / "own.py"
    dataset = {"type": "TrackletDataset", "data_root": str(root), "split": "test"}
    config.write_text(f"test_dataloader = dict(dataset={dataset})\n")
    run_tool(IMPORT, str(tmp_path / "k.json"), "--config", str(config), "--overwrite")
    said = capsys.readouterr().out.replace("\n", " ")
    assert "2 frames, 0 of them without a person" in said
    assert "0.00% of the joints lie outside of their frame, in 2 frames" in said
    config.write_text("model = dict()\n")
    with pytest.raises(SystemExit, match="2"):
        run_tool(IMPORT, str(tmp_path / "k.json"), "--config", str(config))
    assert "own.py must have a data set in its train_dataloader" in capsys.readouterr().err


def test_poses_of_whole_frames_are_no_keypoints_of_crops(run_tool, gallery, tmp_path, capsys):
    root, names = gallery
    entries = [{"image_id": name, "keypoints": [400, 300, 0.5] * 17} for name in names]
    (tmp_path / "k.json").write_text(json.dumps(entries))
    arguments = ["--dataset", "TrackletDataset", "--data-root", str(root)]
    with pytest.raises(SystemExit, match="2"):
        run_tool(IMPORT, str(tmp_path / "k.json"), *arguments)
    assert "34 of 34 joints lie outside of theirs" in capsys.readouterr().err
    assert not (root / "info").exists()


def test_a_list_without_frames_is_refused(run_tool, tmp_path, capsys):
    (tmp_path / "annotations.json").write_text('{"tracklets": []}')
    (tmp_path / "k.json").write_text("[]")
    arguments = ["--dataset", "TrackletDataset", "--data-root", str(tmp_path)]
    with pytest.raises(SystemExit, match="2"):
        run_tool(IMPORT, str(tmp_path / "k.json"), *arguments)
    assert "annotations.json must list a tracklet" in capsys.readouterr().err


@pytest.fixture
def tracked(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """Make an unlabelled set of two crops of one camera, and a pose for each in its frames."""
    root = tmp_path / "tracked"
    root.mkdir()
    boxes = [[40, 10, 32, 64], [44, 12, 32, 64]]
    entry = {"camid": 3, "frames": ["0.png", "1.png"], "video": "gate.mp4", "track": 1}
    entry |= {"frame_numbers": [0, 1], "boxes": boxes}
    (root / "annotations.json").write_text(json.dumps({"tracklets": [entry]}))
    for name in entry["frames"]:
        assert cv2.imwrite(str(root / name), np.zeros((64, 32, 3), np.uint8))
    joints = np.stack([np.linspace(3, 28, 17), np.linspace(4, 60, 17), np.full(17, 0.5)], axis=1)
    frames = [
        {"frame_id": at, "instances": [{"keypoints": (joints[:, :2] + box[:2]).tolist()}]}
        for at, box in enumerate(boxes)
    ]
    for frame in frames:
        frame["instances"][0]["keypoint_scores"] = joints[:, 2].tolist()
    (tmp_path / "gate.json").write_text(json.dumps(frames))
    return root, joints


def test_poses_of_whole_frames_become_keypoints_of_crops(run_tool, tracked, tmp_path, capsys):
    root, joints = tracked
    named = ["--dataset", "TrackletDataset", "--data-root", str(root)]
    run_tool(IMPORT, *named, "--camera", "3", str(tmp_path / "gate.json"))
    assert "2 frames, 0 of them without a matching pose (zeros)" in capsys.readouterr().out
    dataset = TrackletDataset(data_root=str(root), split="all", keypoint_file="info/keypoints.npy")
    stored = np.load(dataset.get_data_info(0)["keypoint_file"])
    np.testing.assert_allclose(stored, [joints, joints], atol=1e-4)
    assert read_header(root / "info/keypoints.npy").estimator == "imported: gate.json"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "name the poses of the data set's own frames by SOURCE, or those of whole frames"),
        (["x.json", "--camera", "3", "x.json"], "and not by both"),
        (["x.json", "--first-frame", "1"], "--first-frame is about whole frames: give --camera"),
        (["--camera", "three", "{0}"], "a camera's number must be an integer"),
        (["--camera", "3", "{0}", "--camera", "3", "{0}"], "got camera 3 twice"),
        (["--camera", "4", "{0}"], "camera 3 has no poses; the data set has cameras [3]"),
        (["--camera", "3", "{0}", "--frame-size", "0", "9"], "must be a height and width"),
        (["--camera", "3", "{0}", "--frame-size", "30", "30"], "pixels of the stored frame"),
        (["--camera", "3", "{0}", "--first-frame", "1"], "counted from 1, which --first-frame"),
        (["--camera", "3", "no.json"], "pose file no.json does not exist"),
    ],
)
def test_mistakes_about_whole_frames_end_in_one_line(
    run_tool, tracked, tmp_path, capsys, options, message
):
    root, _ = tracked
    named = ["--dataset", "TrackletDataset", "--data-root", str(root)]
    with pytest.raises(SystemExit, match="2"):
        run_tool(IMPORT, *(text.format(tmp_path / "gate.json") for text in options), *named)
    error = capsys.readouterr().err
    assert error.count("error:") == 1
    assert message in error
    assert not (root / "info").exists()


def test_whole_frames_need_a_list_that_keeps_boxes(run_tool, drawn_mars, tmp_path, capsys):
    named = ["--dataset", "MARS", "--data-root", str(drawn_mars), "--out", str(tmp_path / "k.npy")]
    with pytest.raises(SystemExit, match="2"):
        run_tool(IMPORT, *named, "--camera", "1", "x.json")
    assert "which a TrackletDataset's list keeps and a MARS does not" in capsys.readouterr().err


def test_an_unlabelled_set_gets_keypoints_of_an_estimator(run_tool, tracked, estimator):
    root, _ = tracked
    named = ["--dataset", "TrackletDataset", "--data-root", str(root)]
    size = ["--frame-size", "64", "32", "--num-workers", "0"]
    run_tool(EXTRACT, *named, *estimator, *size)
    dataset = TrackletDataset(data_root=str(root), split="all", keypoint_file="info/keypoints.npy")
    assert np.load(dataset.keypoint_file).shape == (2, 17, 3)
