from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from mmctl.evaluation import Protocol, TrackletFeatures
from mmctl.visualization import tracklet_sheet
from mmctl.visualization.ranking_sheet import (
    choose_queries,
    draw_across_cameras,
    draw_ranking_sheet,
)
from mmctl.visualization.tracklet_sheet import IGNORED, OTHER, QUERY, RIGHT, WRONG

PIDS = [1, 1, 1, 2, 0, -1]
CAMIDS = [1, 1, 2, 2, 1, 2]


@pytest.fixture
def tracklets(tmp_path):
    """A query of person 1, then at growing angles: same camera, match, stranger, distractor."""
    angles = np.array([0.0, 0.1, 0.3, 0.2, 0.4, 0.05])
    paths = [str(tmp_path / f"{index}.png") for index in range(len(PIDS))]
    for index, path in enumerate(paths):
        cv2.imwrite(path, np.full((40, 20, 3), 40 * index, dtype=np.uint8))
    return TrackletFeatures(
        features=np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32),
        pids=np.array(PIDS),
        camids=np.array(CAMIDS),
        tracklet_ids=np.arange(len(PIDS)),
        splits=np.array(["query"] + ["gallery"] * (len(PIDS) - 1)),
        frame_paths=np.array(paths),
    )


@pytest.fixture
def evaluation(tracklets):
    return tracklets.evaluate(Protocol.named("query-in-gallery"), distance="cosine")


@pytest.fixture
def figures(monkeypatch):
    """Collect the figures that are drawn."""
    drawn = []

    class Kept(Figure):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            drawn.append(self)

    monkeypatch.setattr(tracklet_sheet, "Figure", Kept)
    return drawn


def cells(figure):
    """Return (colour of the frame, title, caption, grey level of the picture) of each cell."""
    return [
        (
            to_hex(axes.spines["left"].get_edgecolor()),
            axes.get_title(),
            axes.get_xlabel(),
            int(axes.images[0].get_array().mean()),
        )
        for axes in figure.axes
    ]


def test_frames_tell_right_wrong_and_ignored(tracklets, evaluation, figures, tmp_path):
    draw_ranking_sheet(tracklets, evaluation, tmp_path / "new" / "sheet.png")
    # Distances are 1 - cos of 0.1, 0.2, 0.3, 0.4; junk and the query itself never come.
    assert cells(figures[0]) == [
        (QUERY, "query", "pid 1  cam 1\ntracklet 0", 0),
        (IGNORED, "–   0.005", "pid 1  cam 1\ntracklet 1", 40),
        (WRONG, "1 ✗  0.020", "pid 2  cam 2\ntracklet 3", 120),
        (RIGHT, "2 ✓  0.045", "pid 1  cam 2\ntracklet 2", 80),
        (WRONG, "3 ✗  0.079", "distractor  cam 1\ntracklet 4", 160),
    ]
    label = figures[0].axes[0].get_ylabel()
    assert "AP 50.0 %" in label
    assert "first match: 2" in label
    picture = cv2.imread(str(tmp_path / "new" / "sheet.png"))
    assert picture.std() > 5


def test_ignored_tracklets_can_be_left_out(tracklets, evaluation, figures, tmp_path):
    draw_ranking_sheet(
        tracklets, evaluation, tmp_path / "sheet.png", num_matches=2, show_ignored=False
    )
    assert [colour for colour, *_ in cells(figures[0])] == [QUERY, WRONG, RIGHT]
    labels = [text.get_text() for text in figures[0].legends[0].get_texts()]
    assert labels == ["query", "same person", "another person or distractor"]


def test_the_title_names_protocol_and_numbers(tracklets, evaluation, figures, tmp_path):
    draw_ranking_sheet(tracklets, evaluation, tmp_path / "sheet.png")
    title = figures[0].get_suptitle()
    assert "query-in-gallery (queries in the gallery, rectangle AP), cosine distance" in title
    assert "R1 0.0 %   mAP 50.0 %   1 of 1 queries scored, gallery 5" in title


