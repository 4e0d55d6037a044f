"""The tool that makes keypoint arrays with an estimator."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmctl.apis.partial_arrays import PartialArrays
from mmctl.datasets import MARS
from mmctl.datasets.keypoints.keypoint_header import read_header
from tests.conftest import load_tool

EXTRACT = "dataset_converters/extract_keypoints.py"


@pytest.fixture
def arguments(drawn_mars: Path, estimator: list[str], tmp_path: Path) -> list[str]:
    return [
        *("--dataset", "MARS", "--data-root", str(drawn_mars), *estimator),
        *("--frame-size", "64", "32", "--num-workers", "0", "--batch-size", "16"),
        *("--out", str(tmp_path / "keypoints.npy"), "--heatmaps", str(tmp_path / "heatmaps.npy")),
    ]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_tool_makes_arrays_that_the_data_set_takes(
    run_tool, arguments, drawn_mars, tmp_path, capsys
):
    run_tool(EXTRACT, *arguments)
    num_frames = len(MARS(str(drawn_mars)).frame_names())
    assert f"heatmaps.npy: complete, {num_frames} frames" in capsys.readouterr().out.replace(
        "\n", ""
    )
    header = read_header(tmp_path / "keypoints.npy")
    assert (header.estimator, header.checkpoint) == ("tiny", "tiny.pth")
    stored = {kind: str(tmp_path / f"{kind}s.npy") for kind in ("keypoint", "heatmap")}
    dataset = MARS(
        str(drawn_mars), keypoint_file=stored["keypoint"], heatmap_file=stored["heatmap"]
    )
    assert dataset.get_data_info(0)["heatmap_file"] == stored["heatmap"]
    # 4.35 kB per frame
    assert np.load(stored["heatmap"], mmap_mode="r")[0].nbytes == 17 * 16 * 8 * 2
    run_tool(EXTRACT, *arguments)
    assert "already complete" in capsys.readouterr().out


def die_after(num_blocks: int) -> None:
    """Kill this process once so many blocks have reached the disk."""
    write = PartialArrays.write_block

    def write_and_die(partial: PartialArrays, *block: Any) -> None:
        write(partial, *block)
        if partial.num_blocks - len(partial.pending()) >= num_blocks:
            os.kill(os.getpid(), signal.SIGKILL)

    PartialArrays.write_block = write_and_die


def test_a_killed_run_is_continued_to_the_same_bytes(arguments, tmp_path, monkeypatch, capfd):
    tool = load_tool(EXTRACT)
    plan = tool.plan_extraction

    def plan_small(args):
        extraction = plan(args)
        settings = extraction.settings
        object.__setattr__(settings, "rows_per_block", 16)
        extraction.partial.__init__(list(extraction.partial.arrays.values()), 16)
        return extraction

    tool.plan_extraction = plan_small
    monkeypatch.setattr(sys, "argv", [EXTRACT, *arguments])
    for num_blocks in (1, 2):
        child = os.fork()
        if child == 0:
            try:
                die_after(num_blocks)
                tool.main()
            finally:
                os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        assert len(list((tmp_path / "keypoints.partial").glob("heatmaps-*.npy"))) == num_blocks
        assert not (tmp_path / "keypoints.npy").exists()
    tool.main()
    first = contents(tmp_path)
    assert sorted(first) == ["heatmaps.json", "heatmaps.npy", "keypoints.json", "keypoints.npy"]
    for name in first:
        (tmp_path / name).unlink()
    tool.main()
    assert contents(tmp_path) == first


def test_a_damaged_folder_is_refused_until_it_is_overwritten(
    run_tool, arguments, tmp_path, monkeypatch, capsys
):
    run_tool(EXTRACT, *arguments)
    first = contents(tmp_path)
    for name in first:
        (tmp_path / name).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(PartialArrays, "publish", lambda partial: partial.close())
        run_tool(EXTRACT, *arguments)
    os.truncate(tmp_path / "keypoints.partial" / "identity.json", 50)
    with pytest.raises(SystemExit, match="2"):
        run_tool(EXTRACT, *arguments)
    error = capsys.readouterr().err
    assert "keypoints.partial/identity.json must say" in error
    assert contents(tmp_path) == {}
    run_tool(EXTRACT, *arguments, "--overwrite")
    assert contents(tmp_path) == first


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--checkpoint", "gone.pth"], "gone.pth"),
        (["--out", "keypoints.bin"], "must end with .npy, got keypoints.bin"),
        (["--heatmaps", "configs/some.py"], "must end with .npy, got configs/some.py"),
        (["--batch-size", "9999"], "batch_size must be from 1 to 512"),
        (["--data-root", "nowhere"], "nowhere"),
        (["--dataset", "MARSS"], "MARSS"),
        (["configs/quickstart/ctl_r18_quickstart.py"], "and not by both"),
    ],
)
def test_mistakes_end_in_one_line_before_the_work(run_tool, arguments, extra, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        run_tool(EXTRACT, *arguments, *extra)
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_another_estimator_needs_its_weights(run_tool, arguments, capsys):
    where = arguments.index("--checkpoint")
    with pytest.raises(SystemExit, match="2"):
        run_tool(EXTRACT, *arguments[:where], *arguments[where + 2 :])
    assert "error: --checkpoint must name the weights of --estimator" in capsys.readouterr().err


def test_a_config_names_the_data_set_and_keypoints_that_are_there_stay(
    run_tool, arguments, drawn_mars, capsys
):
    before = (drawn_mars / "info" / "keypoints.npy").read_bytes()
    where = arguments.index("--out")
    shortened = [*arguments[2:where]]
    with pytest.raises(SystemExit, match="2"):
        run_tool(EXTRACT, "configs/quickstart/ctl_r18_quickstart.py", *shortened)
    error = capsys.readouterr().err
    assert "keypoints.npy exists and was made in another way" in error
    assert (drawn_mars / "info" / "keypoints.npy").read_bytes() == before
    assert not (drawn_mars / "info" / "keypoints.partial").exists()
