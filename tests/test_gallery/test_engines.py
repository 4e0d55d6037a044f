"""Every engine finds the same as exact search, and forgets as well."""

from __future__ import annotations

import errno
import importlib.util
import os
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from mmctl.files import DiskFullError
from mmctl.gallery import Gallery, RecordSet
from mmctl.gallery.moments import to_datetime
from tests.test_gallery.records import MODEL, NOON, files_with, make_features, make_records

PACKAGES = {"exact": (), "faiss": ("faiss",), "milvus": ("pymilvus", "milvus_lite")}


def needs(engine):
    missing = [name for name in PACKAGES[engine] if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")


@pytest.fixture(scope="module", params=["faiss", "milvus"])
def pair(request, tmp_path_factory):
    """A gallery of an engine and one that searches exactly, with the same rows."""
    needs(request.param)
    folder, records = tmp_path_factory.mktemp(request.param), list(make_records(300, 48))
    for copy in range(150, 170):
        object.__setattr__(records[copy], "feature", records[0].feature)
    with Gallery(folder / "g", request.param) as one, Gallery(folder / "exact") as other:
        for made in (one, other):
            made.add(RecordSet(records[:200], MODEL))
            made.add(RecordSet(records[200:], MODEL))  # extends the index
        yield one, other, records


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cameras": [0, 3]},
        {"after": to_datetime(NOON + 50_000_000), "before": to_datetime(NOON + 200_000_000)},
        {"ids": list(range(0, 300, 9))},
        {"exclude_same_camera": True, "query_cameras": [0, 1, 2, 3, 3]},
    ],
)
def test_the_hits_are_those_of_exact_search(pair, options):
    one, other, records = pair
    if "ids" in options:
        options = {"ids": [records[number].id for number in options["ids"]]}
    queries = np.concatenate([make_features(4, 48, seed=1), records[0].feature[None]])
    results = [made.search(queries, 10, **options) for made in (one, other)]
    for first, second in zip(*results, strict=True):
        assert [h.tracklet.id for h in first.hits] == [h.tracklet.id for h in second.hits]
        assert [h.similarity for h in first.hits] == [h.similarity for h in second.hits]
        assert (first.num_searched, first.excluded) == (second.num_searched, second.excluded)


def test_an_index_is_verified_and_forgets_and_gives_way(pair):
    one, _, records = pair
    assert one.verify().is_healthy
    engine = one.settings.engine
    gone = np.stack([record.feature for record in records[20:60]])
    assert files_with(one.path / engine, gone)  # they can be found as they are written
    assert one.delete([record.id for record in records[20:60]]).tracklets == 40
    assert files_with(one.path, gone) == set()
    assert files_with(one.path / engine, np.stack([records[61].feature]))
    assert one.search(records[61].feature, 1)[0].hits[0].tracklet.id == records[61].id
    one.rebuild("exact")
    assert not (one.path / engine).exists()
    assert one.search(records[61].feature, 1)[0].hits[0].tracklet.id == records[61].id
    with pytest.raises(ValueError, match=f"has the engine 'exact', got '{engine}': rebuild"):
        Gallery(one.path, engine)


@pytest.fixture
def server(tmp_path):
    """A Milvus server at an address: Milvus Lite speaks the servers' protocol at a port, too."""
    needs("milvus")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "milvus_lite", "server", "--data-dir", str(tmp_path / "s.db")]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        for _ in range(600):
            time.sleep(0.1)
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield f"http://127.0.0.1:{port}", process
        process.kill()


def test_the_same_calls_take_a_server_and_outlast_it(tmp_path, server):
    uri, process = server
    records, queries = make_records(60, 32), make_features(3, 32, seed=1)
    with Gallery(tmp_path / "g", server=uri) as one, Gallery(tmp_path / "exact") as other:
        for made in (one, other):
            made.add(RecordSet(records[:40], MODEL))
            made.add(RecordSet(records[40:], MODEL))
            made.delete([record.id for record in records[:5]])
        options = {"cameras": [1, 2], "after": to_datetime(NOON + 9_000_000)}
        found, expected = (
            [[hit.tracklet.id for hit in result.hits] for result in made.search(queries, **options)]
            for made in (one, other)
        )
        assert found == expected
        assert one.verify().is_healthy
        process.kill()
        process.wait()
        with pytest.raises(ValueError, match=f"server {uri} does not answer"):
            one.delete(camera=1)
        assert len(one) == 44
        with pytest.warns(UserWarning, match="stay on the server"):
            one.rebuild("exact")
        assert len(one.search(queries, 50)[0].hits) == 44
        assert one.verify().is_healthy