def test_equal_input_gives_an_equal_picture(tracklets, evaluation, tmp_path):
    for name in ("one.png", "two.png"):
        draw_ranking_sheet(tracklets, evaluation, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_a_missing_frame_is_named(tracklets, evaluation, tmp_path):
    (tmp_path / "3.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"3\.png'; was the data moved"):
        draw_ranking_sheet(tracklets, evaluation, tmp_path / "sheet.png")


def test_a_frame_that_is_no_picture_is_named(tracklets, evaluation, tmp_path):
    (tmp_path / "3.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"frame .*3\.png cannot be decoded"):
        draw_ranking_sheet(tracklets, evaluation, tmp_path / "sheet.png")


@pytest.mark.parametrize("counts", [{"num_queries": 0}, {"num_matches": -1}])
def test_counts_must_be_positive(tracklets, evaluation, counts, tmp_path):
    with pytest.raises(ValueError, match="num_queries and num_matches must be positive"):
        draw_ranking_sheet(tracklets, evaluation, tmp_path / "sheet.png", **counts)


def test_features_without_pictures_are_named(tracklets, evaluation, tmp_path):
    without = replace(tracklets, frame_paths=np.full(len(PIDS), ""))
    with pytest.raises(ValueError, match="the features lack frame_paths, a picture of each"):
        draw_ranking_sheet(without, evaluation, tmp_path / "sheet.png")


def test_ids_that_are_unknown_are_not_shown_and_tracks_are(
    tracklets, evaluation, figures, tmp_path
):
    folder = tmp_path / "camera1" / "track000012_2"
    folder.mkdir(parents=True)
    for path in tracklets.frame_paths:
        Path(path).rename(folder / Path(path).name)
    paths = np.array([str(folder / Path(path).name) for path in tracklets.frame_paths])
    ids = np.array([-1, 3, -1, -1, -1, -1])
    moved = replace(tracklets, frame_paths=paths, tracklet_ids=ids)
    draw_ranking_sheet(moved, evaluation, tmp_path / "sheet.png", num_matches=1)
    assert [caption for *_, caption, _ in cells(figures[0])] == [
        "pid 1  cam 1\ntrack 12",
        "pid 1  cam 1\ntrack 12\ntracklet 3",
    ]


@pytest.mark.parametrize("pids", [PIDS, np.arange(1, 7)], ids=["labelled", "unlabelled"])
def test_captions_keep_clear_of_their_neighbours(tracklets, pids, figures, tmp_path):
    folder = tmp_path / "camera1" / "track002888"
    folder.mkdir(parents=True)
    for path in tracklets.frame_paths:
        Path(path).rename(folder / Path(path).name)
    paths = np.array([str(folder / Path(path).name) for path in tracklets.frame_paths])
    many = replace(
        tracklets, pids=np.array(pids), frame_paths=paths, tracklet_ids=np.arange(20477, 20483)
    )
    draw_across_cameras(many, tmp_path / "sheet.png", num_queries=2, num_matches=2)
    axes = figures[0].axes
    figures[0].draw_without_rendering()  # at the resolution of the extents
    captions = [one.xaxis.label.get_window_extent() for one in axes]
    texts = captions + [one.title.get_window_extent() for one in axes]
    pictures = [one.get_window_extent() for one in axes]
    assert "tracklet 20477" in {line for one in axes for line in one.get_xlabel().split("\n")}
    for caption in captions:
        assert sum(caption.overlaps(other) for other in texts) == 1  # itself
        assert not any(caption.overlaps(picture) for picture in pictures)


def test_a_sheet_across_cameras_says_nothing_of_right_or_wrong(tracklets, figures, tmp_path):
    alone = replace(tracklets, pids=np.arange(1, 7), tracklet_ids=np.full(6, -1))
    alone.features[4] = np.cos(0.6), np.sin(0.6)
    draw_across_cameras(alone, tmp_path / "sheet.png", num_queries=1, num_matches=2)
    # Farthest from the other camera, whose tracklets are at 0.3, 0.2 and 0.05, is the one at 0.6:
    # 1 - cos 0.3, 1 - cos 0.4. The one at 0.3 is nearer to the one at 0.1.
    assert cells(figures[0]) == [
        (QUERY, "tracklet", "cam 1", 160),
        (OTHER, "1  0.045", "cam 2", 80),
        (OTHER, "2  0.079", "cam 2", 120),
    ]
    labels = [text.get_text() for text in figures[0].legends[0].get_texts()]
    assert labels == ["tracklet", "of another camera (↔ nearest to each other)"]


def test_the_worst_the_middle_and_the_best_are_chosen():
    precisions = np.array([0.9, np.nan, 0.1, 0.5, 0.2, 0.8, 0.6, 0.4, 0.7])
    # In order: 2 (0.1), 4, 7, 3 (0.5), 6, 8, 5, 0 (0.9); 1 was not scored.
    assert choose_queries(precisions, 3) == [("worst", 2), ("middle", 3), ("best", 0)]
    assert choose_queries(precisions, 6) == [
        *(("worst", 2), ("worst", 4)),
        *(("middle", 3), ("middle", 6)),
        *(("best", 5), ("best", 0)),
    ]


@pytest.mark.parametrize("count", range(1, 12))
@pytest.mark.parametrize("num_scored", [1, 2, 5, 9])
def test_chosen_queries_are_different_and_as_many_as_there_are(count, num_scored):
    precisions = np.concatenate([np.full(2, np.nan), np.linspace(0, 1, num_scored)])
    queries = [query for _, query in choose_queries(precisions, count)]
    assert len(queries) == len(set(queries)) == min(count, num_scored)
    assert min(queries) >= 2
    assert queries == sorted(queries)
