"""tools/analysis_tools/run_keypoint_study.py: what is run in which order, and the table of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from mmengine.config import Config

from mmctl.datasets import MARS
from mmctl.datasets.keypoints.keypoint_file import check_belongs
from tests.conftest import ROOT, load_tool

TOOLS = ROOT / "tools" / "analysis_tools"


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool, with trainings and tests that only note what they are asked for."""
    monkeypatch.syspath_prepend(str(TOOLS))
    tool = load_tool("analysis_tools/run_keypoint_study.py")
    tool.commands = []

    def finish(metrics: Path, options: list[str]) -> dict:
        if not metrics.exists():
            array = Path(next(item for item in options if "test_dataloader.dataset.key" in item))
            tool.commands.append((str(metrics), array.stem))
            seed = int(options[0].rpartition("=")[2])
            metrics.parent.mkdir(parents=True, exist_ok=True)
            is_exact = metrics.name == "metrics.json" and metrics.parts[-3] == "true"
            rank_1 = seed + (50.0 if is_exact else 20.0)
            numbers = {"R1": rank_1, "mAP": rank_1 / 2, "protocol": "query-in-gallery"}
            metrics.write_text(json.dumps(numbers | {"num_queries": 3, "num_gallery": 4}))
        return json.loads(metrics.read_text())

    def train(_config: Path, folder: Path, options: list[str], _flags: list[str]) -> dict:
        return finish(folder / "metrics.json", options)

    monkeypatch.setattr(tool, "train_and_test", train)
    monkeypatch.setattr(tool, "test", lambda _, __, metrics, options: finish(metrics, options))
    tool.drawn = []
    monkeypatch.setattr(tool, "draw_noise_curves", lambda *drawn: tool.drawn.append(drawn))
    return tool


def run(tool: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["run_keypoint_study.py", *map(str, arguments)])
    tool.main()


LEVELS = ("--jitter", 0.1, 0.2, "--drop", 0.5, "--swap", "--reveal")


