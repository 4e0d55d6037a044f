"""tools/benchmarks/bench_evaluation.py: the dense baseline is the algorithm, and all is printed."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.references.ranking import loop_k_reciprocal

sys.path.insert(0, str(ROOT / "tools" / "benchmarks"))

import measured_evaluation
from dense_reranking import dense_k_reciprocal
from measured_evaluation import DrawnSplit, Sizes, in_own_process, measure_reranking

SIZES = Sizes(queries=12, gallery=50, channels=8, threads=1)


@pytest.mark.parametrize(("k1", "k2", "lambda_value"), [(20, 6, 0.3), (6, 3, 0.1), (5, 1, 0.0)])
def test_the_dense_baseline_equals_the_loop(k1: int, k2: int, lambda_value: float) -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(5, 6))
    query, gallery = (
        (centres[rng.integers(5, size=rows)] + 0.5 * rng.normal(size=(rows, 6))).astype(np.float32)
        for rows in (9, 31)
    )
    settings = {"k1": k1, "k2": k2, "lambda_value": lambda_value}
    expected = loop_k_reciprocal(query, gallery, *settings.values())
    np.testing.assert_allclose(dense_k_reciprocal(query, gallery, **settings), expected, atol=1e-5)


def test_drawn_features_are_whole_numbers_that_float32_adds_up_exactly() -> None:
    split = DrawnSplit.draw(Sizes(queries=40, gallery=200, channels=2048, threads=1))
    for features in (split.query, split.gallery):
        assert (features == features.round()).all()
        assert 4 * features.double().square().sum(dim=1).max() < 2**25
    products = split.query @ split.gallery.T
    assert (products.double() == split.query.double() @ split.gallery.double().T).all()
    assert 0.1 < np.mean(split.pids[1] == 0) < 0.5


def test_both_re_rankings_agree_on_the_drawn_features(tmp_path) -> None:
    for name, dense in (("ours", False), ("dense", True)):
        cost = measure_reranking(SIZES, dense, tmp_path / f"{name}.npy")
        assert cost.seconds > 0
    ours, dense = (np.load(tmp_path / f"{name}.npy") for name in ("ours", "dense"))
    np.testing.assert_allclose(ours, dense, atol=1e-4)


def test_a_call_runs_in_a_process_with_the_threads_asked_for(monkeypatch) -> None:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "7")
    assert in_own_process(os.getenv, "OMP_NUM_THREADS", threads=3) == "3"


def test_the_command_prints_every_figure(run_tool, capsys, monkeypatch) -> None:
    # Every process of its own would import everything again.
    monkeypatch.setattr(
        measured_evaluation, "in_own_process", lambda call, *arguments, threads: call(*arguments)
    )
    sizes = ["--queries", "60", "--gallery", "200", "--channels", "16", "--threads", "1"]
    run_tool("benchmarks/bench_evaluation.py", *sizes, "--repeats", "1")
    printed = capsys.readouterr().out
    for part in (
        *("60 queries x 200 gallery items x 16", "bare product", "distances + ranking", "mAP"),
        *("k_reciprocal", "dense NumPy", "peak memory", "processor seconds", "equal: distances"),
    ):
        assert part in printed, part


def test_a_wrong_option_is_named(run_tool, capsys) -> None:
    with pytest.raises(SystemExit):
        run_tool("benchmarks/bench_evaluation.py", "--repeats", "0")
    assert "must be positive" in capsys.readouterr().err
