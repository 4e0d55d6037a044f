"""tools/analysis_tools/eval_features.py on files of our own and of others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mmctl.evaluation import PROTOCOLS, Protocol, Refinement
from tests.test_evaluation.drawn_split import drawn_tracklets

TOOL = "analysis_tools/eval_features.py"
Tool = Callable[..., None]


@pytest.fixture
def features(tmp_path: Path) -> Path:
    """A file as ``tools/test.py --out`` writes it, tested under query-excluded and euclidean."""
    tracklets = drawn_tracklets()
    evaluation = tracklets.evaluate(Protocol.named("query-excluded"), distance="euclidean")
    tracklets.save(tmp_path / "features.npz", evaluation, {"dataset": "MARS"})
    return tmp_path / "features.npz"


def run_and_read(run_tool: Tool, tmp_path: Path, *arguments: str) -> list[dict]:
    out = tmp_path / "numbers.json"
    run_tool(TOOL, *arguments, "--out", str(out))
    return json.loads(out.read_text())


def test_the_file_s_own_protocol_and_distance_are_the_default(
    features: Path, tmp_path: Path, run_tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    (row,) = run_and_read(run_tool, tmp_path, str(features))
    expected = drawn_tracklets().evaluate(Protocol.named("query-excluded"), distance="euclidean")
    assert row["protocol"] == "query-excluded"
    assert row["distance"] == "euclidean"
    assert row["refinement"] == "no refinement"
    assert row["mAP"] == pytest.approx(100 * expected.ranking.mean_average_precision)
    assert row["mINP"] == pytest.approx(100 * expected.ranking.mean_inverse_penalty)
    assert row["R5"] == pytest.approx(100 * expected.ranking.cmc[4])
    assert row["num_queries"] == expected.ranking.num_queries
    assert row["all_queries"] == len(expected.query_rows)
    assert row["num_gallery"] == len(expected.gallery_rows)
    printed = capsys.readouterr().out
    assert "euclidean distance, no refinement" in printed
    assert "WARNING, query-excluded" in printed
    assert "no match under another" in printed


def test_all_protocols_at_once_with_re_ranking_and_expansion(
    features: Path, tmp_path: Path, run_tool: Tool
) -> None:
    options = ["--protocol", "all", "--distance", "cosine", "--topk", "1", "3", "--rerank"]
    more = ["--k1", "6", "--k2", "3", "--lambda-value", "0.2", "--query-expansion", "2"]
    rows = run_and_read(run_tool, tmp_path, str(features), *options, *more, "--alpha", "3")
    assert [row["protocol"] for row in rows] == [protocol.name for protocol in PROTOCOLS]
    refinement = Refinement.from_config(
        {
            "rerank": {"k1": 6, "k2": 3, "lambda_value": 0.2},
            "query_expansion": 2,
            "alpha": 3.0,
        }
    )
    for row, protocol in zip(rows, PROTOCOLS, strict=True):
        evaluation = drawn_tracklets().evaluate(protocol, distance="cosine", refinement=refinement)
        assert row["mAP"] == pytest.approx(100 * evaluation.ranking.mean_average_precision)
        assert row["refinement"] == str(refinement)
        assert {"R1", "R3"} <= row.keys()
        assert "R5" not in row


def test_query_and_gallery_may_be_files_of_another_project(tmp_path: Path, run_tool: Tool) -> None:
    tracklets = drawn_tracklets()
    is_query = tracklets.splits == "query"
    for name, rows in (("query", is_query), ("gallery", ~is_query)):
        arrays = {key: getattr(tracklets, key)[rows] for key in ("features", "pids", "camids")}
        np.savez(tmp_path / f"{name}.npz", **arrays)
    files = [str(tmp_path / "query.npz"), "--gallery", str(tmp_path / "gallery.npz")]
    (row,) = run_and_read(run_tool, tmp_path, *files)
    assert row["protocol"] == "query-in-gallery"
    expected = tracklets.evaluate(Protocol.named("query-in-gallery"), distance="cosine")
    assert row["mAP"] == pytest.approx(100 * expected.ranking.mean_average_precision)


@pytest.mark.parametrize("options", [[], ["--rerank"], ["--query-expansion", "2"]])
@pytest.mark.parametrize(
    ("field", "values", "message"),
    [
        ("features", np.zeros((80, 0)), "features must be a matrix (tracklets, channels)"),
        ("features", np.full((80, 6), 1e25), "features must be finite and of a norm up to"),
        ("pids", np.full(80, np.inf), "pids must be whole numbers, -1 or more"),
        ("frame_paths", np.full(5, ""), "frame_paths must have one entry per row of features, 80"),
    ],
)
def test_a_wrong_array_is_one_clear_line_before_anything_is_ranked(
    field: str,
    values: np.ndarray,
    message: str,
    options: list[str],
    features: Path,
    run_tool: Tool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with np.load(features) as file:
        arrays = {**file} | {field: values}
    np.savez(features, **arrays)
    with pytest.raises(SystemExit):
        run_tool(TOOL, str(features), *options)
    captured = capsys.readouterr()
    assert f"error: {features}: {message}" in captured.err
    assert not captured.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--k1", "5"], "k1 belong to --rerank"),
        (["--alpha", "2"], "--alpha belongs to --query-expansion"),
        (["--rerank", "--k2", "0"], "positive whole numbers k1 and k2"),
        (["--query-expansion", "-1"], "query_expansion must be a positive number"),
        (["--topk", "0"], "--topk must be positive ranks"),
        (["--gallery", "none.npz"], "feature file none.npz does not exist"),
    ],
)
def test_a_wrong_option_is_one_clear_line(
    options: list[str],
    message: str,
    features: Path,
    run_tool: Tool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as error:
        run_tool(TOOL, str(features), *options)
    assert error.value.code == 2
    printed = capsys.readouterr().err
    assert printed.count("error:") == 1
    assert message in printed


def save_all_queries(path: Path, pids: list[int]) -> Path:
    """Save tracklets of two cameras that are all queries, as the quickstart's are."""
    generator = np.random.default_rng(0)
    np.savez(
        path,
        features=generator.normal(size=(8, 4)).astype(np.float32),
        pids=pids,
        camids=[1] * 4 + [2] * 4,
        splits=["query"] * 8,
    )
    return path


