import numpy as np
import pytest

from mmctl.datasets.tracking import open_source, read_label_folder
from tests.test_datasets.test_tracking.conftest import HEIGHT, WIDTH, write_lines

PERSON = "0 0.5 0.25 0.25 0.5"
"""Left, top, width and height 48, 0, 32, 48 in a frame of 128x96."""


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels"
    path.mkdir()
    return path


def test_boxes_are_pixels_of_the_frame(labels, video):
    write_lines(labels / "street_2.txt", [f"{PERSON} 7", "2 .5 .5 .1 .1 9", PERSON])
    write_lines(labels / "street_10.txt", [f"{PERSON} 8"])
    write_lines(labels / "._street_10.txt", ["x"])
    boxes = read_label_folder(labels, open_source(video))
    order = np.argsort(boxes.frames)
    assert boxes.frames[order].tolist() == [2, 10]
    assert boxes.tracks[order].tolist() == [7, 8]
    assert boxes.boxes.tolist() == [[WIDTH * 0.375, 0, WIDTH / 4, HEIGHT / 2]] * 2
    assert boxes.confidences.tolist() == [1, 1]
    assert boxes.left_out == {"without a track id": 1, "of another class than 0": 1}


def test_confidences_stand_before_the_track_id(labels, video):
    write_lines(labels / "a_1.txt", [f"{PERSON} 0.75 7", f"{PERSON} 0.3"])
    boxes = read_label_folder(labels, open_source(video))
    assert (boxes.confidences.tolist(), boxes.tracks.tolist()) == ([0.75], [7])
    assert boxes.left_out["without a track id"] == 1


def test_files_named_like_pictures_belong_to_them(labels, folder):
    # The pictures are img5 to img16.
    write_lines(labels / "img7.txt", [f"{PERSON} 7"])
    assert read_label_folder(labels, open_source(folder)).frames.tolist() == [3]
    assert read_label_folder(labels, open_source(folder), first_frame=0).frames.tolist() == [2]
    write_lines(labels / "img17.txt", [f"{PERSON} 7"])
    with pytest.raises(ValueError, match=r"img17\.txt must be named like a picture .*as img7\.txt"):
        read_label_folder(labels, open_source(folder))


def test_other_classes_may_be_persons(labels, video):
    write_lines(labels / "a_1.txt", [f"{PERSON} 7", "2 .5 .5 .1 .1 9"])
    assert read_label_folder(labels, open_source(video), classes=[2]).tracks.tolist() == [9]
    with pytest.raises(ValueError, match="must have a box of class 4, got 2 of others"):
        read_label_folder(labels, open_source(video), classes=[4])


@pytest.mark.parametrize("line", [PERSON, f"{PERSON} 0.8"])
def test_detections_need_a_tracker_first(labels, video, line):
    write_lines(labels / "a_1.txt", [line])
    with pytest.raises(ValueError, match=r"labels: .*got none with a whole number as track id"):
        read_label_folder(labels, open_source(video))


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("a_1.txt", "0 50 25 25 50 7", r"a_1\.txt, line 1: .*shares of the frame from 0 to 1"),
        ("a_1.txt", "0 .5 .5 0 .5 7", r"a_1\.txt, line 1: .*shares of the frame"),
        ("a_1.txt", "person .5 .5 .1 .1 7", r"a_1\.txt, line 1: a line must be the numbers class"),
        ("a_1.txt", "0 .1 .1 .2 .1 .2 .2 .1 .2 7", r"a_1\.txt, line 1: a line must be the num"),
        ("a_0.txt", f"{PERSON} 7", r"a_0\.txt must have a number of 1 or more.*--first-frame 0"),
        ("classes.txt", "person", r"classes\.txt must have the number of its frame"),
        ("b_2.txt", f"{PERSON} 7", r"labels of one video, got .*\.txt and .*\.txt"),
        ("a_2.txt", f"{PERSON} 7\n{PERSON} 7", r"labels: a track has one box in a frame"),
    ],
)
def test_a_wrong_file_or_line_is_named(labels, video, name, line, message):
    write_lines(labels / "a_3.txt", [f"{PERSON} 7"])
    write_lines(labels / name, [line])
    with pytest.raises(ValueError, match=message):
        read_label_folder(labels, open_source(video))


def test_a_folder_without_labels_is_refused(labels, video):
    with pytest.raises(ValueError, match=r"labels must hold a \.txt file of labels per frame"):
        read_label_folder(labels, open_source(video))
