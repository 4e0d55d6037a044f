"""From a page's request to the gallery and back."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import cv2
import numpy as np
import pytest

from mmctl.gallery import Gallery, RecordSet, TrackletRecord
from tests.test_gallery.records import make_features
from tests.test_serving.app_requests import ask, error_of, read, send
from tests.test_serving.conftest import folder_of

pytest.importorskip("fastapi")


@pytest.fixture
def ids(filled):
    return [tracklet.id for tracklet in filled.list()]


def test_the_gallery_is_described_and_listed_in_pages(browse, ids, filled):
    client = browse()
    said = client.get("/api/gallery").json()
    assert (said["tracklets"], said["cameras"], said["takes_crops"]) == (6, [3], True)
    assert said["model"] == filled.settings.model
    assert browse(with_model=False).get("/api/gallery").json()["takes_crops"] is False
    first = client.get("/api/tracklets", params={"limit": 4}).json()
    second = client.get("/api/tracklets", params={"limit": 4, "beyond": first["next"]}).json()
    assert [t["id"] for t in first["tracklets"] + second["tracklets"]] == ids
    assert second["next"] is None
    assert not {"crop", "crop_root"} & set(first["tracklets"][0])


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"camera": 3}, 6),
        ({"camera": [1, 2]}, 0),
        ({"pid": 4}, 1),
        ({"video": "none.mp4"}, 0),
        ({"after": "2024-05-01T12:00:00Z"}, 0),
    ],
)
def test_lists_are_narrowed(browse, filled, ids, asked, count):
    filled.confirm(ids[2], 4)
    found = browse().get("/api/tracklets", params=asked).json()["tracklets"]
    assert len(found) == count


def test_a_search_is_the_gallery_s(browse, filled, ids):
    found = ask(browse(), "/api/search", id=ids[1], topk=3)
    (expected,) = filled.search([ids[1]], 3)
    assert found["query"]["id"] == ids[1]
    assert found["searched"] == expected.num_searched == 5
    assert found["excluded"] == expected.excluded
    for hit, wanted in zip(found["hits"], expected.hits, strict=True):
        assert hit["id"] == wanted.tracklet.id
        assert hit["similarity"] == wanted.similarity
        assert (hit["verdict"], hit["rejected"]) == ("", False)
    other = ask(browse(), "/api/search", id=ids[1], exclude_same_camera=True)
    assert (other["hits"], other["excluded"]["camera of the query"]) == ([], 5)
    assert ask(browse(), "/api/search", id=ids[1], cameras=[1])["hits"] == []


def test_frames_are_those_of_the_tracklet_in_order(browse, ids, drawn_mars):
    client = browse()
    frames = folder_of(drawn_mars, 1)
    shown = client.get("/api/tracklets").json()["tracklets"][1]
    assert shown["frames"] == len(frames)
    for number in (0, len(frames) - 1):
        answer = client.get(f"/api/tracklets/{ids[1]}/frames/{number}")
        assert answer.headers["content-type"] == "image/jpeg"
        got = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
        own = cv2.imread(str(frames[number]))
        own = cv2.resize(own, got.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(got.astype(float) - own).mean() < 6
    said = error_of(client.get(f"/api/tracklets/{ids[1]}/frames/{len(frames)}"), 404)
    assert f"has {len(frames)} frames" in said
    assert client.get(f"/api/tracklets/{ids[1]}/frames/-1").status_code == 404


def test_answers_and_persons_are_kept(browse, filled, ids):
    client = browse()
    assert ask(client, "/api/answers", id=ids[0], other=ids[1], same=True) == {"pid": 1}
    ask(client, "/api/answers", id=ids[0], other=ids[2], same=False)
    assert filled.rejected(ids[2]) == {ids[0]}
    hits = ask(client, "/api/search", id=ids[0])["hits"]
    assert {hit["id"]: hit["rejected"] for hit in hits}[ids[2]] is True
    assert sum(hit["rejected"] for hit in hits) == 1
    assert {hit["id"]: hit["pid"] for hit in hits}[ids[1]] == 1
    ask(client, "/api/answers", id=ids[0], other=ids[2], same=None)
    assert not filled.rejected(ids[2])
    assert ask(client, f"/api/tracklets/{ids[3]}/person", pid=9) == {"pid": 9}
    assert ask(client, f"/api/tracklets/{ids[4]}/person", pid="new") == {"pid": 10}
    assert ask(client, f"/api/tracklets/{ids[3]}/person", pid=None) == {"pid": None}
    assert [t.pid for t in filled.list()] == [1, 1, None, None, 10, None]
    body = {"id": ids[4], "other": ids[0], "same": True}
    said = error_of(client.post("/api/answers", json=body), 400)
    assert "are persons 10 and 1" in said


def test_what_is_deleted_is_gone(browse, filled, ids):
    client = browse()
    assert client.delete(f"/api/tracklets/{ids[0]}").json() == {"deleted": 1}
    assert [t.id for t in filled.list()] == ids[1:]
    said = error_of(client.delete(f"/api/tracklets/{ids[0]}"), 400)
    assert "has no tracklet with the id" in said


def test_answers_of_one_moment_agree(browse, filled, ids, drawn_mars, monkeypatch):
    client = browse()
    upload = send(client, read(folder_of(drawn_mars, 2))).json()["id"]
    confirm, together = filled.confirm, threading.Barrier(2)

    def slow(id, pid):
        with suppress(threading.BrokenBarrierError):
            together.wait(0.5)  # where both may be here, both are
        return confirm(id, pid)

    monkeypatch.setattr(filled, "confirm", slow)
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(
            lambda other: ask(client, "/api/answers", id=upload, other=other, same=True), ids[:2]
        )
    assert list(answers) == [{"pid": 1}] * 2
    assert [t.pid for t in filled.list(limit=3)] == [1, 1, None]


def test_what_is_deleted_meanwhile_is_one_line(browse, filled, ids, monkeypatch):
    client = browse()
    monkeypatch.setattr(filled, "list", lambda **_: iter(()))
    for answer in (
        client.get(f"/api/tracklets/{ids[0]}/frames/0"),
        client.post("/api/search", json={"id": ids[0]}),
    ):
        assert "has just been deleted" in error_of(answer, 404)


def test_a_gallery_that_is_taken_away_is_one_line(browse, filled, ids):
    client = browse()
    shutil.rmtree(filled.path)
    for answer in (
        client.get("/api/tracklets"),
        client.post("/api/search", json={"id": ids[0]}),
        client.delete(f"/api/tracklets/{ids[0]}"),
        client.post(f"/api/tracklets/{ids[0]}/person", json={"pid": 5}),
    ):
        assert "was deleted, moved or replaced" in error_of(answer, 404)


def test_a_model_of_another_gallery_is_refused(filled, inferencers):
    from mmctl.serving.desk import Desk

    with pytest.raises(ValueError, match=r"is of the model .* take the checkpoint"):
        Desk(filled, inferencers["ctl"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/search", {"id": "' OR 1=1 --"}),
        ("POST", "/api/search", {"id": "../../etc/passwd"}),
        ("POST", "/api/search", {"id": 5}),
        ("POST", "/api/search", {"id": "a" * 32, "topk": "many"}),
        ("POST", "/api/search", {"id": "a" * 32, "topk": 10**9}),
        ("POST", "/api/search", {"id": "a" * 32, "after": "yesterday"}),
        ("POST", "/api/search", {"id": "a" * 32, "unknown": 1}),
        ("POST", "/api/answers", {"id": "a" * 32, "other": "a" * 32, "same": "yes"}),
        ("POST", "/api/answers", [1]),
        ("POST", "/api/tracklets/{id}/person", {"pid": 2**70}),
        ("POST", "/api/tracklets/{id}/person", {"pid": -2}),
        ("GET", "/api/tracklets/../../../etc/passwd/frames/0", None),
        ("GET", "/api/tracklets/%2e%2e%2f%2e%2e%2fetc%2fpasswd/frames/0", None),
        ("GET", "/api/tracklets/{id}/frames/99999999999999999999999", None),
        ("GET", "/api/tracklets?beyond=99999999999999999999999", None),
        ("GET", "/api/tracklets?pid=99999999999999999999999", None),
        ("GET", "/api/tracklets?camera=99999999999999999999999", None),
        ("POST", "/api/search", {"id": "{id}", "cameras": [2**70]}),
        ("GET", "/api/tracklets?after=2024-05-02T00:00:00Z&before=2024-05-01T00:00:00Z", None),
        ("DELETE", "/api/tracklets/*", None),
        ("POST", "/api/uploads", {"crops": "text"}),
    ],
)
def test_hostile_requests_end_in_one_line_and_change_nothing(
    browse, filled, ids, method, path, body
):
    before = [tracklet.to_dict() for tracklet in filled.list()]
    if isinstance(body, dict) and body.get("id") == "{id}":
        body = body | {"id": ids[0]}
    answer = browse().request(method, path.format(id=ids[0]), json=body)
    assert answer.status_code in (400, 404, 405, 422) or answer.json()["tracklets"] == []
    assert "Traceback" not in answer.text
    assert [tracklet.to_dict() for tracklet in filled.list()] == before


def test_a_crop_outside_of_its_folder_is_never_read(tmp_path):
    from mmctl.serving.desk import Desk, Narrowing

    (tmp_path / "secret").mkdir()
    (tmp_path / "crops").mkdir()
    picture = cv2.imencode(".jpg", np.zeros((8, 4, 3), np.uint8))[1].tobytes()
    (tmp_path / "secret" / "0001.jpg").write_bytes(picture)
    (tmp_path / "crops" / "0001.jpg").symlink_to(tmp_path / "secret" / "0001.jpg")
    (tmp_path / "crops" / "0002.jpg").write_bytes(b"text: no picture")
    features = make_features(2, 4)
    records = [
        TrackletRecord(feature, track=n, crop=f"000{n + 1}.jpg", crop_root=str(tmp_path / "crops"))
        for n, feature in enumerate(features)
    ]
    with Gallery(tmp_path / "g") as gallery:
        gallery.add(RecordSet(records, "m"))
        desk = Desk(gallery)
        linked, text = desk.list_tracklets(Narrowing())["tracklets"]
        assert linked["frames"] == 0
        with pytest.raises(FileNotFoundError):
            desk.draw(linked["id"], 0)
        with pytest.raises(ValueError, match="cannot be decoded"):
            desk.draw(text["id"], 0)


def test_pages_and_program_are_there_and_ask_nobody_else(browse):
    client = browse()
    page, program, style = (client.get(path) for path in ("/", "/app.js", "/app.css"))
    kinds = [answer.headers["content-type"].partition(";")[0] for answer in (page, program, style)]
    assert kinds == ["text/html", "text/javascript", "text/css"]
    for answer in (page, program, style):
        assert "http:" not in answer.text
        assert "https:" not in answer.text
    assert "innerHTML" not in program.text
