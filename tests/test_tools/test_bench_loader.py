"""tools/benchmarks/bench_loader.py: both sides read the same frames."""

from __future__ import annotations

import sys

import pytest

from mmctl.datasets import MARS
from tests.conftest import ROOT

sys.path.insert(0, str(ROOT / "tools" / "benchmarks"))

import bench_loader
from processor_name import processor_name


def test_every_run_reads_the_same_frames_of_the_same_clips(drawn_mars):
    recorders = [bench_loader.Recorder() for _ in range(3)]
    datasets = [MARS(str(drawn_mars), pipeline=bench_loader.pipeline(4, r)) for r in recorders]
    assert bench_loader.load(bench_loader.make_loader(datasets[0], 0)) == 16 * 4
    assert bench_loader.load(bench_loader.make_loader(datasets[1], 0)) == 16 * 4
    assert bench_loader.load_items(datasets[2]) == 16 * 4
    assert recorders[0].paths == recorders[1].paths == recorders[2].paths
    assert [len(paths) for paths in recorders[0].paths] == [4] * 16
    for decoder in bench_loader.bare_decoders().values():
        assert bench_loader.decode(recorders[0].paths, decoder) == 16 * 4


def test_the_ratios_are_printed(drawn_mars, run_tool, capsys):
    run_tool("benchmarks/bench_loader.py", "--data-root", str(drawn_mars), "--repeats", "1")
    said = capsys.readouterr().out
    assert "16 clips, 96 frames" in said
    assert "to OpenCV" in said
    assert processor_name() in said
    assert "one worker" in said


def test_a_set_can_be_drawn(tmp_path):
    dataset = MARS(bench_loader.draw_set(tmp_path / "mars", 1), pipeline=bench_loader.pipeline(2))
    assert dataset[0]["inputs"].shape == (1, 2, 3, 256, 128)


@pytest.mark.parametrize("name", ["OpenCV alone", "the same in one worker"])
def test_rates_are_measured_in_turn(name):
    calls = []
    runs = {name: lambda: calls.append(name) or 7, "other": lambda: calls.append("other") or 7}
    rates = bench_loader.measure_all(runs, 2)
    assert calls == ["other", name, name, "other", "other", name]
    assert rates[name].shape == (2, 2)
