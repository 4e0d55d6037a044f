import numpy as np
import pytest

from mmctl.datasets.tracking import read_mot_file
from tests.test_datasets.test_tracking.conftest import write_lines

GOOD = "3,7,1.5,-2,30,60,0.5,-1,-1,-1"


def test_boxes_come_in_the_order_of_the_lines_with_their_numbers(tmp_path):
    path = write_lines(tmp_path / "t.txt", [GOOD, "", "1,7, 4,5,6,7,1e-1,-1,-1,-1"])
    boxes = read_mot_file(path)
    assert boxes.lines.tolist() == [1, 3]
    assert boxes.frames.tolist() == [3, 1]
    assert boxes.tracks.tolist() == [7, 7]
    np.testing.assert_array_equal(boxes.boxes, [[1.5, -2, 30, 60], [4, 5, 6, 7]])
    assert boxes.confidences.tolist() == [0.5, 0.1]


def test_a_file_without_confidences_has_full_confidence(tmp_path):
    boxes = read_mot_file(write_lines(tmp_path / "t.txt", ["1,1,0,0,5,6"]))
    assert boxes.confidences.tolist() == [1]
    assert boxes.boxes.tolist() == [[0, 0, 5, 6]]


def test_the_first_frame_may_be_called_zero(tmp_path):
    path = write_lines(tmp_path / "t.txt", ["0,1,0,0,5,6"])
    assert read_mot_file(path, first_frame=0).frames.tolist() == [0]
    with pytest.raises(
        ValueError, match=r"t\.txt, line 1: frame must be .*1 or more.*got 0; --first-frame 0"
    ):
        read_mot_file(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,7,1,1,30", "as many columns as the first one, 10, got 5"),
        ("1 7 1 1 30 60", "as many columns as the first one, 10, got 6"),
        (GOOD + ",4", "as many columns as the first one, 10, got 11"),
        ("1,7,1,1,30,60", "as many columns as the first one, 10, got 6"),
        ("1,walker,1,1,30,60,1,-1,-1,-1", "every column must be a number .*walker"),
        ("1,7,1,1,,60,1,-1,-1,-1", "every column must be a number"),
        ("1,7,nan,1,30,60,1,-1,-1,-1", "bb_left must be finite .*, got nan"),
        ("1,7,1,1,inf,60,1,-1,-1,-1", "bb_width must be finite .*, got inf"),
        ("1,7,1,1,30,60,nan,-1,-1,-1", "conf must be finite .*, got nan"),
        ("nan,7,1,1,30,60,1,-1,-1,-1", "frame must be finite"),
        ("1,7,1e300,1,30,60,1,-1,-1,-1", r"bb_left must be finite .*, got 1e\+300"),
        ("1.5,7,1,1,30,60,1,-1,-1,-1", r"frame must be an integer.*got 1\.5"),
        ("-4,7,1,1,30,60,1,-1,-1,-1", "frame must be an integer.* 1 or more.*got -4"),
        ("1,-1,1,1,30,60,1,-1,-1,-1", "id must be an integer.* 0 or more, got -1.*a tracker first"),
        ("1,1e19,1,1,30,60,1,-1,-1,-1", r"id must be .*of at most 15 digits, .*got 1e\+19"),
        ("1,1e300,1,1,30,60,1,-1,-1,-1", r"id must be finite .*got 1e\+300"),
        ("1e19,7,1,1,30,60,1,-1,-1,-1", r"frame must be .*of at most 15 digits, .*got 1e\+19"),
        ("1_0,7,1,1,30,60,1,-1,-1,-1", "every column must be a number .*1_0,7"),
        ("1,7,1,1,3\uff10,60,1,-1,-1,-1", "every column must be a number"),
        ("1,7,1,1,-30,60,1,-1,-1,-1", "bb_width and bb_height must be positive, got -30 and 60"),
        ("1,7,1,1,30,0,1,-1,-1,-1", "bb_width and bb_height must be positive, got 30 and 0"),
        ("3,7,9,9,30,60,1,-1,-1,-1", "one box in a frame, but line 1 has frame 3 of track 7"),
    ],
)
def test_a_broken_line_is_named_with_rule_and_value(tmp_path, line, message):
    path = write_lines(tmp_path / "t.txt", [GOOD, "2,7,1,1,30,60,1,-1,-1,-1", line])
    with pytest.raises(ValueError, match=rf"t\.txt, line 3: .*{message}"):
        read_mot_file(path)


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_a_file_without_boxes_is_refused(tmp_path, content):
    (tmp_path / "t.txt").write_bytes(content)
    with pytest.raises(ValueError, match=r"t\.txt must have at least one line frame,id"):
        read_mot_file(tmp_path / "t.txt")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "t.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"track file .*t\.txt must be UTF-8 text"):
        read_mot_file(tmp_path / "t.txt")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"track file .*t\.txt does not exist"):
        read_mot_file(tmp_path / "t.txt")


