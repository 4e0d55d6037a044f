"""Hostile names, other models, newer versions, locked and damaged files: one line, nothing lost."""

from __future__ import annotations

import json
import shutil
import sqlite3

import numpy as np
import pytest

from mmctl.gallery import Gallery, RecordSet, TrackletRecord, schema
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


def execute(gallery, *statements):
    gallery.close()
    connection = sqlite3.connect(gallery.path / "gallery.sqlite", isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


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


def test_a_newer_version_is_refused_as_it_is(gallery):
    execute(gallery, "PRAGMA user_version = 3")
    with pytest.raises(ValueError, match="version 3, made by a newer mmctl") as caught:
        Gallery(gallery.path)
    one_line(caught)
    execute(gallery, "PRAGMA user_version = 2")
    assert len(Gallery(gallery.path)) == 12


def test_a_database_of_others_is_refused_and_not_changed(tmp_path):
    (tmp_path / "g").mkdir()
    path = tmp_path / "g" / "gallery.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (a)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ValueError, match="of another program"):
        Gallery(tmp_path / "g")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON tracklets BEGIN DELETE FROM tracklets; END",
        "CREATE VIEW v AS SELECT 1",
        "DROP INDEX tracklets_by_video",
        "ALTER TABLE tracklets ADD COLUMN more",
        "UPDATE settings SET value = 0 WHERE name = 'width'",
        "UPDATE settings SET value = 'x' WHERE name = 'dtype'",
        "DELETE FROM settings WHERE name = 'model'",
    ],
)
def test_tables_that_somebody_changed_are_refused(gallery, statement):
    execute(gallery, statement)
    with pytest.raises(ValueError, match="damaged") as caught:
        Gallery(gallery.path)
    one_line(caught)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE features SET feature = zeroblob(64) WHERE row = 3",
        "DELETE FROM features WHERE row = 3",
        "UPDATE tracklets SET camera = 'x' WHERE row = 3",
        "UPDATE tracklets SET camera = 9 WHERE row = 3",
        "UPDATE tracklets SET end_time = 9223372036854775807 WHERE row = 3",
        "UPDATE tracklets SET video = x'ff' WHERE row = 3",
        "UPDATE tracklets SET video = CAST(x'ff' AS TEXT) WHERE row = 3",
        "INSERT INTO features VALUES (99, 0, x'00')",
    ],
)
def test_rows_that_are_damaged_are_found(gallery, statement):
    execute(gallery, statement)
    health = gallery.verify()
    assert not health.is_healthy
    assert all("\n" not in fault for fault in health.faults)


def test_a_feature_that_is_another_unit_vector_is_found(gallery):
    gallery.rebuild()
    other = "SELECT feature FROM features WHERE row = 4"
    execute(gallery, f"UPDATE features SET feature = ({other}) WHERE row = 3")
    (fault,) = gallery.verify().faults
    assert "is missing or not the one that was written" in fault
    with pytest.raises(ValueError, match="not the one that was written"):
        gallery.rebuild()


def test_a_file_that_is_cut_or_empty_or_none_is_one_line(gallery):
    gallery.close()
    path = gallery.path / "gallery.sqlite"
    content = path.read_bytes()
    for damaged in (content[:5000], b"SQLite format 3\0" + b"x" * 9000, b"no database at all" * 99):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"damaged or no gallery|another program") as caught:
            Gallery(gallery.path).search(make_features(1, 16)[0])
        one_line(caught)
    path.write_bytes(content)
    assert Gallery(gallery.path).verify().is_healthy


@pytest.mark.parametrize("damage", ["cut", "gone", "state", "other"])
def test_an_index_that_is_damaged_is_made_again(gallery, damage):
    query = make_features(1, 16)[0]
    before = gallery.search(query)
    gallery.close()
    folder = gallery.path / "exact"
    (array,) = folder.glob("*.bin")
    state = json.loads((folder / "state.json").read_text())
    if damage == "cut":
        array.write_bytes(array.read_bytes()[:-8])
    elif damage == "gone":
        array.unlink()
    elif damage == "state":
        (folder / "state.json").write_text('{"gallery": 5')
    else:
        (folder / "state.json").write_text(json.dumps(state | {"content": "../../x"}))
    assert gallery.search(query) == before


def test_an_index_that_differs_is_found_by_verify_and_mended_by_rebuild(gallery):
    gallery.close()
    (array,) = (gallery.path / "exact").glob("*.bin")
    content = bytearray(array.read_bytes())
    content[100] ^= 255
    array.write_bytes(content)
    assert "with another feature than the database" in gallery.verify().faults[0]
    gallery.rebuild()
    assert gallery.verify().is_healthy


def test_a_gallery_that_another_process_writes_is_one_line(gallery, monkeypatch):
    gallery.close()
    monkeypatch.setattr(schema, "PATIENCE", 0.1)
    other = sqlite3.connect(gallery.path / "gallery.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ValueError, match="in use by another process") as caught:
        gallery.add(make_records(13))
    one_line(caught)
    assert gallery.search(make_features(1, 16)[0])[0].num_searched == 12  # reading goes on
    other.close()
    assert gallery.add(make_records(13)).new == 1
