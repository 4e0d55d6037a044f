import pytest

from mmctl.datasets.tracking import TrackSettings, open_source, read_mot_file
from mmctl.datasets.tracking.track_plan import plan_tracks
from tests.test_datasets.test_tracking.conftest import track_lines, write_lines


@pytest.fixture
def plan(tmp_path, folder):
    def call(lines, **settings):
        settings = TrackSettings(**{"min_length": 1, "min_size": (1, 1), **settings})
        path = write_lines(tmp_path / "t.txt", lines)
        boxes = read_mot_file(path, settings.first_frame)
        return plan_tracks(3, boxes, open_source(folder), settings)

    return call


def kept(planned):
    return [(track.track, track.piece, track.positions.tolist()) for track in planned]


def test_frame_one_of_the_tracker_is_the_first_frame(plan):
    planned, _ = plan(track_lines(persons=[1], frames=[0, 1, 11]))
    assert kept(planned) == [(10, 1, [0, 1, 11])]
    assert planned[0].camid == 3
    assert planned[0].frame_paths(1)[0] == "crops/camera3/track000010_1/000001.jpg"


def test_frame_zero_of_the_tracker_may_be_the_first_frame(plan):
    planned, _ = plan(track_lines(persons=[1], first_frame=0, frames=[0, 1]), first_frame=0)
    assert kept(planned) == [(10, 1, [0, 1])]
    assert planned[0].frame_paths(0)[0].endswith("000000.jpg")


def test_lines_in_any_order_give_time_order(plan):
    planned, _ = plan(track_lines()[::-1])
    assert kept(planned) == [(10, 1, list(range(12))), (20, 1, list(range(12)))]


def test_a_frame_beyond_the_end_is_named_with_its_line(plan):
    lines = ["13,1,0,0,20,20,1,-1,-1,-1", *track_lines()]
    message = r"t\.txt, line 1: frame 13 is beyond the end of .*frames, which has 12 frames"
    with pytest.raises(ValueError, match=message):
        plan(lines)


def test_frames_beyond_the_end_may_be_left_out(plan):
    lines = [*track_lines(persons=[1]), *(f"{frame},10,0,0,20,20,1,-1,-1,-1" for frame in (13, 14))]
    planned, dropped = plan(lines, skip_missing_frames=True)
    assert kept(planned) == [(10, 1, list(range(12)))]
    assert dropped["beyond the end of the video"] == 2


def test_what_was_left_out_of_the_file_is_counted(plan):
    _, dropped = plan(["1,1,0,0,9,9,1", "2,1,0,0,9,9,0"])
    assert dropped["flagged 0 (ignored) in the confidence column"] == 1


def test_boxes_are_rounded_and_clipped_to_the_frame(plan):
    # Right edge 100.6 + 40.2 = 140.8 beyond 128, bottom -3 + 20.4 = 17.4
    planned, _ = plan(["1,1,100.6,-3,40.2,20.4", "2,1,2.5,0.4,10,10"])
    assert planned[0].rectangles.tolist() == [[101, 0, 128, 17], [3, 0, 13, 10]]


def test_a_box_outside_is_left_out_and_counted(plan):
    planned, dropped = plan(["1,1,200,10,40,20", "2,1,-50,0,50,9", "3,1,0,0,9,9"])
    assert kept(planned) == [(1, 1, [2])]
    assert dropped["outside of the frame"] == 2


def test_small_boxes_are_judged_by_what_is_visible(plan):
    lines = ["1,1,100,10,40,20", "2,1,99,10,28,20", "3,1,99,10,40,19", "4,1,98,10,40,20"]
    # Visible widths 28, 28, 29, 30 and heights 20, 20, 19, 20
    planned, dropped = plan(lines, min_size=(20, 29))
    assert kept(planned) == [(1, 1, [3])]
    assert dropped["too small"] == 3


def test_unsure_boxes_are_left_out(plan):
    planned, dropped = plan(["1,1,0,0,9,9,0.49", "2,1,0,0,9,9,0.5"], min_confidence=0.5)
    assert kept(planned) == [(1, 1, [1])]
    assert dropped["confidence below 0.5"] == 1


def test_a_track_lost_for_longer_than_max_gap_is_cut(plan):
    lines = track_lines(persons=[1], frames=[0, 3, 7, 8])
    # Lost for 2 and for 3 frames
    assert kept(plan(lines, max_gap=2)[0]) == [(10, 1, [0, 3]), (10, 2, [7, 8])]
    assert kept(plan(lines, max_gap=3)[0]) == [(10, 1, [0, 3, 7, 8])]


def test_neighbouring_tracks_are_not_joined(plan):
    lines = ["1,1,0,0,9,9", "2,1,0,0,9,9", "3,2,0,0,9,9"]
    assert kept(plan(lines, max_gap=9)[0]) == [(1, 1, [0, 1]), (2, 1, [2])]


def test_a_stride_takes_the_same_frames_of_all_tracks(plan):
    lines = track_lines(persons=[1]) + track_lines(persons=[2], frames=range(1, 12))
    planned, dropped = plan(lines, stride=4, max_gap=0)
    assert kept(planned) == [(10, 1, [0, 4, 8]), (20, 1, [4, 8])]
    assert dropped["between strides"] == 18


def test_short_pieces_are_left_out_and_not_numbered(plan):
    lines = track_lines(persons=[1], frames=[0, 5, 6])
    planned, dropped = plan(lines, max_gap=1, min_length=2)
    assert kept(planned) == [(10, 1, [5, 6])]
    assert dropped["too short a tracklet"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"stride": 0},
        {"min_length": 0},
        {"max_gap": -1},
        {"first_frame": -1},
        {"min_size": (0, 4)},
        {"min_confidence": float("nan")},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"{name} must be"):
        TrackSettings(**wrong)
