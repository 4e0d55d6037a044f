"""Galleries that are newer, damaged, cut or locked: found, one line, nothing lost."""

from __future__ import annotations

import json
import sqlite3

import pytest

from mmctl.gallery import Gallery, schema
from tests.test_gallery.records import make_features, make_records


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
