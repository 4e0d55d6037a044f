"""tools/benchmarks/bench_inference.py: all three ways give the network the same clips."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from tests.conftest import ROOT
from tests.test_apis.conftest import checkpoints, ctl, inferencers

sys.path.insert(0, str(ROOT / "tools" / "benchmarks"))

import bench_inference
import long_video

__all__ = ["checkpoints", "ctl", "inferencers"]  # fixtures
TOOL = "benchmarks/bench_inference.py"


def test_every_way_runs_the_same_clips_and_the_bare_one_in_full_batches(ctl, tmp_path, monkeypatch):
    frames = bench_inference.draw_frames(tmp_path / "mars", (64, 32))
    tracklets = bench_inference.make_tracklets(frames, 5, 30)
    assert sorted(map(len, tracklets)) == [1, 2, 5, 13, 30]
    keypoints = bench_inference.make_keypoints(list(map(len, tracklets)), (64, 32))
    comparison = bench_inference.Comparison(ctl, tracklets, keypoints, 3)
    forward, seen = ctl.forward, []

    def watch(batch, **_):
        seen.append(torch.cat(list(batch["inputs"])))
        return forward(batch)

    monkeypatch.setattr(ctl, "forward", watch)
    clips = {}
    for name in ("run_inferencer", "run_plain_loop", "run_bare_forward"):
        seen.clear()
        getattr(comparison, name)()
        sizes = [len(batch) for batch in seen]
        clips[name] = torch.cat(seen)
        if name != "run_plain_loop":
            assert set(sizes[:-1]) == {3}
    assert torch.equal(clips["run_inferencer"], clips["run_bare_forward"])
    assert torch.equal(clips["run_inferencer"], clips["run_plain_loop"])


def test_rates_peaks_and_the_first_result_are_printed(run_tool, capsys):
    options = ("--tracklets", "2", "--longest", "3", "--size", "64", "32", "--repeats", "1")
    run_tool(TOOL, *options, "--num-workers", "0", "--skip-start", "--peak-frames", "2", "9")
    said = capsys.readouterr().out
    assert "2 tracklets of 1 to 3 frames, 4 frames" in said
    assert "times bare forward" in said
    assert "MiB at 9 frames" in said


def test_a_long_video_is_drawn_with_its_tracks(tmp_path):
    video, tracks = long_video.draw_video(tmp_path, 0.01)  # 15 frames
    lines = Path(tracks).read_text().splitlines()
    assert len(lines) == 15 * 3
    assert (tmp_path / "long.mp4").stat().st_size > 1000
    assert video.endswith("long.mp4")


@pytest.mark.parametrize("minutes", [0.02])
def test_a_video_is_streamed(minutes, ctl, capsys):
    long_video.stream_video(ctl, minutes, stride=2)
    assert "3 tracklets, 45 crops (every 2. frame), the longest of 15" in capsys.readouterr().out
