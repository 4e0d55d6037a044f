"""tools/gallery.py: from features to hits, and back to nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mmctl.engine.commands.gallery_options import read_duration, read_person, read_rows
from mmctl.evaluation.tracklet_table import TrackletTable
from tests.test_gallery.records import make_features

TOOL = "gallery.py"


def write(folder, count, model="m1", seed=0):
    features = make_features(count, 16, seed)
    predictions = [
        {
            "feature": features[number],
            "camera": number % 3 + 1,
            "video": f"cam{number % 3 + 1}.mp4",
            "track": number,
            "first_frame": 5 * number,
            "last_frame": 5 * number + 4,
            "first_time": float(number),
            "last_time": number + 0.5,
            "start": f"2024-05-31T12:00:{number:02d}Z",
            "num_frames": 5,
            "feature_norm": 3.0,
            "quality": 0.75,
            "name": f"[red]track\x1b[2J {number}",
            "frame_path": f"crops/{number}.jpg",
        }
        for number in range(count)
    ]
    TrackletTable.from_predictions(predictions).save(folder, {"model": model})
    return folder / "features.npz"


@pytest.fixture
def call(run_tool, capsys, tmp_path):
    def run(command, *arguments, status=0):
        if status:
            with pytest.raises(SystemExit) as caught:
                run_tool(TOOL, command, str(tmp_path / "g"), *map(str, arguments))
            assert caught.value.code == status
        else:
            run_tool(TOOL, command, str(tmp_path / "g"), *map(str, arguments))
        said = capsys.readouterr()
        return said.err if status else said.out

    return run


def test_tracklets_are_added_found_confirmed_listed_and_forgotten(call, tmp_path):
    path = write(tmp_path, 12)
    assert "12 new, 0 replaced, 0 as before" in call("add", path, "--crops", tmp_path)
    assert "0 new, 0 replaced, 12 as before" in call("add", path, "--crops", tmp_path)

    said = call("search", "--features", path, "--rows", "0,3-4", "--topk", 2)
    assert "row 3 [red]track\\x1b[2J 3: 11 tracklets searched, left out: 1 the query" in said
    assert "\x1b[2J" not in said
    options = ["--cameras", 2, 3, "--after", "2024-05-31T12:00:05Z", "--json"]
    (found,) = json.loads(call("search", "--features", path, "--rows", 0, *options))
    assert (found["searched"], found["excluded"]) == (5, {"another camera": 4, "ended before": 3})
    assert {hit["camera"] for hit in found["hits"]} == {2, 3}
    best = found["hits"][0]
    assert (best["rank"], best["quality"], best["pid_source"]) == (1, 0.75, "unknown")
    like = json.loads(call("search", "--like", best["id"], "--exclude-same-camera", "--json"))
    assert like[0]["searched"] == 8

    assert "person 7" in call("confirm", best["id"], 7)
    (listed,) = json.loads(call("list", "--pid", 7, "--json"))
    assert (listed["id"], listed["pid_source"]) == (best["id"], "confirmed")
    assert "7 (confirmed)" in call("list")
    assert "4 tracklets forgotten, 8 left" in call("delete", "--camera", 1)


def test_an_index_is_rebuilt_and_what_has_expired_goes(run_tool, capsys, call, tmp_path):
    options = ("--crops", tmp_path, "--dtype", "float16", "--keep-for")
    run_tool(TOOL, "add", str(tmp_path / "g"), str(write(tmp_path, 5)), *map(str, options), "30d")
    warning = capsys.readouterr().err
    assert "5 are past their time already" in warning
    assert "--keep-for 30d counts from a tracklet's end" in warning
    assert "index exact is rebuilt" in call("rebuild")
    assert "5 tracklets had expired, 0 left" in call("expire")


def test_verify_says_what_is_wrong_by_its_status(run_tool, capsys, call, tmp_path):
    call("add", write(tmp_path, 5), "--crops", tmp_path)
    for status in (0, 1):
        with pytest.raises(SystemExit) as caught:
            run_tool(TOOL, "verify", str(tmp_path / "g"))
        assert caught.value.code == status
        said = capsys.readouterr()
        assert ("all is well" in said.out) == (status == 0)
        (array,) = (tmp_path / "g" / "exact").glob("*.bin")
        array.write_bytes(b"\x01" * array.stat().st_size)
    assert "error: the index" in said.err


def test_mistakes_are_one_line(call, tmp_path):
    path = write(tmp_path, 5)
    assert "does not exist" in call("search", "--like", "x", status=2)
    assert "crop_root= (--crops FOLDER)" in call(
        "add", changed_path(path), "--crops", tmp_path, status=2
    )
    call("add", write(tmp_path, 5), "--crops", tmp_path)
    for arguments, said in (
        (("search",), "say what to search for"),
        (("search", "--like", "x", "--features", path), "say what to search for"),
        (("search", "--features", path, "--rows", "9"), "rows must be within 0 and 4"),
        (("search", "--like", "<script>"), "no tracklet with the id '<script>'"),
        (("delete",), "say which tracklets to delete"),
        (("confirm", "a", "b"), "a person must be a number"),
        (("add", path, "--engine", "faiss"), "has the engine 'exact', got 'faiss'"),
        (("add", path, "--keep-for", "soon"), "a time must be a number and m, h, d or w"),
        (("expire", "--at", "never"), "must be a moment"),
    ):
        assert said in call(*arguments, status=2)
    other = write(tmp_path, 5, model="m2")
    assert "holds features of the model m1" in call("add", other, "--crops", tmp_path, status=2)


def changed_path(path):
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays["frame_paths"] = np.array(["../../etc/passwd"] * len(arrays["names"]))
    np.savez(path, **arrays)
    return path


def test_options_are_read():
    assert read_duration("2w").days == 14
    assert read_person("unknown") is None
    assert read_person("-1") == -1
    assert read_rows("0,2-4", 5) == [0, 2, 3, 4]
    for text in ("", "3-2", "5", "a"):
        with pytest.raises(ValueError, match="rows must be"):
            read_rows(text, 5)
