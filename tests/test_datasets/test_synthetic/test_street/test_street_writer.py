import csv
import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from mmctl.datasets.keypoints.pose_json import read_persons
from mmctl.datasets.synthetic.street import StreetPainter, StreetWriter, plan_visits, street_segment
from mmctl.datasets.synthetic.street.street_files import MIN_VISIBLE
from mmctl.datasets.synthetic.street.street_state import clear_street
from mmctl.datasets.tracking import read_mot_file
from mmctl.datasets.tracking.identity_map import read_identities

NAMES = sorted(
    [
        *("camera1.mp4", "camera1.txt", "camera1_poses.json"),
        *("camera2.mp4", "camera2.txt", "camera2_poses.json"),
        *("cameras.json", "drawn.json", "persons.csv", "street.png"),
    ]
)


@pytest.fixture(autouse=True, scope="module")
def short_segments():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(street_segment, "SEGMENT_FRAMES", 5)
        yield


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def street(tmp_path_factory, small, short_segments):
    folder = tmp_path_factory.mktemp("drawn") / "street"
    StreetWriter(folder, small).write()
    return folder


@pytest.fixture
def copied(street, tmp_path):
    return shutil.copytree(street, tmp_path / "copied")


def truths(settings, camid):
    painter = StreetPainter(settings, camid, plan_visits(settings)[camid])
    return [painter.draw(index) for index in range(settings.num_frames)]


def test_a_street_has_videos_lists_and_a_picture_and_nothing_else(street):
    assert sorted(contents(street)) == NAMES


def test_videos_show_the_drawn_frames(street, small):
    for camid in (1, 2):
        capture = cv2.VideoCapture(str(street / f"camera{camid}.mp4"))
        assert capture.get(cv2.CAP_PROP_FPS) == 10
        for frame, _ in truths(small, camid):
            decoded, shown = capture.read()
            assert decoded
            assert np.abs(shown[..., ::-1].astype(int) - frame).mean() < 6
        assert not capture.read()[0]


def test_boxes_are_read_as_ground_truth_and_hidden_people_are_flagged(street, small):
    for camid in (1, 2):
        found = read_mot_file(street / f"camera{camid}.txt")
        wanted = [
            (index + 1, track, *box)
            for index, (_, truth) in enumerate(truths(small, camid))
            for track, box, visible in zip(
                truth.tracks.tolist(), truth.boxes.tolist(), truth.visible.tolist(), strict=True
            )
            if visible >= MIN_VISIBLE
        ]
        assert [*zip(found.frames.tolist(), found.tracks.tolist(), strict=True)] == [
            row[:2] for row in wanted
        ]
        corners = np.array([row[2:] for row in wanted])
        corners[:, 2:] -= corners[:, :2]
        np.testing.assert_allclose(found.boxes, corners, atol=0.11)


def test_keypoints_are_read_by_the_import_of_pose_files(street, small):
    persons = list(read_persons(street / "camera1_poses.json"))
    wanted = [
        (f"{index + 1:06d}.jpg", joints)
        for index, (_, truth) in enumerate(truths(small, 1))
        for joints in truth.keypoints
    ]
    assert [person.frame for person in persons] == [name for name, _ in wanted]
    for person, (_, joints) in zip(persons, wanted, strict=True):
        seen = joints[:, 2] > 0
        np.testing.assert_allclose(person.joints[seen, :2], joints[seen, :2], atol=0.01)
        assert person.joints[seen, 2].tolist() == [1] * int(seen.sum())
        assert person.frame_size == small.size


def test_keypoint_file_says_what_else_is_true(street):
    content = json.loads((street / "camera2_poses.json").read_text())
    persons = read_identities(street / "persons.csv")
    assert len(content["images"]) == 13
    for number, entry in enumerate(content["annotations"], 1):
        assert entry["id"] == number
        assert entry["iscrowd"] == (entry["visibility"] < MIN_VISIBLE)
        assert set(entry["keypoints"][2::3]) <= {0, 1, 2}
        assert 0 < entry["area"] <= entry["bbox"][2] * entry["bbox"][3]
        if not entry["iscrowd"]:
            assert persons[2, entry["track_id"]] == entry["pid"]


