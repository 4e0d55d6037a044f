import re

import pytest

from mmctl.datasets.synthetic.street import StreetSettings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"people": 0}, "people must be 1 to 4999, because each is drawn by its number; got 0"),
        ({"cameras": 7}, "cameras must be 1 to 6, because there are as many views; got 7"),
        ({"seconds": 0}, "seconds must be 0.04 to 86400, because a video is of a day at most"),
        ({"fps": float("nan")}, "fps must be 1 to 120"),
        ({"people": 2.5}, "people must be a whole number, got 2.5"),
        ({"seed": True}, "seed must be a whole number, got True"),
        ({"size": (361, 640)}, "size must be even, because videos halve colours, got 361"),
        ({"size": (96, 640)}, "size must be at most twice as high and four times as wide"),
        ({"size": (96,)}, r"size must be \(height, width\), got \(96,\)"),
    ],
)
def test_values_out_of_range_are_refused_by_name(values, message):
    pattern = message if "\\" in message else re.escape(message)
    with pytest.raises(ValueError, match=pattern):
        StreetSettings(**values)


def test_a_video_has_as_many_frames_as_fit_into_its_seconds():
    # 0.3 * 10 is 2.9999999999999996 in floats.
    assert StreetSettings(seconds=0.3, fps=10.0).num_frames == 3
    assert StreetSettings(seconds=1.99, fps=10.0).num_frames == 19
    assert StreetSettings(seconds=0.04, fps=1.0).num_frames == 1