@pytest.mark.parametrize("line", ["1,7,1,1,30", GOOD + ",4", "1;7;1;1;30;60"])
def test_a_first_line_of_too_few_or_too_many_columns_is_named(tmp_path, line):
    path = write_lines(tmp_path / "t.txt", [line])
    with pytest.raises(ValueError, match=r"t\.txt, line 1: .*must have 6 to 10 columns .*got"):
        read_mot_file(path)


@pytest.mark.parametrize(
    "lines",
    [
        ["3 7 1.5 -2 30 60 0.5 -1 -1 -1 "],
        ["3\t7\t1.5\t-2\t30\t60\t0.5"],
        ["3,7,1.5,-2,30,60,0.5,"],
        ["frame,id,x,y,w,h,conf", "3,7,1.5,-2,30,60,0.5"],
        ["# frame id bb_left bb_top bb_width bb_height conf", "3 7 1.5 -2 30 60 0.5"],
        [",Track ID,conf,frame,x2,y2,x1,y1,name", "0,7,.5,3,31.5,58,1.5,-2,walker"],
        ["frame,id,bb_left,bb_top,bb_width,bb_height,conf,x,y", "3,7,1.5,-2,30,60,.5,8,9"],
        ["frame_id,track_id,xc,yc,w,h,score", "3,7,16.5,28,30,60,.5"],
    ],
)
def test_layouts_that_say_the_same_are_read_alike(tmp_path, lines):
    boxes = read_mot_file(write_lines(tmp_path / "t.txt", lines))
    assert (boxes.frames.tolist(), boxes.tracks.tolist()) == ([3], [7])
    np.testing.assert_allclose(boxes.boxes, [[1.5, -2, 30, 60]])
    assert boxes.confidences.tolist() == [0.5]
    assert boxes.lines.tolist() == [len(lines)]


def test_right_and_bottom_are_read_where_the_user_says_so(tmp_path):
    path = write_lines(tmp_path / "t.txt", ["3,7,10,20,40,80,0.5"])
    boxes = read_mot_file(path, boxes="ltrb")
    assert boxes.boxes.tolist() == [[10, 20, 30, 60]]
    assert boxes.is_layout_named
    assert not read_mot_file(path).is_layout_named
    path = write_lines(tmp_path / "t.txt", ["3,7,10,20,40,20,0.5"])
    with pytest.raises(ValueError, match=r"line 1: right and bottom must be beyond left and top"):
        read_mot_file(path, boxes="ltrb")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("frame,id,left,top,w", "got none for bb_height in 'frame,id,left,top,w'"),
        ("frame,id,x1,y1,x2,h", "got none for bb_bottom"),
        ("frame,id,xc,yc,x2,y2", "got none for bb_width"),
        ("frame,person,x,y,w,h", "got none for id"),
        ("frame,id,x,y,w,h,w", "each column once, got 'w' twice"),
        ("time,name,where", "got none for frame"),
    ],
)
def test_a_header_without_what_is_needed_is_named(tmp_path, header, message):
    path = write_lines(tmp_path / "t.txt", [header, "1,2,3,4,5,6"])
    with pytest.raises(ValueError, match=rf"t\.txt, line 1: a header must name .*{message}"):
        read_mot_file(path)


def test_a_header_alone_and_one_that_contradicts_are_refused(tmp_path):
    path = write_lines(tmp_path / "t.txt", ["frame,id,x,y,w,h"])
    with pytest.raises(ValueError, match="must have a line below its header"):
        read_mot_file(path)
    with pytest.raises(ValueError, match="leave --boxes out"):
        read_mot_file(path, boxes="ltrb")


def test_a_confidence_of_minus_one_is_none(tmp_path):
    path = write_lines(tmp_path / "t.txt", ["1,1,0,0,5,6,-1", "2,1,0,0,5,6,0.25"])
    assert read_mot_file(path).confidences.tolist() == [1, 0.25]


def test_minus_one_among_other_negative_scores_is_a_score(tmp_path):
    path = write_lines(tmp_path / "t.txt", ["1,1,0,0,5,6,-1", "2,1,0,0,5,6,-0.25"])
    assert read_mot_file(path).confidences.tolist() == [-1, -0.25]
