"""What people say of pairs: it lasts, it agrees with the persons, and it is forgotten with them."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from mmctl.gallery import Gallery
from tests.test_gallery.records import make_records


@pytest.fixture
def made(tmp_path):
    with Gallery(tmp_path / "g") as gallery:
        gallery.add(make_records(6))
        yield gallery, [tracklet.id for tracklet in gallery.list()]


def persons(gallery):
    return [tracklet.pid for tracklet in gallery.list()]


def test_one_person_gets_one_number(made):
    gallery, ids = made
    assert gallery.answer_pair(ids[0], ids[1], True) == 1
    assert gallery.answer_pair(ids[2], ids[1], True) == 1
    assert gallery.answer_pair(ids[3], ids[4], True) == 2
    gallery.confirm(ids[5], 70)
    assert gallery.answer_pair(ids[5], ids[4], None) is None
    assert persons(gallery) == [1, 1, 1, 2, 2, 70]
    assert {t.pid_source for t in gallery.list()} == {"confirmed"}


@pytest.mark.parametrize("nobody", [0, -1])
def test_nobody_of_interest_and_junk_are_no_persons(made, nobody):
    gallery, ids = made
    gallery.confirm(ids[0], nobody)
    gallery.confirm(ids[1], nobody)
    gallery.answer_pair(ids[0], ids[1], False)
    assert gallery.answer_pair(ids[0], ids[1], True) == 1


def test_two_persons_are_remembered_both_ways_round(made):
    gallery, ids = made
    gallery.answer_pair(ids[0], ids[1], False)
    gallery.answer_pair(ids[2], ids[0], False)
    gallery.answer_pair(ids[2], ids[0], False)
    again = Gallery(gallery.path)
    assert [again.rejected(id) for id in ids[:4]] == [{ids[1], ids[2]}, {ids[0]}, {ids[0]}, set()]
    again.answer_pair(ids[0], ids[2], None)
    again.answer_pair(ids[0], ids[1], True)  # a later answer takes the place of the earlier
    assert not any(gallery.rejected(id) for id in ids)


def test_an_answer_against_the_numbers_is_refused_and_changes_nothing(made):
    gallery, ids = made
    gallery.confirm(ids[0], 3)
    gallery.confirm(ids[1], 4)
    gallery.confirm(ids[2], 4)
    before = persons(gallery)
    with pytest.raises(ValueError, match="are persons 3 and 4: if they are one"):
        gallery.answer_pair(ids[0], ids[1], True)
    with pytest.raises(ValueError, match="are both person 4: confirm one of them"):
        gallery.answer_pair(ids[1], ids[2], False)
    with pytest.raises(ValueError, match="must be of two tracklets"):
        gallery.answer_pair(ids[0], ids[0], True)
    with pytest.raises(ValueError, match="has no tracklet with the id"):
        gallery.answer_pair(ids[3], "f" * 32, True)
    gallery.confirm(ids[0], 2**63 - 1)
    with pytest.raises(ValueError, match="number of a new person"):
        gallery.answer_pair(ids[3], ids[4], True)
    assert persons(gallery)[1:] == before[1:]
    assert not any(gallery.rejected(id) for id in ids)


def test_answers_go_with_their_tracklets_and_stay_when_these_come_again(made):
    gallery, ids = made
    gallery.answer_pair(ids[0], ids[1], False)
    gallery.answer_pair(ids[0], ids[2], False)
    gallery.add(make_records(6, seed=1))  # other features: every row is replaced
    assert gallery.rejected(ids[0]) == {ids[1], ids[2]}
    gallery.delete([ids[1]])
    assert gallery.rejected(ids[0]) == {ids[2]}
    with closing(sqlite3.connect(gallery.path / "gallery.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM rejections").fetchone() == (2,)
    assert ids[1].encode() not in (gallery.path / "gallery.sqlite").read_bytes()


def test_a_gallery_of_version_1_gets_what_it_lacks(made):
    gallery, ids = made
    gallery.close()
    with closing(sqlite3.connect(gallery.path / "gallery.sqlite")) as connection:
        connection.execute("DROP TABLE rejections")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    gallery.answer_pair(ids[0], ids[1], False)
    assert gallery.rejected(ids[1]) == {ids[0]}
    assert gallery.verify().is_healthy


def test_pages_of_a_list_follow_each_other(made):
    gallery, ids = made
    first = list(gallery.list(limit=4))
    second = list(gallery.list(limit=4, beyond=first[-1].row))
    assert [tracklet.id for tracklet in first + second] == ids
