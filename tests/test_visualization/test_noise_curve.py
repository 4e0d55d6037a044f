"""Curves over the noise in the keypoints: what is drawn where, and when nothing can be."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from matplotlib.figure import Figure

from mmctl.visualization.noise_curve import NoiseCurve, draw_noise_curves

UNITS = {"jitter": "frame heights", "drop": "share of joints"}


def scores(*rank_1: float) -> list[dict[str, float]]:
    return [{"R1": value, "mAP": value / 2} for value in rank_1]


CURVES = [
    NoiseCurve("jitter", "both", {0.0: scores(80, 84), 0.2: scores(40, 50), 0.1: scores(60)}),
    NoiseCurve("jitter", "test only", {0.0: scores(80, 84), 0.1: [], 0.2: scores(10, 20)}),
    NoiseCurve("drop", "both", {0.5: scores(30, 32)}),
]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Return a function that draws and gives the figure that was saved."""
    figures: list[Figure] = []
    save = Figure.savefig
    monkeypatch.setattr(
        Figure, "savefig", lambda self, *a, **k: (figures.append(self), save(self, *a, **k))[1]
    )

    def draw(curves: list[NoiseCurve], references: dict) -> Figure:
        draw_noise_curves(curves, references, UNITS, tmp_path / "new" / "curve.png")
        return figures[-1]

    return draw


def points(container) -> list[tuple[float, float]]:
    line = container.lines[0]
    return list(zip(line.get_xdata(), line.get_ydata(), strict=True))


def test_a_panel_has_the_means_of_its_kind_by_level(drawn) -> None:
    rank_jitter, rank_drop, map_jitter, map_drop = drawn(CURVES, {}).axes
    both, tested = rank_jitter.containers
    assert points(both) == [(0.0, 82.0), (0.1, 60.0), (0.2, 45.0)]
    assert points(tested) == [(0.0, 82.0), (0.2, 15.0)]
    assert [points(item) for item in rank_drop.containers] == [[(0.5, 31.0)]]
    assert points(map_jitter.containers[0])[0] == (0.0, 41.0)
    assert points(map_drop.containers[0]) == [(0.5, 15.5)]


def test_bars_are_the_sample_standard_deviation_of_the_seeds(drawn) -> None:
    both = drawn(CURVES, {}).axes[0].containers[0]
    (bars,) = both.lines[2]
    lengths = [segment[1][1] - segment[0][1] for segment in bars.get_segments()]
    # 80 and 84: a deviation of sqrt(8), drawn to both sides; one seed has none.
    assert lengths == pytest.approx([2 * 8**0.5, 0, 2 * 50**0.5])


def test_axes_say_what_they_count_and_the_legend_has_each_name_once(drawn) -> None:
    figure = drawn(CURVES, {"learned": scores(70, 72)})
    panels = figure.axes
    assert [axes.get_title() for axes in panels[:2]] == ["jitter", "drop"]
    assert [axes.get_xlabel() for axes in panels[2:]] == ["frame heights", "share of joints"]
    assert (panels[0].get_ylabel(), panels[2].get_ylabel()) == ("Rank-1 (%)", "mAP (%)")
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["both", "test only", "learned"]


def test_a_reference_is_a_line_at_its_mean_in_every_panel(drawn) -> None:
    figure = drawn(CURVES, {"learned": scores(70, 72), "none": []})
    for axes, mean in zip(figure.axes, (71, 71, 35.5, 35.5), strict=True):
        levels = [line.get_ydata()[0] for line in axes.lines if line.get_label() == "learned"]
        assert levels == [mean]


def test_the_picture_is_written_into_a_new_folder(drawn, tmp_path: Path) -> None:
    drawn(CURVES, {})
    image = cv2.imread(str(tmp_path / "new" / "curve.png"))
    assert image.std() > 10


def test_nothing_measured_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one measured point"):
        draw_noise_curves([NoiseCurve("drop", "both", {0.1: []})], {}, UNITS, tmp_path / "a.png")