def test_only_joints_that_are_seen_have_the_flag_of_visible_ones(street, small):
    content = json.loads((street / "camera1_poses.json").read_text())
    flags = np.array([entry["keypoints"][2::3] for entry in content["annotations"]])
    wanted = np.concatenate([truth.keypoints[..., 2] for _, truth in truths(small, 1)])
    np.testing.assert_array_equal(flags == 2, wanted > 0)
    assert (flags == 1).any()


def test_identities_name_every_track_that_can_be_seen_and_no_other(street, small):
    with (street / "persons.csv").open() as file:
        rows = [*csv.reader(file)][1:]
    wanted = {
        (camid, track)
        for camid in (1, 2)
        for _, truth in truths(small, camid)
        for track in truth.tracks[truth.visible >= MIN_VISIBLE].tolist()
    }
    assert {(int(camid), int(track)) for camid, track, _ in rows} == wanted


def test_cameras_are_listed_with_the_start_of_their_videos(street):
    start = "2024-05-01T12:00:00Z"
    assert json.loads((street / "cameras.json").read_text()) == [
        {"video": "camera1.mp4", "camera": 1, "start": start},
        {"video": "camera2.mp4", "camera": 2, "start": start},
    ]


def test_a_street_is_the_same_bytes_however_many_processes_draw_it(street, small, tmp_path):
    StreetWriter(tmp_path / "other", small, workers=2).write()
    assert contents(tmp_path / "other") == contents(street)


@pytest.mark.parametrize("after", [1, 4])
def test_an_interrupted_street_is_finished_by_the_next_run(street, small, tmp_path, after):
    folder, done = tmp_path / "other", []

    def stop(number):
        done.append(number)
        if len(done) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        StreetWriter(folder, small).write(stop)
    assert not (folder / "camera1.mp4").exists()
    writer = StreetWriter(folder, small)
    assert not writer.is_finished()
    assert len(writer.pending()) == 6 - after
    writer.write()
    assert contents(folder) == contents(street)
    assert writer.is_finished()


def test_a_damaged_segment_is_drawn_again(small, tmp_path):
    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        StreetWriter(tmp_path, small).write(stop)
    (video,) = (tmp_path / "drawing").glob("*.mp4")
    video.write_bytes(video.read_bytes()[:-20])
    assert len(StreetWriter(tmp_path, small).pending()) == 6


def test_a_street_with_a_shortened_file_is_drawn_again(copied, street, small):
    (copied / "camera1.txt").write_bytes((copied / "camera1.txt").read_bytes()[:-5])
    assert not StreetWriter(copied, small).is_finished()
    StreetWriter(copied, small).write()
    assert contents(copied) == contents(street)
    assert StreetWriter(copied, small).is_finished()


def test_a_street_of_other_settings_is_left_alone(street, small):
    with pytest.raises(ValueError, match=r"other settings \(seed 3 there, 4 asked for\)"):
        StreetWriter(street, replace(small, seed=4)).is_finished()


def test_a_folder_of_other_files_is_left_alone(small, tmp_path):
    (tmp_path / "mine.txt").write_text("dear")
    with pytest.raises(ValueError, match="must be a new or empty folder, or a street drawn by"):
        StreetWriter(tmp_path, small).pending()
    with pytest.raises(ValueError, match="--force replaces drawn streets only"):
        clear_street(tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "dear"


def test_a_cleared_street_leaves_foreign_files(copied):
    (copied / "notes.txt").write_text("keep")
    clear_street(copied)
    assert sorted(path.name for path in copied.iterdir()) == ["notes.txt"]


def test_workers_must_be_positive(small, tmp_path):
    with pytest.raises(ValueError, match="workers must be positive, because somebody has to draw"):
        StreetWriter(tmp_path, small, workers=0)
