"""The page of rankings holds everything, and nothing of it is read as HTML."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import datetime, timezone
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from mmctl.visualization.ranking_page import (
    MOST_FRAMES,
    PageHit,
    PageQuery,
    PageTracklet,
    at_time,
    is_same_person,
    write_ranking_page,
)
from tests.conftest import ROOT

HOSTILE = "<img src=x onerror=alert(1)>\"'</script><script>alert(2)</script>&amp;\x00\ud800"


class Page(HTMLParser):
    """The page as a browser reads it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data

    def all(self, tag, name=""):
        found = [attributes for kind, attributes in self.tags if kind == tag]
        return [a for a in found if name in (a.get("class") or "").split()] if name else found


@pytest.fixture
def frames(tmp_path):
    paths = [tmp_path / f"{number:04d}.jpg" for number in range(9)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), np.full((300, 100, 3), 25 * number, np.uint8))
    return paths


def written(tmp_path, *queries, **options):
    faults = write_ranking_page(tmp_path / "out" / "page.html", queries, "title", **options)
    text = (tmp_path / "out" / "page.html").read_text()
    return Page(text), text, faults


def test_every_query_and_hit_is_there_with_what_is_known_of_it(tmp_path, frames):
    start = datetime(2024, 5, 1, 12, 0, 3, tzinfo=timezone.utc)
    query = PageTracklet("anna", frames, 1, 4, "gate.mp4", start, 75.4, 7)
    hits = [
        PageHit(0.91234, PageTracklet("a", frames[:2], 2, 5, pid=7), "one person, probability 0.8"),
        PageHit(0.5, PageTracklet("b", frames[:1], 2, 6, pid=8), is_mutual=True),
        PageHit(0.25, PageTracklet("c", frames[:1])),
    ]
    page, text, faults = written(tmp_path, PageQuery(query, hits, "3 searched"), notes=["a note"])
    assert faults == []
    assert [
        len(page.all("article", name)) for name in ("query", "hit", "right", "wrong", "open")
    ] == [*(1, 3, 1, 1, 1)]
    assert len(page.all("img")) == MOST_FRAMES + 2 + 1 + 1
    for word in ("2024-05-01 12:00:03 UTC", "gate.mp4@01:15", "0.912", "probability 0.8", "a note"):
        assert word in page.words
    assert "3 searched" in page.words
    assert "1 · 0.912" in page.words
    assert "2 ↔ · 0.500" in page.words
    right = page.all("article", "right")[0]
    assert {key: right[f"data-{key}"] for key in ("camera", "track", "pid")} == {
        "camera": "2",
        "track": "5",
        "pid": "7",
    }
    assert "data-track" not in page.all("article", "open")[0]
    assert len(text) < 80_000


def test_names_are_text_and_no_address_is_in_the_page(tmp_path, frames):
    hostile = PageTracklet(HOSTILE, frames[:1], 1, 2, HOSTILE, pid=3, facts=[(HOSTILE, HOSTILE)])
    query = PageQuery(hostile, [PageHit(0.5, hostile, HOSTILE)], HOSTILE)
    page, text, _ = written(tmp_path, query, notes=[HOSTILE])
    assert len(page.all("script")) == 1
    assert not any("onerror" in attributes for _, attributes in page.tags)
    assert all(image["src"].startswith("data:image/jpeg;base64,") for image in page.all("img"))
    assert not re.search(r"https?:|//[a-z]|@import|url\(", text)
    policy = page.all("meta")[2]["content"]
    assert "default-src 'none'" in policy
    assert page.words.count("alert(2)") >= 6


def test_frames_that_cannot_be_read_leave_a_word_in_their_place(tmp_path, frames):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    lost = PageTracklet("lost", [tmp_path / "broken.jpg", tmp_path / "absent.jpg", frames[0]])
    page, _, faults = written(tmp_path, PageQuery(lost))
    assert len(faults) == 2
    assert len(page.all("span", "lost")) == 2
    assert len(page.all("img")) == 1
    assert "nothing was found" in page.words


def test_a_page_of_nothing_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must have a query"):
        write_ranking_page(tmp_path / "page.html", [], "title")
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("query", "hit", "same"),
    [(1, 1, True), (1, 2, False), (1, 0, False), (0, 0, None), (1, -1, None), (None, 1, None)],
)
def test_only_known_persons_are_right_or_wrong(query, hit, same):
    assert is_same_person(query, hit) is same


def test_moments_of_videos():
    assert [at_time(seconds) for seconds in (None, 0.0, 59.9, 3600.0)] == [
        *("", "@00:00", "@00:59", "@60:00")
    ]


def test_a_user_s_way_through_the_page_in_a_browser(tmp_path, frames):
    pytest.importorskip("PyQt6.QtWebEngineWidgets")

    def tracklet(camera, track, pid=None):
        return PageTracklet(f"c{camera} t{track}", frames, camera, track, pid=pid)

    first = [PageHit(0.9, tracklet(2, 1, 5)), PageHit(0.8, tracklet(3, 2))]
    second = [PageHit(0.88, tracklet(2, 1, 5)), PageHit(0.7, tracklet(3, 5))]
    written(tmp_path, PageQuery(tracklet(1, 0), first), PageQuery(tracklet(1, 3, 7), second))
    page = tmp_path / "out" / "page.html"
    command = [sys.executable, "-m", "tests.test_visualization.walk_page", str(page)]
    walk = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "walked through" in walk.stdout, walk.stderr[-3000:]
