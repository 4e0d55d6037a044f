"""Crops that are sent to the server: searched for, kept for a moment, refused."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.test_serving.app_requests import ask, error_of, read, send
from tests.test_serving.conftest import folder_of

pytest.importorskip("fastapi")


@pytest.fixture
def ids(filled):
    return [tracklet.id for tracklet in filled.list()]


def test_crops_that_are_sent_are_searched_for(browse, filled, ids, drawn_mars):
    client = browse()
    paths = folder_of(drawn_mars, 2)
    frames = read(paths)
    upload = send(client, frames[::-1], camera="5").json()  # the order of names counts
    assert upload["frames"] == len(paths)
    assert (upload["camera"], upload["pid"]) == (5, None)
    found = ask(client, "/api/search", id=upload["id"], exclude_same_camera=True)
    assert found["searched"] == 6
    assert found["hits"][0]["id"] == ids[2]
    assert found["hits"][0]["similarity"] == pytest.approx(1, abs=1e-6)
    picture = client.get(f"/api/tracklets/{upload['id']}/frames/0")
    assert picture.content[:2] == b"\xff\xd8"

    answer = {"id": upload["id"], "other": ids[2]}
    assert ask(client, "/api/answers", **answer, same=True) == {"pid": 1}
    assert ask(client, "/api/answers", **answer | {"other": ids[3]}, same=True) == {"pid": 1}
    filled.confirm(ids[4], 8)
    said = error_of(client.post("/api/answers", json=answer | {"other": ids[4], "same": True}), 400)
    assert "is person 1 by an earlier answer" in said
    said = error_of(client.post("/api/answers", json=answer | {"same": False}), 400)
    assert "are both person 1 by earlier answers" in said
    ask(client, "/api/answers", **answer | {"other": ids[5]}, same=False)
    hits = ask(client, "/api/search", id=upload["id"])["hits"]
    assert [hit["id"] for hit in hits if hit["rejected"]] == [ids[5]]
    assert [t.pid for t in filled.list()] == [None, None, 1, 1, 8, None]
    assert len(filled) == 6  # what is searched for does not come in
    assert client.delete(f"/api/tracklets/{upload['id']}").json() == {"deleted": 1}
    assert client.post("/api/search", json={"id": upload["id"]}).status_code == 400


def test_frames_are_in_the_order_of_their_numbers(browse, drawn_mars):
    content = [path.read_bytes() for path in folder_of(drawn_mars, 0)][:3]
    names = ["f10.jpg", "f9.jpg", "f1.jpg"]
    client = browse()
    upload = send(client, zip(names, content, strict=True)).json()
    for place, source in enumerate((2, 1, 0)):
        alone = send(client, [("a.jpg", content[source])]).json()["id"]
        one, other = (
            f"/api/tracklets/{id}/frames/{n}" for id, n in ((upload["id"], place), (alone, 0))
        )
        assert client.get(one).content == client.get(other).content
    assert len(set(content)) == 3


def test_only_the_latest_crops_are_kept(browse, drawn_mars):
    client, frames = browse(), read(folder_of(drawn_mars, 0)[:1])
    kept = [send(client, frames).json()["id"] for _ in range(21)]
    found = [client.get(f"/api/tracklets/{id}/frames/0").status_code for id in kept]
    assert found == [400] + [200] * 20


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([("a.jpg", b"")], "is empty"),
        ([("<b>.jpg", b"no picture")], "cannot be decoded"),
        ([("a.npy", b"")], "1 to 500 crops of one person"),
        ([("a.jpg", b"x")] * 501, "1 to 500 crops of one person"),
        ([("a.jpg", b"x")] * 1001, "Too many files"),
    ],
)
def test_what_are_no_crops_is_refused_in_one_line(browse, files, message):
    assert message in error_of(send(browse(), files), 400)


def test_pictures_that_unfold_are_refused(browse, drawn_mars, monkeypatch):
    monkeypatch.setattr("mmctl.serving.uploads._MOST_PIXELS", 2 * 64 * 32 - 1)
    frames = read(folder_of(drawn_mars, 0)[:1])
    assert cv2.imdecode(np.frombuffer(frames[0][1], np.uint8), 0).shape == (64, 32)
    assert send(browse(), frames).status_code == 200
    said = error_of(send(browse(), frames * 2), 400)
    assert "must have at most 4,095 pixels" in said


def test_a_picture_that_unfolds_is_refused_before_it_is_decoded(browse):
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (40_000).to_bytes(4, "big") * 2 + b"\x08\x02"
    said = error_of(send(browse(), [("a.png", head + b"\0\0\0 no pixels IEND")]), 400)
    assert "must have at most 268,435,456 pixels" in said


def test_crops_never_reach_the_disk(browse, monkeypatch):
    from tempfile import SpooledTemporaryFile

    spilled = []
    monkeypatch.setattr(SpooledTemporaryFile, "rollover", lambda file: spilled.append(file))
    noise = np.random.default_rng(0).integers(0, 256, (800, 600, 3), np.uint8)
    content = cv2.imencode(".png", noise)[1].tobytes()
    assert len(content) > 2**20
    assert send(browse(), [("a.png", content)]).status_code == 200
    assert not spilled


def test_a_model_that_reads_keypoints_takes_them_along(filled, drawn_mars, inferencers):
    from mmctl.serving.uploads import Uploads

    uploads = Uploads(inferencers["ctl"], 64)
    frames = read(folder_of(drawn_mars, 0))
    with pytest.raises(ValueError, match="takes its heatmaps from keypoints"):
        uploads.add(frames, None)
    keypoints = np.random.default_rng(0).uniform(0, 60, (len(frames), 17, 3)).astype(np.float32)
    path = drawn_mars.parent / "k.npy"
    np.save(path, keypoints)
    upload = uploads.add([*frames, ("keypoints.npy", path.read_bytes())], None)
    pictures = [str(p) for p in folder_of(drawn_mars, 0)]
    (expected,) = inferencers["ctl"].stream(pictures, keypoints=keypoints)
    assert np.allclose(upload.feature, expected["feature"], atol=1e-6)
    for content in (b"\x93NUMPY rubbish", b"PK\x03\x04", b""):
        with pytest.raises(ValueError, match=r"\.npy file of keypoints"):
            uploads.add([*frames, ("k.npy", content)], None)
    with pytest.raises(ValueError, match="keypoints"):
        uploads.add([*frames[1:], ("k.npy", path.read_bytes())], None)


def test_without_a_model_no_crops_are_taken(browse, drawn_mars):
    said = error_of(send(browse(with_model=False), read(folder_of(drawn_mars, 0))), 400)
    assert "--checkpoint" in said