def test_true_keypoints_come_first_and_the_strongest_noise_before_weaker(
    study: ModuleType, drawn_mars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = tmp_path / "found.npy"
    learned.write_bytes((drawn_mars / "info" / "keypoints.npy").read_bytes())
    work = tmp_path / "work"
    more = (*LEVELS, "--seeds", 3, 4, "--array", f"learned={learned}")
    run(study, monkeypatch, drawn_mars, "--work-dir", work, *more)
    done = [Path(metrics).relative_to(work).as_posix() for metrics, _ in study.commands]
    tested = [Path(name).stem.removeprefix("tested_on_") for name in done if "tested_on" in name]
    trained = [Path(name).parts[0] for name in done if "tested_on" not in name]
    order = ["learned", "jitter-0.2", "drop-0.5", "jitter-0.1"]
    assert tested == [name for name in order for _ in (3, 4)]
    assert trained == ["true", "true", *tested]
    # Single tests are cheap: they follow the trainings without noise.
    assert [name for name in done[:4] if "tested_on" in name] == []
    assert all("tested_on" in name for name in done[4:12])
    count = len(study.commands)
    run(study, monkeypatch, drawn_mars, "--work-dir", work, *more)
    assert len(study.commands) == count  # nothing twice


def test_every_network_is_tested_on_mirror_images_where_that_is_asked_for(
    study: ModuleType, drawn_mars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    levels = ("--jitter", "--drop", "--swap", 0.5, "--reveal")
    run(study, monkeypatch, drawn_mars, "--work-dir", work, *levels, "--seeds", 3, "--mirrored")
    done = [Path(metrics).relative_to(work).as_posix() for metrics, _ in study.commands]
    assert done[-2:] == ["true/seed3/mirrored.json", "swap-0.5/seed3/mirrored.json"]
    head, _, true, *_ = (work / "table.md").read_text().splitlines()
    assert head.count("mirror images in the test") == 1
    assert true == "| true | 53.0 | 26.5 | 1 | - | - | 0 | 23.0 | 11.5 | 1 |"
    config = Config.fromfile(work / "mirrored.py")
    kinds = [step.type for step in config.test_dataloader.dataset.pipeline]
    assert kinds[-2:] == ["AddMirroredClips", "PackClip"]


def test_the_table_has_means_spreads_and_seeds(
    study: ModuleType, drawn_mars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    common = (drawn_mars, "--work-dir", tmp_path, *LEVELS)
    run(study, monkeypatch, *common, "--seeds", 0, 2)
    table = (tmp_path / "table.md").read_text()
    assert table in capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[:-2]]
    assert table.endswith("\n\nProtocol: query-in-gallery\n")
    assert [row[0] for row in rows[2:]] == ["true", "drop-0.5", "jitter-0.1", "jitter-0.2"]
    # Seeds 0 and 2 get 20 and 22: a deviation of sqrt(2).
    assert rows[2][1] == "51.0 ± 1.4"
    assert rows[3][1:] == ["21.0 ± 1.4", "10.5 ± 0.7", "2", "21.0 ± 1.4", "10.5 ± 0.7", "2"]
    assert rows[2][4:] == ["-", "-", "0"]

    (tmp_path / "drop-0.5" / "seed2" / "metrics.json").unlink()
    run(study, monkeypatch, *common, "--seeds", 0, 2, "--table-only")
    assert "| drop-0.5 | 20.0 | 10.0 | 1 | 21.0 ± 1.4" in (tmp_path / "table.md").read_text()


def test_curves_begin_at_true_keypoints_and_arrays_are_lines(
    study: ModuleType, drawn_mars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = drawn_mars / "info" / "keypoints.npy"
    more = (*LEVELS, "--seeds", 1, "--array", f"learned={learned}")
    run(study, monkeypatch, drawn_mars, "--work-dir", tmp_path, *more)
    ((curves, references, _, path),) = study.drawn
    assert path == tmp_path / "noise_curve.png"
    jitter, tested = (curve.points for curve in curves if curve.kind == "jitter")
    assert {level: [item["R1"] for item in found] for level, found in jitter.items()} == {
        **{0.0: [51.0], 0.1: [21.0], 0.2: [21.0]}
    }
    assert jitter[0.0] == tested[0.0]
    assert {curve.kind: sorted(curve.points) for curve in curves} == {
        **{"jitter": [0.0, 0.1, 0.2], "drop": [0.0, 0.5], "swap": [0.0], "reveal": [0.0]}
    }
    assert [name.partition(",")[0] for name in references] == ["learned", "learned"]


def test_noise_is_another_for_each_seed_and_belongs_to_the_data_set(
    study: ModuleType, drawn_mars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = (drawn_mars, "--work-dir", tmp_path, *LEVELS)
    run(study, monkeypatch, *common, "--seeds", 0, 1)
    exact = np.load(drawn_mars / "info" / "keypoints.npy")
    steps = {}
    for seed in (0, 1):
        path = tmp_path / "keypoints" / f"jitter-0.2-seed{seed}.npy"
        steps[seed] = np.load(path)[..., :2] - exact[..., :2]
        # A frame is 64 pixels high, so a level of 0.2 is 12.8 pixels.
        assert steps[seed].std() == pytest.approx(12.8, rel=0.05)
        names = MARS(str(drawn_mars), lazy_init=True).frame_names
        check_belongs(str(path), "keypoints", len(exact), names)
    assert abs(np.corrcoef(steps[0].ravel(), steps[1].ravel())[0, 1]) < 0.1
    weak = np.load(tmp_path / "keypoints" / "jitter-0.1-seed0.npy")[..., :2] - exact[..., :2]
    np.testing.assert_allclose(2 * weak, steps[0], atol=1e-3)


def test_training_and_test_read_the_same_array(
    study: ModuleType, drawn_mars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sys, "argv", ["x", str(drawn_mars), "--work-dir", str(tmp_path), "--epochs", "7"]
    )
    options = study.overrides(Path("/a/b.npy"), 5, study.parse_args())
    for part in ("train", "test"):
        assert f"{part}_dataloader.dataset.keypoint_file=/a/b.npy" in options
        assert f"{part}_dataloader.dataset.data_root={drawn_mars}" in options
    assert {"randomness.seed=5", "model.head.num_classes=8"} <= set(options)
    assert {"train_cfg.max_epochs=7", "param_scheduler.1.T_max=6"} <= set(options)


def test_runs_of_another_length_are_not_mixed(
    study: ModuleType, drawn_mars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = (drawn_mars, "--work-dir", tmp_path, "--seeds", 0, *LEVELS)
    run(study, monkeypatch, *common, "--epochs", 3)
    with pytest.raises(ValueError, match="holds runs of another study"):
        run(study, monkeypatch, *common, "--epochs", 4)


def test_folders_that_were_not_drawn_and_missing_arrays_are_named(
    study: ModuleType, drawn_mars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    with pytest.raises(FileNotFoundError, match=r"drawn\.json does not exist"):
        run(study, monkeypatch, tmp_path, "--work-dir", tmp_path / "work")
    with pytest.raises(SystemExit):
        run(study, monkeypatch, drawn_mars, "--array", "learned=none.npy")
    assert "must be NAME=FILE with a keypoint array" in capsys.readouterr().err


def test_a_name_stands_for_one_array(
    study: ModuleType, drawn_mars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact, other = drawn_mars / "info" / "keypoints.npy", tmp_path / "other.npy"
    array = np.load(exact)
    np.save(other, array + 1)
    work = ("--work-dir", tmp_path / "work", *LEVELS, "--seeds", 0)
    for more in (["--array", f"true={exact}"], ["--array", f"a={exact}", f"a={other}"]):
        with pytest.raises(ValueError, match="must have a name of its own"):
            run(study, monkeypatch, drawn_mars, *work, *more)
    with pytest.raises(ValueError, match=r"got 'jitter-0.1' 2 times"):
        run(study, monkeypatch, drawn_mars, *work, "--jitter", 0.1, 0.1000000001)
    assert study.commands == []
    run(study, monkeypatch, drawn_mars, *work, "--array", f"a={exact}")
    with pytest.raises(ValueError, match="its content is another one; choose another name"):
        run(study, monkeypatch, drawn_mars, *work, "--array", f"a={other}")
    run(study, monkeypatch, drawn_mars, *work, "--array", f"b={other}")