def test_a_server_that_is_away_loses_nothing(tmp_path):
    needs("milvus")
    with Gallery(tmp_path / "g", server="http://127.0.0.1:9") as made:
        with pytest.raises(ValueError, match=r"server http://127.0.0.1:9 .* nothing is lost"):
            made.add(make_records(5))
        assert len(made) == 5
        with pytest.raises(ValueError, match="does not answer"):
            made.search(make_features(1, 16)[0])
        with pytest.warns(UserWarning, match="stay on the server"):
            made.rebuild("exact")
        assert len(made.search(make_features(1, 16)[0])[0].hits) == 5


def test_a_gallery_stays_as_it_was_if_the_new_server_is_away(tmp_path):
    needs("milvus")
    with Gallery(tmp_path / "g") as made:
        made.add(make_records(5))
        with pytest.raises(ValueError, match="does not answer"):
            made.rebuild(server="http://127.0.0.1:9")
        assert made.settings.engine == "exact"
        assert len(made.search(make_features(1, 16)[0])[0].hits) == 5


@pytest.mark.parametrize("engine", ["faiss", "milvus"])
def test_an_engine_without_its_package_is_one_line(tmp_path, monkeypatch, engine):
    for module in ("faiss_flat", "milvus"):
        monkeypatch.delitem(sys.modules, f"mmctl.gallery.engines.{module}", raising=False)
    monkeypatch.setitem(sys.modules, {"faiss": "faiss", "milvus": "pymilvus"}[engine], None)
    with Gallery(tmp_path / "g") as made:
        made.add(make_records(5))
        with pytest.raises(ImportError, match=f"the engine '{engine}' needs .*pip install"):
            made.rebuild(engine)
        assert len(made.search(make_features(1, 16)[0])[0].hits) == 5


FULL = os.strerror(errno.ENOSPC)
WRITERS = {
    "exact": ("mmctl.gallery.engines.exact.os.fsync", OSError(errno.ENOSPC, FULL)),
    "faiss": (
        "mmctl.gallery.engines.faiss_flat.faiss.write_index",
        RuntimeError(f"2 != 9 ({FULL})"),
    ),
    "milvus": ("pymilvus.MilvusClient.flush", RuntimeError(f"[Errno 28] {FULL}")),
}


@pytest.mark.parametrize("engine", WRITERS)
def test_a_disk_that_is_full_loses_nothing(engine, tmp_path, monkeypatch):
    needs(engine)
    writer, error = WRITERS[engine]

    def fail(*_, **__):
        raise error

    records = make_records(30, 48)
    with Gallery(tmp_path / "g", engine) as gallery:
        with monkeypatch.context() as patch:
            patch.setattr(writer, fail)
            reported = []
            for work in (
                lambda: gallery.add(records, report=reported.append),
                lambda: gallery.search(records.take([3]), 1),
            ):
                with pytest.raises(DiskFullError, match="no space left on the disk for the index"):
                    work()
                assert not list((tmp_path / "g" / engine).glob("*-*"))  # no piece takes the room
            assert reported == [30]
        assert gallery.search(records.take([3]), 1)[0].num_searched == 29
        assert gallery.verify().is_healthy


def test_an_index_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    needs("faiss")
    from mmctl.gallery.engines import faiss_flat

    def fail(*_):
        raise RuntimeError("could not open for writing:\n Permission denied")

    monkeypatch.setattr(faiss_flat.faiss, "write_index", fail)
    with pytest.raises(OSError, match=r"index .* cannot be written .*Permission denied") as caught:
        Gallery(tmp_path / "g", "faiss").add(make_records(3))
    assert "\n" not in str(caught.value)
