"""Clip modes of a user's own."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from mmctl.datasets.transforms import SampleClip, clip_modes, register_clip_mode
from mmctl.functional.clips import evenly_spaced_frames


@pytest.fixture(autouse=True)
def _own_modes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_modes, "_modes", dict(clip_modes._modes))


def tracklet(num_frames: int, **more: object) -> dict:
    return {"frame_paths": [f"{i}.jpg" for i in range(num_frames)], "tracklet_id": 3, **more}


def backwards(num_frames: int, clip_len: int) -> np.ndarray:
    return evenly_spaced_frames(num_frames, clip_len)[:, ::-1]


def two_weighted(num_frames: int, clip_len: int) -> tuple[np.ndarray, list[float]]:
    return np.zeros((2, clip_len), np.int32), [3, 0.5]


def drawn(num_frames: int, clip_len: int, generator: np.random.Generator) -> np.ndarray:
    return generator.integers(num_frames, size=(1, clip_len))


def test_a_registered_mode_gives_its_clips_in_its_order():
    register_clip_mode("backwards")(backwards)
    results = SampleClip(3, mode="backwards").transform(tracklet(9))
    assert results["clip_indices"].tolist() == [[7, 4, 1]]
    assert results["clip_weights"].tolist() == [3.0]
    assert results["clip_mode"] == "backwards"
    # Of one frame there is one distinct frame.
    assert SampleClip(3, mode="backwards").transform(tracklet(1))["clip_weights"].tolist() == [1.0]


def test_a_mode_may_weight_its_clips():
    register_clip_mode("weighted")(two_weighted)
    results = SampleClip(2, mode="weighted").transform(tracklet(5))
    assert results["clip_indices"].dtype == np.int64
    assert results["clip_weights"].tolist() == [3.0, 0.5]
    assert results["clip_weights"].dtype == np.float32


def test_a_piece_of_a_tracklet_has_the_weights_of_its_own_clips():
    register_clip_mode("weighted")(two_weighted)
    results = SampleClip(2, mode="weighted").transform(tracklet(5, piece=(1, 2)))
    assert results["clip_weights"].tolist() == [0.5]


def test_a_mode_that_draws_gets_the_stream_of_the_pipeline():
    register_clip_mode("drawn")(drawn)
    transform, draws = SampleClip(4, mode="drawn"), []
    for seed in (5, 5, 6):
        np.random.seed(seed)  # noqa: NPY002 (what MMEngine seeds)
        draws.append([transform(tracklet(50))["clip_indices"].tolist() for _ in range(2)])
    assert draws[0] == draws[1] != draws[2]
    assert draws[0][0] != draws[0][1]


def test_a_worker_that_unpickles_a_clip_finds_the_mode(tmp_path: Path, monkeypatch):
    (tmp_path / "strange_clips.py").write_text(
        "from mmctl.datasets.transforms import register_clip_mode\n"
        "import numpy as np\n\n"
        "@register_clip_mode('first')\n"
        "def first(num_frames, clip_len):\n"
        "    return np.zeros((1, clip_len), int)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import strange_clips  # noqa: F401

    packed = pickle.dumps(SampleClip(2, mode="first"))
    # As a process that has imported nothing yet.
    monkeypatch.delitem(sys.modules, "strange_clips")
    del clip_modes._modes["first"]
    results = pickle.loads(packed)(tracklet(5))
    assert results["clip_indices"].tolist() == [[0, 0]]
    assert "strange_clips" in sys.modules
    del sys.modules["strange_clips"]


def test_the_same_function_may_be_registered_again():
    register_clip_mode("backwards")(backwards)
    assert register_clip_mode("backwards")(backwards) is backwards


def test_a_name_that_exists_is_refused_with_its_owner():
    text = "clip mode 'evenly' exists already, mmctl.functional.clips.evenly_spaced_frames"
    with pytest.raises(ValueError, match=text):
        register_clip_mode("evenly")(backwards)


def test_an_unknown_mode_names_the_nearest_and_the_way_to_add_one():
    with pytest.raises(ValueError, match=r"got 'evnly'; did you mean 'evenly'\?.*custom_imports"):
        SampleClip(2, mode="evnly")


def no_generator(frames: int, clip_len: int) -> None: ...


@pytest.mark.parametrize(
    ("name", "function", "error", "message"),
    [
        (backwards, None, ValueError, "register_clip_mode must have the name of the mode"),
        ("x", 5, TypeError, "clip mode 'x' must be a function, got 5"),
        ("x", lambda num_frames, clip_len: None, TypeError, "top level of a module.*<lambda>"),
        ("x", no_generator, TypeError, r"\(num_frames, clip_len, generator\), got no_generator"),
    ],
)
def test_what_cannot_be_a_mode_is_refused_when_it_is_registered(name, function, error, message):
    with pytest.raises(error, match=message):
        register_clip_mode(name)(function)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ([[0, 1, 2]], r"integers of shape \(clips, 2\).* got int64 of shape \(1, 3\)"),
        ([0, 1], r"got int64 of shape \(2,\)"),
        (np.zeros((0, 2), int), r"at least one clip, got int64 of shape \(0, 2\)"),
        ([[0.0, 1.0]], "got float64"),
        (None, "got object"),
        ([[0, 5]], "indices from 0 to 4, got 0 to 5"),
        ([[-1, 0]], "indices from 0 to 4, got -1 to 0"),
        (([[0, 1]], [1, 1]), r"one positive weight per clip, \(1,\), got \[1.0, 1.0\]"),
        (([[0, 1]], [0]), r"one positive weight per clip, \(1,\), got \[0.0\]"),
        (([[0, 1]], [np.nan]), r"got \[nan\]"),
    ],
)
def test_a_mode_that_returns_no_clips_is_named(made, message, monkeypatch):
    monkeypatch.setitem(clip_modes._modes, "wrong", lambda num_frames, clip_len: made)
    with pytest.raises(ValueError, match=rf"clip mode 'wrong' of a tracklet of 5 .*{message}"):
        SampleClip(2, mode="wrong").transform(tracklet(5))
