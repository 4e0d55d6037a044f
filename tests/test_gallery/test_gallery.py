"""What a gallery promises: the search equals brute force, rows last, confirmed persons stay."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmctl.gallery import Gallery, RecordSet, TrackletRecord, tracklet_id
from mmctl.gallery.moments import to_datetime, to_microseconds
from tests.test_gallery.records import (
    MODEL,
    NOON,
    brute_force,
    make_features,
    make_records,
)


@pytest.fixture
def gallery(tmp_path):
    with Gallery(tmp_path / "g") as made:
        yield made


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    records = list(make_records(60))
    for copy in (11, 23, 42):  # three alike
        records[copy] = TrackletRecord(records[5].feature, camera=copy % 4, track=copy)
    with Gallery(tmp_path_factory.mktemp("filled") / "g") as made:
        made.add(RecordSet(records, MODEL))
        yield made, records


half_seconds = st.none() | st.integers(-4, 124)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cameras=st.none() | st.sets(st.integers(0, 5), min_size=1),
    after=half_seconds,
    before=half_seconds,
    chosen=st.none() | st.sets(st.integers(0, 59)),
    same=st.booleans(),
    topk=st.integers(1, 70),
    query=st.integers(0, 59),
)
def test_a_search_equals_brute_force_with_any_filter(
    filled, cameras, after, before, chosen, same, topk, query
):
    made, records = filled
    first, last = (None if s is None else NOON + s * 500_000 for s in (after, before))
    if first is not None and last is not None and first > last:
        first, last = last, first

    def allowed(record):
        if chosen is not None and record.id not in {records[n].id for n in chosen}:
            return False
        if cameras is not None and record.camera not in cameras:
            return False
        if (first, last) != (None, None) and record.start is None:
            return False
        if first is not None and record.end < first:
            return False
        if last is not None and record.start > last:
            return False
        return not (same and record.camera == 2)

    vector = make_features(60, 16, seed=9)[query]
    (result,) = made.search(
        np.stack([vector, records[query].feature]),
        topk,
        cameras=cameras,
        after=to_datetime(first),
        before=to_datetime(last),
        ids=None if chosen is None else [records[n].id for n in chosen],
        exclude_same_camera=same,
        query_cameras=[2, 2],
    )[:1]
    found = [(hit.tracklet.id, hit.similarity) for hit in result.hits]
    expected = brute_force(records, vector, allowed, topk)
    assert [name for name, _ in found] == [name for name, _ in expected]
    assert np.allclose([s for _, s in found], [s for _, s in expected], atol=1e-12, rtol=0)
    assert result.num_searched == sum(map(allowed, records))
    assert result.num_searched + sum(result.excluded.values()) == 60


def test_what_ended_or_began_at_the_very_moment_counts(filled):
    made, records = filled
    start, end = to_datetime(records[21].start), to_datetime(records[21].end)
    for options in ({"after": end, "before": end}, {"after": start, "before": start}):
        (result,) = made.search(records[21].feature, **options)
        assert [hit.tracklet.id for hit in result.hits] == [records[21].id]


def test_a_query_that_finds_itself_has_all_its_hits(filled):
    made, records = filled
    assert [len(made.search([records[21].id], topk)[0].hits) for topk in (1, 10, 70)] == [1, 10, 59]


def test_equal_features_come_in_the_order_in_which_they_came_in(filled):
    made, records = filled
    (result,) = made.search(records[5].feature, 4)
    expected = [records[number].id for number in (5, 11, 23, 42)]
    assert [hit.tracklet.id for hit in result.hits] == expected
    assert len({hit.similarity for hit in result.hits}) == 1


def test_a_tracklet_of_the_gallery_does_not_find_itself(filled):
    made, records = filled
    by_id = made.search([records[7].id, records[8].id], 3, exclude_same_camera=True)
    by_record = made.search(RecordSet(records[7:9], MODEL), 3, exclude_same_camera=True)
    assert by_id == by_record
    assert [result.excluded["the query itself"] for result in by_id] == [1, 1]
    for result, record in zip(by_id, records[7:9], strict=True):
        expected = brute_force(
            records, record.feature, lambda other, of=record: other.camera != of.camera, 3
        )
        assert [hit.tracklet.id for hit in result.hits] == [name for name, _ in expected]
        assert all(h.tracklet.camera != record.camera for h in result.hits)
        assert result.num_searched + sum(result.excluded.values()) == 60


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_numbers_are_kept_as_they_are_said_to_be(tmp_path, dtype):
    records = make_records(40, 32)
    with Gallery(tmp_path / "g", dtype=dtype) as made:
        made.add(records)
        query = make_features(1, 32, seed=5)[0]
        (result,) = made.search(query, 5)
        stored = made.features([records[3].id])[0]
    expected = brute_force(records, query, lambda _: True, 5, dtype)
    assert [h.tracklet.id for h in result.hits] == [name for name, _ in expected]
    assert np.allclose([h.similarity for h in result.hits], [s for _, s in expected], atol=1e-12)
    assert np.array_equal(stored, records[3].feature.astype(dtype).astype(np.float32))


def test_what_was_added_is_there_whole_when_it_is_opened_again(tmp_path):
    record = TrackletRecord(
        make_features(1, 4)[0], 3, "a.mp4", 7, 10, 20, NOON, NOON + 5, 0.5, 0.75, 6, "x/1.jpg",
        str(tmp_path), 0.5, 12.0, 9, "name",
    )  # fmt: skip
    with Gallery(tmp_path / "g") as made:
        made.add(RecordSet([record], MODEL, "after the neck"))
    with Gallery(tmp_path / "g") as again:
        (kept,) = again.list()
        assert again.settings.feature == "after the neck"
        assert np.array_equal(again.features([record.id])[0], record.feature)
    assert kept.id == record.id == tracklet_id(3, "a.mp4", 7, 10)
    assert (kept.camera, kept.video, kept.track) == (3, "a.mp4", 7)
    assert (kept.first_frame, kept.last_frame, kept.num_frames) == (10, 20, 6)
    assert (kept.start, kept.end) == (to_datetime(NOON), to_datetime(NOON + 5))
    assert (kept.first_time, kept.last_time) == (0.5, 0.75)
    assert (kept.crop, kept.crop_root, kept.quality, kept.norm) == (
        *("x/1.jpg", str(tmp_path)),
        *(0.5, 12.0),
    )
    assert (kept.pid, kept.pid_source, kept.name) == (9, "given", "name")


def test_the_same_run_again_changes_nothing_and_another_one_replaces(gallery):
    assert gallery.add(make_records(20)).new == 20
    again = gallery.add(make_records(20))
    assert (again.new, again.replaced, again.unchanged) == (0, 0, 20)
    other = gallery.add(make_records(20, seed=1))
    assert (other.new, other.replaced, other.unchanged) == (0, 20, 0)
    assert len(gallery) == 20
    assert gallery.search(make_features(20, 16, seed=1)[4], 1)[0].hits[0].similarity > 0.999


def test_a_confirmed_person_outlasts_another_run(gallery):
    records = make_records(3, pid=5)
    gallery.add(records)
    gallery.confirm(records[1].id, 8)
    gallery.add(make_records(3, seed=2, pid=6))
    who = [(t.pid, t.pid_source) for t in gallery.list()]
    assert who == [(6, "given"), (8, "confirmed"), (6, "given")]
    gallery.confirm(records[1].id, None)
    assert next(gallery.list(ids=[records[1].id])).pid_source == "unknown"


def test_lists_follow_their_filters(gallery):
    gallery.add(make_records(30))
    assert [t.track for t in gallery.list(cameras=[1], video="v0.mp4")] == [6, 21]
    assert [t.track for t in gallery.list(limit=2)] == [0, 1]
    assert [t.track for t in gallery.list(after=to_datetime(NOON + 28_000_000))] == [28, 29]


def test_what_has_expired_is_not_found_and_goes(gallery):
    gallery.add(make_records(6), keep_for=timedelta(days=1))
    gallery.add(make_records(8))
    (result,) = gallery.search(make_features(1, 16)[0], 9)
    # Two of the first six have no time: their day begins now.
    assert result.excluded == {"expired": 5}
    assert gallery.expire("2024-05-31T12:00:00Z").tracklets == 0
    assert gallery.expire().tracklets == 5
    assert len(gallery) == 3


def test_deletions_mean_what_meets_all_conditions(gallery):
    records = make_records(30)
    gallery.add(records)
    deleted = gallery.delete(video="v1.mp4", before=to_datetime(NOON + 20_000_000))
    assert (deleted.tracklets, deleted.unknown_time) == (6, 1)
    assert gallery.delete(camera=2).tracklets == 5
    assert gallery.delete([records[0].id]).tracklets == 1
    assert len(gallery) == 18
    assert gallery.delete(camera=77).tracklets == 0


def test_another_process_that_writes_is_noticed(tmp_path):
    with Gallery(tmp_path / "g") as one, Gallery(tmp_path / "g") as two:
        one.add(make_records(10))
        query = make_features(12, 16)[11]
        assert two.search(query, 50)[0].num_searched == 10
        two.add(make_records(12))
        assert one.search(query, 1)[0].hits[0].similarity > 0.999
        one.delete(camera=1)
        assert two.search(query, 50)[0].num_searched == one.search(query)[0].num_searched == 9
        two.rebuild()
        assert one.verify().is_healthy


def test_threads_share_a_gallery(gallery):
    gallery.add(make_records(50))
    query, found, faults = make_features(1, 16)[0], [], []

    def work(number):
        try:
            gallery.add(make_records(50 + number))
            found.append(gallery.search(query, 1)[0].hits[0].similarity)
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(found) == 6
    assert gallery.verify().is_healthy


def test_reports_count_what_is_on_the_disk(gallery):
    seen = []
    gallery.add(make_records(1203), report=seen.append)
    assert seen == [500, 1000, 1203]


def test_no_torch_is_needed():
    code = "import sys, mmctl.gallery; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-31T12:00:00Z", NOON),
        ("2024-05-31 14:00+02:00", NOON),
        ("2024-05-31T12:00:00.25Z", NOON + 250_000),
        ("2024-05-31Z", NOON - 12 * 3_600_000_000),
    ],
)
def test_moments_are_read_with_their_zone(text, expected):
    assert to_microseconds(text, "moment") == expected


@pytest.mark.parametrize("text", ["", "now", "2024-05-31T12:00:00", "2024-13-31Z", "2024-05-31"])
def test_moments_without_zone_are_refused(text):
    with pytest.raises(ValueError, match="with its time zone"):
        to_microseconds(text, "after")