def test_protocols_that_cannot_be_scored_are_named_beside_those_that_can(
    tmp_path: Path, run_tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save_all_queries(tmp_path / "f.npz", [1, 2, 3, 4] * 2)
    rows = run_and_read(run_tool, tmp_path, str(path), "--protocol", "all")
    assert [row["protocol"] for row in rows] == ["query-in-gallery", "mars-official"]
    printed = capsys.readouterr().out.splitlines()
    for name in ("query-excluded", "cross-camera"):
        (line,) = [line for line in printed if line.startswith(f"not scored, {name}: ")]
        assert "at least one gallery tracklet" in line


@pytest.mark.parametrize("protocol", ["all", "query-in-gallery"])
def test_unlabelled_features_are_told_what_can_be_done_with_them(
    protocol: str, tmp_path: Path, run_tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save_all_queries(tmp_path / "f.npz", list(range(1, 9)))
    with pytest.raises(SystemExit) as error:
        run_tool(TOOL, str(path), "--protocol", protocol, "--out", str(tmp_path / "n.json"))
    assert error.value.code == 2
    assert "rank_across_cameras.py" in capsys.readouterr().err
    assert not (tmp_path / "n.json").exists()


def test_a_recorded_protocol_that_is_none_names_the_file(
    features: Path, run_tool: Tool, capsys: pytest.CaptureFixture[str]
) -> None:
    with np.load(features) as file:
        arrays = {**file} | {"protocol": np.array("the best one")}
    np.savez(features, **arrays)
    with pytest.raises(SystemExit):
        run_tool(TOOL, str(features))
    message = f"error: feature file {features}: protocol must be one of ('query-in-gallery', "
    assert message in capsys.readouterr().err
    run_tool(TOOL, str(features), "--protocol", "query-in-gallery")


@pytest.mark.parametrize("columns", ["40", "80"])
def test_protocol_and_numbers_are_whole_in_a_pipe(
    columns: str,
    features: Path,
    run_tool: Tool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    run_tool(TOOL, str(features), "--protocol", "all")
    printed = capsys.readouterr().out
    assert "…" not in printed
    for protocol in PROTOCOLS:
        assert f"│ {protocol} " in printed
