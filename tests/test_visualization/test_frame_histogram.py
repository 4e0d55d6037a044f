import cv2
import numpy as np
import pytest

from mmctl.visualization.frame_histogram import draw_frame_histogram

SIZES = np.array([(128, 64)] * 5 + [(256, 90)] * 3, np.int32)


@pytest.mark.parametrize(
    ("sizes", "length"), [(SIZES, 920), (SIZES[:1], 1), (SIZES[:0], 7)], ids=["many", "one", "none"]
)
def test_any_data_set_can_be_drawn(tmp_path, sizes, length):
    lengths = {"train": np.array([1, length]), "query": np.array([length])}
    draw_frame_histogram(lengths, sizes, "MARS", tmp_path / "new" / "a.png")
    assert cv2.imread(str(tmp_path / "new" / "a.png")).std() > 5
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]
