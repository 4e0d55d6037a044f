import pytest

from mmctl.datasets.tracking import read_mot_file
from tests.test_datasets.test_tracking.conftest import write_lines

BOX = "10,10,20,40"
IGNORED = "flagged 0 (ignored) in the confidence column"


@pytest.fixture
def read(tmp_path):
    """Read a file with a line per track; what follows its box is given."""

    def call(*endings, **options):
        lines = [f"1,{track},{BOX},{ending}" for track, ending in enumerate(endings, start=1)]
        boxes = read_mot_file(write_lines(tmp_path / "t.txt", lines), **options)
        return boxes.tracks.tolist(), dict(boxes.left_out)

    return call


def test_ground_truth_of_mot16_and_later_gives_pedestrians_that_are_not_ignored(read):
    # A pedestrian, an ignored one, a car, a mirror image, a standing person
    tracks, left_out = read("1,1,0.9", "0,1,0.9", "1,3,1", "0,12,0.5", "0,7,1")
    assert tracks == [1]
    assert left_out == {IGNORED: 3, "of another class than 1": 1}


def test_ground_truth_of_mot15_gives_what_is_not_ignored(read):
    assert read("1,-1,-1,-1", "0,-1,-1,-1") == ([1], {IGNORED: 1})
    assert read("1", "0") == ([1], {IGNORED: 1})


def test_classes_in_ground_truth_may_be_named(read):
    tracks, left_out = read("1,1,0.9", "1,2,1", "1,3,1", classes=[1, 2])
    assert (tracks, left_out) == ([1, 2], {"of another class than 1 or 2": 1})


def test_a_tracker_that_is_unsure_has_zeros_of_its_own(read):
    assert read("0.5,-1,-1,-1", "0,-1,-1,-1", "1,-1,-1,-1") == ([1, 2, 3], {})


@pytest.mark.parametrize("ending", ["0.9,{},-1", "1,{},0,2", "0.9,{}"])
def test_several_classes_need_to_be_told_apart(read, ending):
    endings = [ending.format(label) for label in (0, 2, 0)]
    with pytest.raises(
        ValueError, match=r"t\.txt: the class column .* --classes .*2 classes: 0, 2$"
    ):
        read(*endings)
    assert read(*endings, classes=[0]) == ([1, 3], {"of another class than 0": 1})


def test_one_class_is_what_was_tracked(read):
    assert read("0.9,0,-1", "0.8,0,-1")[0] == [1, 2]


@pytest.mark.parametrize("ending", ["0.9,-1,-1,-1", "0.9,2.5,0.1,7", "0.9,-3,8,0"])
def test_places_in_the_world_are_no_classes(read, ending):
    assert read(ending, "0.8,0,0,0" if "2.5" in ending or "-3" in ending else ending)[0] == [1, 2]
    with pytest.raises(ValueError, match="--classes needs a class in column 8"):
        read(ending, classes=[1])


def test_nobody_left_is_named_with_reasons(read):
    with pytest.raises(ValueError, match=r"a box of a person, got none: 2 flagged 0 \(ignored\)"):
        read("0,1,1", "0,1,1")


def test_a_class_under_a_header_is_one(tmp_path):
    lines = ["frame,id,x,y,w,h,class", f"1,1,{BOX},0", f"1,2,{BOX},2"]
    path = write_lines(tmp_path / "t.txt", lines)
    assert read_mot_file(path, classes=[2]).tracks.tolist() == [2]


def test_tracks_numbered_anew_for_each_class_do_not_collide(tmp_path):
    path = write_lines(tmp_path / "t.txt", [f"1,1,{BOX},0.9,0", f"1,1,{BOX},0.9,2"])
    assert read_mot_file(path, classes=[0]).lines.tolist() == [1]
