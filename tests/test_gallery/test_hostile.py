"""Hostile names, other models, calls and places that cannot be: one line, nothing lost."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from mmctl.gallery import Gallery, RecordSet, TrackletRecord
from tests.test_gallery.records import MODEL, make_features, make_records

NASTY = "'; DROP TABLE tracklets; --<img src=x onerror=alert(1)>\x1b[2J../../etc/passwd"


@pytest.fixture
def gallery(tmp_path):
    with Gallery(tmp_path / "g") as made:
        made.add(make_records(12))
        yield made


def one_line(caught) -> str:
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 700
    return message


def test_names_are_data_wherever_they_go(gallery):
    feature = make_features(1, 16, seed=4)[0]
    record = TrackletRecord(feature, video=NASTY, name=NASTY, track=1, camera=3)
    gallery.add(RecordSet([record], MODEL))
    hit = gallery.search(feature, 1)[0].hits[0]
    assert (hit.tracklet.video, hit.tracklet.name) == (NASTY, NASTY)
    assert json.loads(json.dumps(hit.to_dict()))["video"] == NASTY
    assert [t.id for t in gallery.list(video=NASTY)] == [record.id]
    with pytest.raises(ValueError, match="no tracklet with the id"):
        gallery.delete([NASTY])
    assert gallery.delete(video=NASTY).tracklets == 1
    assert len(gallery) == 12


@pytest.mark.parametrize("crop", ["../secret.jpg", "/etc/passwd", "a/../../b.jpg"])
def test_a_crop_elsewhere_is_refused(gallery, crop):
    record = TrackletRecord(make_features(1, 16)[0], track=99, crop=crop, crop_root="/data")
    with pytest.raises(ValueError, match="crop must be a path within crop_root") as caught:
        gallery.add(RecordSet([record], MODEL))
    one_line(caught)


def test_a_crop_that_a_link_leads_away_is_not_found(gallery, tmp_path):
    (tmp_path / "secret.jpg").write_bytes(b"x")
    root = tmp_path / "crops"
    root.mkdir()
    (root / "mine.jpg").write_bytes(b"y")
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "ring.jpg").symlink_to("ring.jpg")
    names = ("mine.jpg", "link.jpg", "ring.jpg", "none.jpg", "", ".")
    features = make_features(len(names), 16, seed=8)
    gallery.add(
        RecordSet(
            [
                TrackletRecord(features[n], track=50 + n, crop=name, crop_root=str(root))
                for n, name in enumerate(names)
            ],
            MODEL,
        )
    )
    found = [t.find_crop() for t in gallery.list() if t.track >= 50]
    assert found == [root / "mine.jpg", None, None, None, None, None]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"feature": np.full(16, 0.5, np.float32)}, "must have length 1, .* got 2"),
        ({"feature": np.full(16, np.nan, np.float32)}, "must have length 1"),
        ({"feature": make_features(1, 8)[0]}, "must be 16 floating point numbers"),
        ({"camera": -1}, "camera must be a whole number"),
        ({"camera": 2**63}, "camera must be a whole number"),
        ({"pid": "7"}, "pid must be a whole number"),
        ({"quality": float("inf")}, "quality must be a finite number"),
        ({"first_frame": 7, "last_frame": 3}, "last_frame must not be before first_frame"),
        ({"video": "a\0b"}, "video must be text"),
        ({"name": "\ud800"}, "name must be text that UTF-8 can say"),
        ({"num_frames": True}, "num_frames must be"),
        ({"start": 10**20}, "start must be a whole number"),
    ],
)
def test_a_record_that_is_none_is_refused(gallery, changes, said):
    values = {"feature": make_features(1, 16)[0], "track": 700} | changes
    with pytest.raises(ValueError, match=said) as caught:
        gallery.add(RecordSet([TrackletRecord(**values)], MODEL))
    assert one_line(caught).startswith("record 0")
    assert len(gallery) == 12


def test_a_tracklet_that_is_there_twice_is_refused(gallery):
    records = [*make_records(3), make_records(1)[0]]
    with pytest.raises(ValueError, match=r"record 3 \('n0'\) has the camera, .* of record 0"):
        gallery.add(RecordSet(records, MODEL))


def test_models_never_mix(gallery):
    records, query = make_records(2, seed=3), make_features(1, 16)[0]
    for refused in (
        lambda: (
            gallery.add(records, model="b" * 64)
            if False
            else gallery.add(RecordSet(list(records), "b" * 64))
        ),
        lambda: gallery.add(list(records)),
        lambda: gallery.search(RecordSet(list(records), "b" * 64)),
        lambda: gallery.search(query, model="b" * 64),
    ):
        with pytest.raises(ValueError, match=r"holds features of the model aaaaaaaaaaaaaaaa, got"):
            refused()
    with pytest.raises(ValueError, match="holds features that are '', got 'centred'"):
        gallery.add(RecordSet(list(records), MODEL, "centred"))
    assert len(gallery) == 12


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda g, q: g.search(q[:8]), "query features must be 16 floating point numbers"),
        (lambda g, q: g.search(2 * q), "query features must have length 1"),
        (lambda g, q: g.search(q, 0), "topk must be a number from 1"),
        (lambda g, q: g.search(q, cameras=[]), "cameras must be numbers of cameras"),
        (lambda g, q: g.search(q, cameras=["1 or 1=1"]), "cameras must be numbers of cameras"),
        (lambda g, q: g.search(q, exclude_same_camera=True), "that of query 0 is unknown"),
        (lambda g, q: g.search(q, query_cameras=[1, 2]), "a camera for each of the 1 queries"),
        (lambda g, q: g.search(["no"]), "no tracklet with the id 'no'"),
        (lambda g, q: g.search(q, after="2025-01-01Z", before="2024-01-01Z"), "not be later than"),
        (lambda g, q: g.search(q, cameras=[2**63]), "cameras must be numbers of cameras"),
        (lambda g, q: g.delete(), "say which tracklets to delete"),
        (lambda g, q: g.confirm("no", 1), "no tracklet with the id"),
        (lambda g, q: g.confirm("no", -2), "pid must be a whole number from -1"),
        (lambda g, q: g.rebuild("lance"), "engine of a gallery must be one of"),
        (lambda g, q: g.rebuild("exact", "http://x"), "only the engine 'milvus' has a server"),
        (lambda g, q: g.rebuild("milvus", "ftp://x"), "server must be the URI"),
    ],
)
def test_a_call_that_cannot_be_is_one_line(gallery, call, said):
    with pytest.raises(ValueError, match=said) as caught:
        call(gallery, make_features(1, 16)[0])
    one_line(caught)
    assert gallery.verify().is_healthy


def test_a_place_that_is_none_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="must be a folder, got a file"):
        Gallery(tmp_path / "file")
    with pytest.raises(ValueError, match="lie in a folder of this machine"):
        Gallery("http://localhost:19530")
    with pytest.raises(FileNotFoundError, match="does not exist; adding tracklets makes one"):
        Gallery(tmp_path / "none").search(np.ones(4, np.float32))
    assert not (tmp_path / "none").exists()
    with pytest.raises(ValueError, match="must know which model"):
        Gallery(tmp_path / "none").add(list(make_records(1)))
    (tmp_path / "empty").mkdir()
    assert len(Gallery(tmp_path / "empty")) == 0


@pytest.mark.parametrize("is_replaced", [False, True])
@pytest.mark.parametrize(
    "call",
    [
        lambda g, ids: g.confirm(ids[0], 5),
        lambda g, ids: g.delete(ids[:1]),
        lambda g, ids: g.answer_pair(*ids[:2], True),
        lambda g, ids: g.add(make_records(9)),
        lambda g, ids: g.search(ids),
        lambda g, ids: list(g.list()),
        lambda g, ids: g.rebuild(),
    ],
)
def test_an_open_gallery_that_is_taken_away_acknowledges_nothing(tmp_path, call, is_replaced):
    with Gallery(tmp_path / "g") as gallery:
        gallery.add(make_records(8))
        ids = [tracklet.id for tracklet in gallery.list()]
        (tmp_path / "g").rename(tmp_path / "moved")
        if is_replaced:
            shutil.copytree(tmp_path / "moved", tmp_path / "g")
        with pytest.raises(FileNotFoundError, match="was deleted, moved or replaced") as caught:
            call(gallery, ids)
        one_line(caught)
    for name in ("moved", "g") if is_replaced else ("moved",):
        with Gallery(tmp_path / name) as kept:
            assert len(kept) == 8
            assert next(kept.list()).pid is None
            assert kept.verify().is_healthy
