"""A set that track_video.py has made, unlabelled and labelled, through the tools for data sets."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmctl.datasets import TrackletDataset
from mmctl.datasets.synthetic.street import StreetSettings, StreetWriter
from mmctl.evaluation import TrackletFeatures
from tests.conftest import ROOT, load_tool
from tests.test_apis.conftest import checkpoints

__all__ = ["checkpoints"]  # fixture

SETTINGS = StreetSettings(people=8, cameras=2, seconds=8, fps=4.0, size=(96, 160), things=0, seed=3)
POSES = "dataset_converters/import_keypoints.py"
CHECK = "dataset_converters/check_dataset.py"
LABEL = "dataset_converters/label_tracklets.py"
BROWSE = "visualization/browse_dataset.py"
CTL = f"{ROOT}/configs/quickstart/ctl_r18_quickstart.py"
Tool = Callable[..., None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draw a street, track it by its own boxes, and import the keypoints of its frames."""
    folder = tmp_path_factory.mktemp("tracked")
    StreetWriter(folder / "street", SETTINGS).write()
    numbers = (1, 2)
    videos, tracks, poses = (
        [str(folder / "street" / f"camera{number}{end}") for number in numbers]
        for end in (".mp4", ".txt", "_poses.json")
    )
    with pytest.MonkeyPatch.context() as patch:
        options = ["--detector", "MotFile", "--tracks", *tracks, "--min-size", "8", "4"]
        command = ["track_video.py", *videos, "--out", str(folder / "set"), *options]
        patch.setattr("sys.argv", [*command, "--min-length", "2"])
        load_tool("track_video.py").main()
        cameras = [
            part for n, pose in zip("12", poses, strict=True) for part in ("--camera", n, pose)
        ]
        named = ["--dataset", "TrackletDataset", "--data-root", str(folder / "set")]
        patch.setattr("sys.argv", [POSES, *named, *cameras, "--max-missing", "0.1"])
        load_tool(POSES).main()
    return folder


@pytest.fixture
def tracked(made: Path, tmp_path: Path) -> Path:
    """Return a copy that a test may label."""
    return Path(shutil.copytree(made / "set", tmp_path / "set"))


