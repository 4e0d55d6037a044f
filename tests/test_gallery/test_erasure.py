"""After a deletion the bytes of a feature are in no file; a killed process loses nothing."""

from __future__ import annotations

import random
import sqlite3

import numpy as np
import pytest

from dev.killed_gallery import KilledGallery
from mmctl.gallery import Gallery, RecordSet, index, schema
from tests.test_gallery.records import MODEL, files_with, make_records


@pytest.mark.parametrize(("width", "dtype"), [(8, "float32"), (48, "float16"), (1500, "float32")])
def test_no_file_holds_a_byte_of_what_was_deleted(tmp_path, width, dtype):
    # Rows within pages of SQLite that are moved, and rows with pages of their own.
    rng, records, piece = random.Random(0), make_records(240, width), max(8, width // 4)
    stored = np.stack([record.feature.astype(dtype) for record in records])
    with Gallery(tmp_path / "g", dtype=dtype) as made:
        for start in range(0, 240, 60):
            made.add(RecordSet(records[start : start + 60], MODEL))
        assert {"gallery.sqlite-wal"} < files_with(
            tmp_path, stored[-1:], piece
        )  # open, so in the log
        left = list(range(240))
        for _ in range(3):
            gone = rng.sample(left, 50)
            made.delete([records[number].id for number in gone])
            left = [number for number in left if number not in gone]
            assert files_with(tmp_path, stored[gone], piece) == set()
        assert files_with(tmp_path, stored[left[:1]], piece) >= {"gallery.sqlite"}
        assert made.verify().is_healthy


def test_pages_that_were_filled_and_emptied_hold_no_copy(tmp_path):
    # SQLite moves rows of 500 bytes from page to page and overwrites what is deleted, but not the
    # place that a moved row was at: this finds pieces of them where the database is not rewritten.
    rng, records, left = random.Random(0), make_records(300, 125), []
    stored = np.stack([record.feature for record in records])
    with Gallery(tmp_path / "g") as made:
        for start in range(0, 300, 60):
            made.add(RecordSet(records[start : start + 60], MODEL))
            left += range(start, start + 60)
            gone = rng.sample(left, 45)
            made.delete([records[number].id for number in gone])
            left = [number for number in left if number not in gone]
            assert files_with(tmp_path, stored[gone], 12) == set()


def test_a_feature_that_was_replaced_is_gone_too(tmp_path):
    old, new = make_records(30), make_records(30, seed=1)
    with Gallery(tmp_path / "g") as made:
        made.add(old)
        made.add(new)
        assert files_with(tmp_path, np.stack([record.feature for record in old])) == set()


def test_bytes_that_a_reader_keeps_are_told_and_erased_later(tmp_path, monkeypatch):
    monkeypatch.setattr(index, "PATIENCE", 0.2)
    monkeypatch.setattr(schema, "PATIENCE", 0.2)
    records = make_records(20, 64)
    with Gallery(tmp_path / "g") as made:
        made.add(records)
        reader = sqlite3.connect(tmp_path / "g" / "gallery.sqlite", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM tracklets").fetchone()
        with pytest.raises(ValueError, match=r"deleted, but their bytes .* another process"):
            made.delete([records[0].id])
        assert len(made) == 19
        assert "have not been erased" in made.verify().faults[0]
        reader.close()
        made.add(RecordSet(records[1:2], MODEL))  # any call that writes
        assert files_with(tmp_path, records[0].feature[None]) == set()
        assert made.verify().is_healthy


def interrupt(_):
    raise KeyboardInterrupt


def test_a_deletion_that_was_cut_short_is_finished_by_the_next_call(tmp_path, monkeypatch):
    records = make_records(20, 64)
    with Gallery(tmp_path / "g") as made:
        made.add(records)
        with monkeypatch.context() as patch:
            patch.setattr(index.Index, "erase", interrupt)
            with pytest.raises(KeyboardInterrupt):
                made.delete([records[0].id])
    with Gallery(tmp_path / "g") as made:
        assert len(made) == 19
        made.expire()
        assert files_with(tmp_path, records[0].feature[None]) == set()


def test_killed_processes_lose_nothing_and_leave_nothing_half(tmp_path):
    gallery, rng = KilledGallery(tmp_path / "killed"), random.Random(5)
    for _ in range(4):
        gallery.kill(rng, 0.3)
    assert gallery.faults == []
    assert gallery.next > 0


def test_a_gallery_that_loses_a_tracklet_is_noticed(tmp_path):
    gallery, rng = KilledGallery(tmp_path / "killed"), random.Random(5)
    while len(gallery.present) < 5:
        gallery.kill(rng, 0.5)
    # What the last process deleted would be looked for, too, in the place of this one.
    gallery.journal.write_bytes(b"")
    gallery.deleted = {min(gallery.present)}
    gallery.present.add(10**6)
    gallery._check()
    assert any("lost: 1000000" in fault for fault in gallery.faults)
    assert any("bytes of deleted tracklets" in fault for fault in gallery.faults)
