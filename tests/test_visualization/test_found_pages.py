"""Pages of what searches found, by the tools that write them."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from mmctl.evaluation import TrackletFeatures, read_calibration
from mmctl.visualization.found_pages import FoundRows, find_strip, make_verdicts, show_row
from tests.test_evaluation.verified_tracklets import drawn
from tests.test_tools.test_gallery import write
from tests.test_visualization.test_ranking_page import Page


def draw(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((64, 32, 3), value, np.uint8))


@pytest.mark.parametrize(
    ("chosen", "names", "others"),
    [
        ("0002.jpg", ["0001.jpg", "0002.jpg", "0010.jpg"], ["11.jpg", "0003.png", "x.jpg"]),
        (
            "0001C1T0001F002.jpg",
            ["0001C1T0001F001.jpg", "0001C1T0001F002.jpg"],
            ["0001C1T0002F001.jpg"],
        ),
        ("only.jpg", ["only.jpg"], ["other.jpg"]),
    ],
)
def test_the_strip_of_a_frame_is_its_tracklet(tmp_path, chosen, names, others):
    for name in names + others:
        draw(tmp_path / name)
    (tmp_path / "0009.jpg").symlink_to(tmp_path / names[0])
    assert find_strip(tmp_path / chosen) == [tmp_path / name for name in names]


@pytest.mark.parametrize("frame", [None, ""])
def test_no_frame_has_no_strip(frame):
    assert find_strip(frame) == []


def test_a_gallery_s_hits_become_a_page(tmp_path, monkeypatch, run_tool, capsys):
    monkeypatch.chdir(tmp_path)
    for number in range(9):
        draw(tmp_path / "crops" / f"{number}.jpg", 20 * number)
    path = str(write(tmp_path, 9))
    run_tool("gallery.py", "add", str(tmp_path / "g"), path, "--crops", str(tmp_path))
    options = ("--topk", "3", "--html", str(tmp_path / "found.html"))
    features = ("--features", path, "--rows", "0,4", "--crops", str(tmp_path))
    run_tool("gallery.py", "search", str(tmp_path / "g"), *features, *options)
    page = Page((tmp_path / "found.html").read_text())
    assert len(page.all("article", "query")) == 2
    assert len(page.all("article", "hit")) == 6
    assert len(page.all("img")) == 8 * 6  # crops of one folder whose names differ in the number
    run_tool("gallery.py", "list", str(tmp_path / "g"), "--json", "--limit", "1")
    said = capsys.readouterr().out
    (first,) = json.loads(said[said.index("[\n") :])
    run_tool("gallery.py", "search", str(tmp_path / "g"), "--like", first["id"], *options)
    assert first["id"] in Page((tmp_path / "found.html").read_text()).words


def test_crops_that_are_not_there_are_told(tmp_path, monkeypatch, run_tool, capsys):
    monkeypatch.chdir(tmp_path)
    run_tool("gallery.py", "add", str(tmp_path / "g"), str(write(tmp_path, 3)))
    assert "3 of 3 crops are not there" in capsys.readouterr().err


def test_a_feature_file_becomes_a_page(tmp_path, monkeypatch, run_tool):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, 9)
    run_tool(
        *(
            "visualization/browse_ranking.py",
            str(tmp_path / "features.npz"),
            str(tmp_path / "page.html"),
            "--across-cameras",
        ),
        *("--num-queries", "3", "--num-matches", "2"),
    )
    page = Page((tmp_path / "page.html").read_text())
    assert len(page.all("article", "query")) == 3
    assert len(page.all("article", "open")) == 6
    assert "cam1.mp4@" in page.words
    assert f"Nearest in other cameras: {tmp_path.name}/features.npz" in page.words
    assert "of 9 tracklets" in page.words


def test_tracklets_that_are_nearest_to_each_other_are_marked(tmp_path):
    angles = np.array([0.0, 0.5, 0.1, 0.2])
    tracklets = TrackletFeatures(
        features=np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32),
        pids=np.arange(4),
        camids=np.array([1, 1, 2, 2]),
        tracklet_ids=np.arange(4),
        splits=np.array(["query"] * 4),
        frame_paths=np.array([""] * 4),
    )
    found = FoundRows(tracklets, lambda row: show_row(tracklets, row), make_verdicts(None, 4))
    pages = found.across_cameras("cosine")
    marks = {page.tracklet.name[-1]: [hit.is_mutual for hit in page.hits] for page in pages}
    # 0 and 2 are nearest to each other; 1 is nearest to 3, which is nearer to 0.
    assert marks == {"0": [True, False], "2": [True, False], "1": [False] * 2, "3": [False] * 2}
    # cos 0.3 of the one at 0.5, the farthest.
    assert pages[0].note == (
        "similarity 0.955 with the nearest tracklet of another camera, among the lowest of "
        "4 tracklets"
    )


def test_a_test_becomes_a_page_of_right_and_wrong_hits(tmp_path, monkeypatch, run_tool, capsys):
    monkeypatch.chdir(tmp_path)
    tracklets: TrackletFeatures = drawn(0, 60, 10).tracklets
    settings = {"model": "ab", "dataset": "MARS", "feature": "after"}
    tracklets.save(tmp_path / "features.npz", settings=settings)
    calibration = str(tmp_path / "calibration.json")
    run_tool("analysis_tools/calibrate.py", str(tmp_path / "features.npz"), "--out", calibration)
    run_tool(
        *(
            "visualization/browse_ranking.py",
            str(tmp_path / "features.npz"),
            str(tmp_path / "page.html"),
            "--protocol",
            "query-excluded",
        ),
        *("--num-queries", "4", "--calibration", calibration),
    )
    assert "WARNING" not in capsys.readouterr().err.replace("WARNING: frame", "")
    page = Page((tmp_path / "page.html").read_text())
    assert len(page.all("article", "query")) == 4
    assert page.all("article", "right")
    assert page.all("article", "wrong")
    assert "one person with probability" in page.words
    assert f"Ranking of a test: {tmp_path.name}/features.npz" in page.words
    assert "protocol query-excluded" in page.words
    verdicts = make_verdicts(read_calibration(calibration), 60)
    assert "of 60 others" in verdicts(0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--num-queries", "0"], "must be positive"),
        (["--across-cameras", "--protocol", "query-excluded"], "--protocol needs labels"),
    ],
)
def test_options_that_cannot_be_are_refused(
    tmp_path, monkeypatch, run_tool, capsys, options, message
):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, 4)
    with pytest.raises(SystemExit):
        run_tool(
            "visualization/browse_ranking.py",
            str(tmp_path / "features.npz"),
            str(tmp_path / "page.html"),
            *options,
        )
    assert message in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()


def test_features_of_unlabelled_people_get_one_hint(tmp_path, monkeypatch, run_tool, capsys):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, 4)
    found = dict(np.load(tmp_path / "features.npz"))
    np.savez(tmp_path / "features.npz", **found | {"pids": np.arange(len(found["pids"]))})
    for tool in ("browse_ranking.py", "draw_ranking_sheet.py"):
        paths = str(tmp_path / "features.npz"), str(tmp_path / "out.png")
        with pytest.raises(SystemExit):
            run_tool(f"visualization/{tool}", *paths)
        said = capsys.readouterr().err
        assert said.count("nothing can be scored") == 1
        assert "browse_ranking.py (a page)" in said