def write_config(path: Path, root: Path, parts: dict[str, str], keypoints: str | None) -> str:
    """Write the quickstart's config of CTL on a folder of one's own; the baseline's without."""
    base = CTL if keypoints else CTL.replace("ctl_r18", "baseline_r18")
    lines = [f"_base_ = {base!r}"]
    for part, split in parts.items():
        dataset = {"_delete_": True, "type": "TrackletDataset", "data_root": str(root)}
        dataset |= {"split": split, "keypoint_file": keypoints}
        pipeline = f"_base_.{part}_pipeline"
        lines.append(
            f"{part}_dataloader = dict(num_workers=0, persistent_workers=False, "
            f"dataset=dict({', '.join(f'{k}={v!r}' for k, v in dataset.items())}, "
            f"pipeline={pipeline}))"
        )
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_an_unlabelled_set_is_checked_by_its_folder_and_by_a_config(
    tracked: Path, tmp_path: Path, run_tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = dict.fromkeys(("train", "val", "test"), "all")
    config = write_config(tmp_path / "own.py", tracked, parts, "info/keypoints.npy")
    named = ["--dataset", "TrackletDataset", "--data-root", str(tracked)]
    for arguments in (named, [config], [config, "--splits", "unlabelled"]):
        with pytest.raises(SystemExit) as ended:
            run_tool(CHECK, *arguments, "--frames", "decode", "--workers", "1")
        said = capsys.readouterr().out
        assert ended.value.code == 0, said
        assert "unlabelled" in said
        assert "nothing is broken" in said
        assert "info/keypoints.npy" in said
    with pytest.raises(SystemExit) as ended:
        run_tool(CHECK, config, "--splits", "train")
    assert ended.value.code == 2
    assert "the 'train' split needs at least one tracklet" in capsys.readouterr().err


def test_clips_of_an_unlabelled_set_are_drawn(
    tracked: Path, tmp_path: Path, run_tool: Tool
) -> None:
    parts = dict.fromkeys(("train", "val", "test"), "all")
    config = write_config(tmp_path / "own.py", tracked, parts, "info/keypoints.npy")
    for split in ("train", "test"):
        out = tmp_path / f"{split}.png"
        run_tool(BROWSE, config, "--split", split, "--num-tracklets", "1", "--out", str(out))
        assert cv2.imread(str(out)).std() > 5


@pytest.mark.parametrize("source", ["tracked", "list"])
def test_a_test_of_unlabelled_tracklets_writes_features_and_says_that_none_are_scored(
    checkpoints: dict[str, Path],
    tracked: Path,
    tmp_path: Path,
    run_tool: Tool,
    capsys: pytest.CaptureFixture[str],
    source: str,
) -> None:
    if source == "list":  # which says nothing but the camera and the frames
        listed = json.loads((tracked / "annotations.json").read_text())["tracklets"]
        plain = [{key: entry[key] for key in ("camid", "frames")} for entry in listed]
        (tracked / "annotations.json").write_text(json.dumps({"tracklets": plain}))
    config = write_config(tmp_path / "own.py", tracked, {"test": "all"}, None)
    options = ["--work-dir", str(tmp_path / "t"), "--cfg-options", "model.head.num_classes=8"]
    out, numbers = tmp_path / "features.npz", tmp_path / "numbers.json"
    command = ["test.py", config, str(checkpoints["baseline"]), *options[:2]]
    run_tool(*command, "--out", str(out), "--metrics-file", str(numbers), *options[2:])
    said = capsys.readouterr()
    number = len(TrackletDataset(data_root=str(tracked), split="all"))
    text = f"{number} of {number} tracklets have no pid, so nobody knows who is who and nothing"
    assert (said.out + said.err).count(text) == 1
    features = TrackletFeatures.load(out)
    assert len(features.features) == number
    assert len(np.unique(features.pids)) == number
    assert json.loads(numbers.read_text())["num_queries"] == 0
    with pytest.raises(SystemExit) as ended:
        run_tool(*command, *options[2:])
    assert ended.value.code == 2
    assert "have no pid, so nobody knows who is who" in capsys.readouterr().err


def test_a_labelled_set_trains_and_is_tested(
    made: Path, tracked: Path, tmp_path: Path, run_tool: Tool
) -> None:
    who = ["--identities", str(made / "street" / "persons.csv"), "--split", "random"]
    run_tool(LABEL, str(tracked), *who)
    with pytest.raises(SystemExit) as ended:
        run_tool(CHECK, "--dataset", "TrackletDataset", "--data-root", str(tracked))
    assert ended.value.code == 0
    parts = {"train": "train", "val": "test", "test": "test"}
    config = write_config(tmp_path / "own.py", tracked, parts, "info/keypoints.npy")
    num_pids = TrackletDataset(data_root=str(tracked)).metainfo["num_pids"]
    assert num_pids > 1
    options = [f"model.head.num_classes={num_pids}", "train_dataloader.batch_size=4"]
    options += ["train_dataloader.sampler.num_pids=2", "train_cfg.max_epochs=1"]
    options += ["default_hooks.checkpoint.interval=1", "train_cfg.val_interval=1"]
    work = tmp_path / "work"
    run_tool("train.py", config, "--work-dir", str(work), "--cfg-options", *options)
    numbers = tmp_path / "numbers.json"
    run_tool(
        *("test.py", config, str(work / "epoch_1.pth"), "--work-dir", str(tmp_path / "t")),
        *("--metrics-file", str(numbers), "--cfg-options", *options[:3]),
    )
    found = json.loads(numbers.read_text())
    assert found["num_queries"] > 0
    assert 0 < found["mAP"] <= 100
