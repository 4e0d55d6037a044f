import json
import shutil

import numpy as np
import pytest

from mmctl.apis import street_evaluation, street_truth
from mmctl.datasets.synthetic.street import StreetSettings, StreetWriter
from mmctl.datasets.tracking.identity_map import read_identities
from mmctl.structures import Detections

SETTINGS = StreetSettings(people=6, cameras=2, seconds=8, fps=4.0, size=(96, 160), things=0, seed=3)
CONVERT = "dataset_converters/convert_mot.py"


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    folder = tmp_path_factory.mktemp("street") / "street"
    StreetWriter(folder, SETTINGS).write()
    return folder


@pytest.fixture
def tracked(street, run_tool, tmp_path):
    cameras = []
    for camid in "12":
        cameras += ["--camera", camid, str(street / f"camera{camid}.txt")]
        cameras.append(str(street / f"camera{camid}.mp4"))
    options = ["--min-size", "4", "2", "--min-length", "1", "--max-gap", "50"]
    run_tool(CONVERT, str(tmp_path / "tracked"), *cameras, *options)
    return tmp_path / "tracked"


class Oracle:
    """Finds what is true, each box moved by some pixels, the joints as well."""

    def __init__(self, truths, shift, has_keypoints=True):
        self.truths, self.shift, self.has_keypoints = truths, shift, has_keypoints

    def start(self, source, tracks):
        assert tracks is None
        (self.now,) = (truth for truth in self.truths if truth.video == source.path)

    def detect(self, frames, positions):
        rows = self.now.tracks.frames == positions[0]
        boxes, joints = self.now.tracks.boxes[rows], self.now.keypoints[rows]
        moved = boxes + np.array([self.shift, 0, 0, 0])
        keypoints = joints + np.array([self.shift, 0, 0]) if self.has_keypoints else None
        return [Detections(moved, np.linspace(1, 0.5, len(boxes)), keypoints)]


def test_a_detector_that_finds_all_is_perfect(street):
    truths = street_truth.read_street(street)
    told = []
    scores = street_evaluation.score_detector(
        truths, Oracle(truths, 0.0), 2, lambda done, total: told.append((done, total))
    )
    assert scores["AP"] == scores["AP50"] == scores["PCK"] == pytest.approx(100)
    assert scores["frames"] == 32
    assert told == [(done, 32) for done in range(1, 33)]
    wanted = sum(
        int((~truth.tracks.is_ignored[truth.tracks.frames % 2 == 0]).sum()) for truth in truths
    )
    assert scores["persons"] == wanted > 10


def test_boxes_beside_people_cost_precision_and_joints(street):
    truths = street_truth.read_street(street)
    scores = street_evaluation.score_detector(truths, Oracle(truths, 2.0), 2)
    assert scores["AP"] < 90
    assert scores["PCK"] < 60
    without = street_evaluation.score_detector(truths, Oracle(truths, 0.0, has_keypoints=False), 4)
    assert "PCK" not in without


def test_the_true_tracks_follow_the_people_they_are_of(street, tracked, tmp_path):
    pytest.importorskip("motmetrics")
    truths = street_truth.read_street(street)
    tracks = street_truth.read_tracks(tracked)
    scores, persons = street_evaluation.score_tracking(truths, tracks)
    assert scores["IDF1"] > 99
    assert scores["switches"] == scores["false_alarms"] == 0
    wanted = read_identities(street / "persons.csv")
    assert persons == {key: wanted[key] for key in persons}
    assert len(persons) > 6
    street_truth.write_persons(tmp_path / "found.csv", persons)
    assert read_identities(tmp_path / "found.csv") == persons


def test_features_of_persons_find_them_in_the_other_camera(tmp_path):
    persons = {(1, 4): 1, (1, 5): 2, (2, 1): 1, (2, 2): 2, (2, 3): -1}
    np.savez(
        tmp_path / "features.npz",
        # The junk track looks like the first person and is not found.
        features=np.array([[1, 0], [0, 1], [0.9, 0.1], [0.8, 0.6], [1, 0]], np.float32),
        camids=np.array([1, 1, 2, 2, 2]),
        tracks=np.array([4, 5, 1, 2, 3]),
    )
    scores = street_evaluation.score_features(tmp_path / "features.npz", persons)
    # Cosines: 4-1 .99, 4-2 .8; 5-1 .11, 5-2 .6; 1-4 .99, 1-5 .11; 2-4 .8, 2-5 .6: three of four.
    assert scores["R1"] == pytest.approx(75)
    assert scores["mAP"] == pytest.approx(87.5)
    assert (scores["queries"], scores["persons"], scores["junk"]) == (4, 2, 1)


def test_numbers_are_printed_with_their_units(street, tracked, run_tool, capsys):
    pytest.importorskip("motmetrics")
    run_tool("analysis_tools/evaluate_street.py", str(street), "--tracks", str(tracked))
    lines = [line.split("│") for line in capsys.readouterr().out.splitlines() if "│" in line]
    rows = {cells[1].strip(): cells[2].strip() for cells in lines}
    assert float(rows["IDF1, %"]) > 99
    assert "." not in rows["boxes"]
    assert rows["false alarms"] == "0"


def test_a_file_without_tracks_is_named(tmp_path):
    np.savez(tmp_path / "features.npz", features=np.eye(2, dtype=np.float32), camids=np.arange(2))
    with pytest.raises(ValueError, match=r"features\.npz must have .*, but lacks tracks"):
        street_evaluation.score_features(tmp_path / "features.npz", {})


@pytest.mark.parametrize(
    ("persons", "message"),
    [
        ({(1, 7): 3}, "none of its 2 tracklets is of one of these 1 tracks .* of other data"),
        ({(0, 0): -1, (1, 1): -1}, "none of its 2 tracks is mostly on one person"),
    ],
)
def test_features_of_other_data_or_of_nobody_are_refused(tmp_path, persons, message):
    arrays = {"camids": np.arange(2), "tracks": np.arange(2)}
    np.savez(tmp_path / "features.npz", features=np.eye(2, dtype=np.float32), **arrays)
    with pytest.raises(ValueError, match=message):
        street_evaluation.score_features(tmp_path / "features.npz", persons)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content["annotations"][3].pop("pid"), "annotation 3 lacks the key 'pid'"),
        (lambda content: content["annotations"][1].update(bbox=[1, 2, 3]), "annotation 1: 'bbox'"),
        (lambda content: content.pop("annotations"), "must be an object with a list under"),
    ],
)
def test_a_damaged_truth_is_named(street, tmp_path, change, message):
    copied = shutil.copytree(street, tmp_path / "copied")
    path = copied / "camera2_poses.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        street_truth.read_street(copied)


def test_a_folder_without_a_street_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cameras\.json"):
        street_truth.read_street(tmp_path)
