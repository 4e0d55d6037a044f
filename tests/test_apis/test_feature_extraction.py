"""Features in files: the same bytes however often the work was killed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mmctl.apis import feature_extraction
from mmctl.apis.feature_extraction import FeatureExtraction
from mmctl.apis.inference.read_inputs import InputOptions, Inputs
from mmctl.datasets.frame_quality import FrameChoice
from mmctl.evaluation.tracklet_table import TrackletTable
from mmctl.files import FolderLock, read_npz
from tests.test_files.holder import held_elsewhere


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(feature_extraction, "BLOCK", 3)


@pytest.fixture
def plan(baseline, drawn_mars):
    """Plan an extraction of the 13 drawn test tracklets."""

    def make(out, inferencer=baseline, choice=None, batch_size=2):
        inputs = Inputs(drawn_mars, InputOptions(inferencer.reads))
        return FeatureExtraction(inferencer, inputs, out, batch_size, choice)

    return make


class KilledError(Exception):
    """Stands for a signal that kills."""


def read_result(out):
    assert sorted(path.name for path in out.iterdir()) == ["features.npz", "tracks.csv"]
    return (out / "features.npz").read_bytes(), (out / "tracks.csv").read_bytes()


def test_the_result_is_that_of_the_inferencer(plan, baseline, drawn_mars, tmp_path):
    reports = []
    table = plan(tmp_path / "out").run(reports.append)
    predictions = baseline(drawn_mars)["predictions"]
    assert np.abs(table.features - [p["feature"] for p in predictions]).max() < 1e-6
    assert reports == list(range(len(predictions) + 1))
    loaded = TrackletTable.load(tmp_path / "out" / "features.npz")
    for name, column in table.arrays().items():
        assert np.array_equal(getattr(loaded, name), column, equal_nan=column.dtype.kind == "f")


@pytest.mark.parametrize(("blocks", "damage"), [(0, None), (2, None), (1, "cut"), (3, "lost")])
def test_a_killed_run_is_finished_with_the_same_bytes(plan, tmp_path, blocks, damage, monkeypatch):
    plan(tmp_path / "whole").run()
    killed = plan(tmp_path / "out")
    write, written = killed._write_block, []

    def write_or_die(block, table):
        if len(written) == blocks:
            raise KilledError
        write(block, table)
        written.append(block)

    monkeypatch.setattr(killed, "_write_block", write_or_die)
    with pytest.raises(KilledError):
        killed.run()
    assert not (tmp_path / "out" / "features.npz").exists()
    if damage and blocks:
        victim = killed._path(0)
        content = victim.read_bytes()
        victim.unlink()
        if damage == "cut":
            victim.write_bytes(content[: len(content) // 2])
    reports = []
    plan(tmp_path / "out").run(reports.append)
    assert reports[0] == 3 * (blocks - bool(damage and blocks))
    assert read_result(tmp_path / "out") == read_result(tmp_path / "whole")


@pytest.mark.parametrize("step", ["csv", "npz"])
def test_dying_while_the_result_is_put_in_place_loses_nothing(plan, tmp_path, step, monkeypatch):
    plan(tmp_path / "whole").run()
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        name = {"csv": "write_whole", "npz": "open_atomically"}[step]

        def die(*_, **__):
            raise KilledError

        patch.setattr(f"mmctl.evaluation.tracklet_table.{name}", die)
        with pytest.raises(KilledError):
            plan(out).run()
    assert not (out / "features.npz").exists()
    reports = []
    plan(out).run(reports.append)
    assert reports == [len(plan(out).inputs.sources[0])]  # nothing was computed again
    assert read_result(out) == read_result(tmp_path / "whole")


def test_a_finished_result_is_not_made_again_and_a_lost_list_is(plan, tmp_path):
    plan(tmp_path).run()
    before = read_result(tmp_path)
    assert plan(tmp_path).is_complete()
    reports = []
    plan(tmp_path).run(reports.append)
    assert reports == []
    (tmp_path / "tracks.csv").write_text("half of")
    assert not plan(tmp_path).is_complete()
    plan(tmp_path).run()
    assert read_result(tmp_path) == before


def test_work_of_another_origin_is_kept_unless_it_may_be_replaced(plan, ctl, tmp_path):
    plan(tmp_path).run()
    before = read_result(tmp_path)
    other = plan(tmp_path, choice=FrameChoice(min_quality=0.9))
    with pytest.raises(ValueError, match=r"features.npz exists and is of another model .* --over"):
        other.run()
    assert read_result(tmp_path) == before
    table = other.run(overwrite=True)
    assert table.num_left_out.sum() > 0
    assert plan(tmp_path, ctl).identity["model"] != other.identity["model"]


def test_unfinished_work_of_another_run_is_not_mixed_in(plan, tmp_path, monkeypatch):
    killed = plan(tmp_path)
    monkeypatch.setattr(killed, "_write_block", lambda *_: (_ for _ in ()).throw(KilledError))
    with pytest.raises(KilledError):
        killed.run()
    with pytest.raises(ValueError, match=r"unfinished work of another run, .* batch_size"):
        plan(tmp_path, batch_size=3).run()
    (tmp_path / "features.partial" / "identity.json").write_text("[")
    with pytest.raises(ValueError, match="unfinished work of another run"):
        plan(tmp_path).run()
    plan(tmp_path).run(overwrite=True)
    read_result(tmp_path)


def test_two_runs_do_not_work_in_one_folder(plan, tmp_path):
    with held_elsewhere(tmp_path), pytest.raises(ValueError, match="in use by another run"):
        plan(tmp_path).run()
    with FolderLock(tmp_path):
        pass


def test_the_file_says_which_model_and_inputs_it_is_of(plan, baseline, tmp_path):
    plan(tmp_path).run()
    texts = read_npz(tmp_path / "features.npz", "file", ("model", "identity"))
    assert str(texts["model"]) == baseline.model_hash()
    assert json.loads(str(texts["identity"]))["tracklets"] == plan(tmp_path).total


def test_what_cannot_be_counted_is_refused(baseline, crops, tmp_path):
    inputs = Inputs(iter([crops("a", 1)]), InputOptions())
    with pytest.raises(ValueError, match="counted beforehand"):
        FeatureExtraction(baseline, inputs, tmp_path)


def test_a_batch_of_no_clip_is_refused_before_anything_is_written(plan, tmp_path):
    with pytest.raises(ValueError, match="batch_size must be at least 1 clip, got 0"):
        plan(tmp_path / "out", batch_size=0)
    assert not list(tmp_path.iterdir())


def test_a_run_that_fails_in_its_first_block_claims_nothing(plan, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        failing = plan(tmp_path, batch_size=3)
        patch.setattr(failing.inferencer, "sum_items", lambda *_, **__: iter(()))
        with pytest.raises(StopIteration):
            failing.run()
    assert not list(tmp_path.iterdir())
    plan(tmp_path).run()
    read_result(tmp_path)


def test_a_run_that_fails_at_once_keeps_what_it_was_to_replace(plan, tmp_path, monkeypatch):
    killed, written = plan(tmp_path), []

    def write_or_die(block, table):
        if written:
            raise KilledError
        FeatureExtraction._write_block(killed, block, table)
        written.append(block)

    monkeypatch.setattr(killed, "_write_block", write_or_die)
    with pytest.raises(KilledError):
        killed.run()
    with monkeypatch.context() as patch:
        failing = plan(tmp_path, batch_size=3)
        patch.setattr(failing.inferencer, "sum_items", lambda *_, **__: iter(()))
        with pytest.raises(StopIteration):
            failing.run(overwrite=True)
    reports = []
    plan(tmp_path).run(reports.append)
    assert reports[0] == 3
