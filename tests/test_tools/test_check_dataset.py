"""tools/dataset_converters/check_dataset.py names what is broken, also by its exit status."""

from __future__ import annotations

import json
import shutil

import cv2
import pytest

from tests.drawn_sets import draw_tiny

TOOL = "dataset_converters/check_dataset.py"


@pytest.fixture
def check(run_tool, tmp_path, capsys):
    def call(*arguments) -> tuple[int, str]:
        report = ["--report", tmp_path / "broken.txt", "--workers", 1]
        with pytest.raises(SystemExit) as caught:
            run_tool(TOOL, *map(str, [*arguments, *report]))
        said = capsys.readouterr()
        return caught.value.code, said.out + said.err

    return call


def test_a_whole_set_ends_well_with_a_table_and_a_picture(check, drawn_mars, tmp_path):
    picture = tmp_path / "sizes" / "histogram.png"
    status, said = check(
        *("--dataset", "MARS", "--data-root", drawn_mars, "--frames", "header"),
        *("--histogram", picture, "--json", tmp_path / "found.json"),
    )
    assert status == 0
    assert "nothing is broken" in said
    assert "none, own data" in said
    assert "0 broken" in said
    assert cv2.imread(str(picture)).shape[2] == 3
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["parts"]["train"]["counts"]["tracklets"] == 16
    assert found["protocols"]["query-in-gallery"]["counts"]["scored"] == 8
    assert not found["broken"]
    assert not (tmp_path / "broken.txt").exists()


def test_broken_frames_are_named_listed_and_counted(check, drawn_mars, tmp_path):
    root = tmp_path / "mars"
    shutil.copytree(drawn_mars, root)
    frames = sorted((root / "bbox_train").rglob("*.jpg"))
    frames[0].write_bytes(b"")
    frames[3].unlink()
    arguments = ["--dataset", "MARS", "--data-root", root, "--show", 1]
    status, said = check(*arguments, "--json", tmp_path / "found.json")
    assert status == 1
    assert f"{frames[0]}: is empty" in said
    assert str(frames[3]) not in said, "only the first one is shown"
    assert "2 broken" in said
    listed = [line.split("\t") for line in (tmp_path / "broken.txt").read_text().splitlines()]
    assert listed == [[str(frames[0]), "is empty (0 bytes)"], [str(frames[3]), "does not exist"]]
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["frames"]["broken"][1] == {"path": str(frames[3]), "reason": "does not exist"}
    assert found["broken"]


def test_a_config_says_what_to_check(check, drawn_mars):
    config = "configs/quickstart/ctl_r18_quickstart.py"
    status, said = check(config, "--data-root", drawn_mars, "--splits", "test", "--frames", "none")
    assert status == 0
    assert "query-excluded" in said
    assert "train" not in said.replace("keypoints", "")


@pytest.fixture
def duke(tmp_path):
    """A drawn set in folders, whose frames are all there."""
    root = draw_tiny(tmp_path / "duke", "dukemtmc-videoreid")
    # An array of all frames would not fit any more.
    (root / "info" / "keypoints.npy").unlink()
    return root


@pytest.fixture
def check_duke(check, duke):
    return lambda: check("--dataset", "DukeMTMCVideoReID", "--data-root", duke)


def test_a_missing_frame_and_a_file_passed_over_are_to_be_looked_at(check_duke, duke):
    status, said = check_duke()
    assert (status, "nothing is broken" in said) == (0, True)
    one, other = sorted(path for path in (duke / "train").rglob("*") if path.suffix == ".jpg")[1:3]
    one.unlink()
    other.rename(other.with_suffix(".JPG"))
    status, said = check_duke()
    assert status == 0
    assert f"to look at: {one.parent}: " in said
    assert "lack the frames 2 to 3\n" in said
    assert f"1 passed over, not ending with .jpg: {other.stem}.JPG" in said
    assert "no file is broken, 2 findings are to be looked at" in said
    assert "nothing is broken" not in said


def test_a_link_that_leads_nowhere_is_broken(check_duke, duke):
    person = next((duke / "train").iterdir())
    (person / "9999").symlink_to("gone")
    status, said = check_duke()
    assert status == 1
    assert f"broken: {person / '9999'}: is a link to gone, which is not there" in said
    assert "something is broken" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either a config or --dataset"),
        (["--dataset", "MARS"], "--dataset needs --data-root"),
        (["--dataset", "MARS", "--data-root", "nowhere"], "nowhere/info/train_name.txt does not"),
        (["configs/_base_/default_runtime.py"], "must have train_dataloader.dataset to check"),
    ],
)
def test_a_users_mistake_ends_in_one_line_and_status_2(check, arguments, message):
    status, said = check(*arguments)
    assert status == 2
    assert f"error: {message}" in said or message in said


@pytest.mark.parametrize(("cameras", "status"), [((1, 1), 1), ((1, 2), 0)])
def test_queries_that_cannot_have_a_match_are_broken(check, tmp_path, cameras, status):
    tracklets = [
        {"pid": 1, "camid": camid, "split": split, "frames": [f"{split}.png"]}
        for split, camid in zip(("query", "gallery"), cameras, strict=True)
    ]
    (tmp_path / "annotations.json").write_text(json.dumps({"tracklets": tracklets}))
    data = ["--dataset", "TrackletDataset", "--data-root", tmp_path, "--splits", "test"]
    found, said = check(*data, "--frames", "none", "--json", tmp_path / "found.json")
    assert found == status
    assert ("no query has a match under any protocol" in said) == bool(status)
    assert json.loads((tmp_path / "found.json").read_text())["no_match"] == bool(status)


def test_a_data_set_of_nobody_known_lacks_nothing(check, tmp_path):
    tracklets = [{"camid": 1, "frames": [f"{number}.png"]} for number in (1, 2)]
    (tmp_path / "annotations.json").write_text(json.dumps({"tracklets": tracklets}))
    data = ["--dataset", "TrackletDataset", "--data-root", tmp_path, "--frames", "none"]
    status, said = check(*data)
    assert status == 0
    assert "not checked: train and test: nobody is labelled yet\n" in said


def test_a_data_set_without_training_people_is_checked(check, tmp_path):
    tracklets = [
        {"pid": pid, "camid": 1, "split": "query", "frames": [f"{pid}.png"]} for pid in (1, 2)
    ]
    (tmp_path / "annotations.json").write_text(json.dumps({"tracklets": tracklets}))
    data = ["--dataset", "TrackletDataset", "--data-root", tmp_path, "--frames", "none"]
    status, said = check(*data)
    assert status == 0
    assert "not checked: " in said
    assert "the 'train' split needs at least one tracklet" in said
    assert "to look at: every tracklet is a person of its own" in said
    assert "no file is broken, 1 finding is to be looked at" in said
    status, said = check(*data, "--splits", "train", "test")
    assert status == 2


def test_what_was_not_looked_at_is_said(check, drawn_mars):
    data = ["--dataset", "MARS", "--data-root", drawn_mars]
    _, said = check(*data, "--frames", "none")
    assert "rows were not compared with the size of their frame" in said
    _, said = check(*data)
    assert "0.00% of the joints lie outside of their frame\n" in said
