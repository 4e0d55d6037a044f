from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.hooks import CheckpointHook
from mmengine.logging import HistoryBuffer

from mmctl.checkpoints.checkpoint_reading import load_from_local_safely
from mmctl.engine.repairs import mmengine_fixes
from mmctl.engine.repairs.atomic_backend import AtomicLocalBackend
from tests.test_engine.tiny_runner import TinyModel, tiny_runner


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp("trained")
    runner = tiny_runner(work_dir)
    runner.train()
    return work_dir, runner


def save(path: Path, content: object) -> str:
    torch.save(content, path)
    return str(path)


def test_a_run_resumes_from_its_own_checkpoint(trained, tmp_path):
    work_dir, before = trained
    runner = tiny_runner(tmp_path, epochs=2, resume=True, load_from=str(work_dir / "epoch_1.pth"))
    runner.load_or_resume()
    assert (runner.epoch, runner.iter) == (1, 2)
    for name, value in before.model.state_dict().items():
        assert torch.equal(runner.model.state_dict()[name], value), name
    runner.train()
    assert (runner.epoch, runner.iter) == (2, 4)


def test_auto_resume_takes_optimizer_scheduler_and_log_history_along(trained):
    work_dir, before = trained
    runner = tiny_runner(work_dir, epochs=2, resume=True)
    steps = []
    runner.call_hook = lambda name, **kwargs: steps.append(name)
    runner.load_or_resume()
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.param_schedulers = runner.build_param_scheduler(runner.param_schedulers)
    assert "after_load_checkpoint" in steps
    state = next(iter(runner.optim_wrapper.state_dict()["state"].values()))
    assert state["step"] == 2
    assert state["exp_avg"].abs().sum() > 0
    assert runner.optim_wrapper.get_lr()["lr"] == before.optim_wrapper.get_lr()["lr"]
    history = runner.message_hub.get_scalar("train/loss")
    np.testing.assert_array_equal(
        history.data[0], before.message_hub.get_scalar("train/loss").data[0]
    )
    assert history.statistics("mean", 2) == pytest.approx(history.data[0].mean())


def test_load_from_takes_the_weights_only(trained, tmp_path):
    work_dir, before = trained
    runner = tiny_runner(tmp_path, load_from=str(work_dir / "epoch_1.pth"))
    runner.load_or_resume()
    assert runner.epoch == 0
    assert torch.equal(runner.model.backbone.weight, before.model.backbone.weight)


def test_pretrained_initialises_from_a_checkpoint_of_mmengine(trained):
    work_dir, before = trained
    model = TinyModel(init_cfg={"type": "Pretrained", "checkpoint": str(work_dir / "epoch_1.pth")})
    model.init_weights()
    assert torch.equal(model.classifier.weight, before.model.classifier.weight)


def test_what_a_checkpoint_may_hold_is_allowed_while_it_is_read_only(trained):
    work_dir, _ = trained
    load_from_local_safely(str(work_dir / "epoch_1.pth"))
    assert HistoryBuffer not in torch.serialization.get_safe_globals()
    with pytest.raises(pickle.UnpicklingError):
        torch.load(work_dir / "epoch_1.pth")


def test_resume_does_not_run_the_config_text_of_a_checkpoint(trained, tmp_path):
    work_dir, _ = trained
    target = tmp_path / "made_by_the_config"
    checkpoint = load_from_local_safely(str(work_dir / "epoch_1.pth"))
    checkpoint["meta"]["config"] = f"import os\nos.mkdir({str(target)!r})\n"
    file = save(tmp_path / "hostile.pth", checkpoint)
    runner = tiny_runner(tmp_path / "w", epochs=2, resume=True, load_from=file)
    runner.load_or_resume()
    assert runner.epoch == 1
    assert not target.exists()


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.999])
def test_a_truncated_file_is_named(trained, tmp_path, kept):
    content = (trained[0] / "epoch_1.pth").read_bytes()
    file = tmp_path / "cut.pth"
    file.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(ValueError, match=r"cut\.pth' (is damaged|cannot be read)"):
        load_from_local_safely(str(file))


def saved_best(folder: Path, score: float, epoch: int) -> CheckpointHook:
    """Let MMEngine's hook save an epoch and its best score; ``folder`` may fail to write."""
    runner = tiny_runner(folder)
    runner.train_loop._epoch = epoch
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.param_schedulers = runner.build_param_scheduler(runner.param_schedulers)
    hook = CheckpointHook(interval=1, max_keep_ckpts=1, save_best="acc", rule="greater")
    runner.message_hub.update_info("keep_ckpt_ids", [1])
    runner.message_hub.update_info("best_ckpt", str(folder / "best_acc_epoch_1.pth"))
    hook.before_train(runner)
    hook.after_train_epoch(runner)
    runner.train_loop._epoch += 1
    hook.after_val_epoch(runner, {"acc": score})
    return hook


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.glob("*.pth")}


def test_the_old_checkpoint_is_deleted_when_the_new_one_is_whole(tmp_path, monkeypatch):
    old = {"epoch_1.pth", "best_acc_epoch_1.pth"}
    seen = []
    for name in old:
        (tmp_path / name).touch()
    real = AtomicLocalBackend.put

    def put(backend, content, path):
        seen.append(names(tmp_path))
        real(backend, content, path)

    monkeypatch.setattr(AtomicLocalBackend, "put", put)
    saved_best(tmp_path, 0.5, epoch=1)
    # The epoch, the best one, and the epoch once more: it holds the best score then.
    assert seen[0] == old
    assert "best_acc_epoch_1.pth" in seen[1]
    assert names(tmp_path) >= {"epoch_2.pth"}
    assert not names(tmp_path) & old


def test_the_old_checkpoint_stays_if_the_new_one_cannot_be_written(tmp_path, monkeypatch):
    old = {"epoch_1.pth", "best_acc_epoch_1.pth"}
    for name in old:
        (tmp_path / name).touch()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(AtomicLocalBackend, "put", full)
    with pytest.raises(OSError, match="No space left"):
        saved_best(tmp_path, 0.5, epoch=1)
    assert names(tmp_path) == old


@pytest.mark.parametrize(("save_best", "is_known"), [("reid/map", False), ("auto", True)])
def test_a_best_score_that_no_validation_gives_is_named(tmp_path, save_best, is_known):
    hook = CheckpointHook(interval=1, save_best=save_best, rule="greater")
    runner = tiny_runner(tmp_path)
    hook.before_train(runner)
    if is_known:
        hook._save_best_checkpoint(runner, {"reid/mAP": None})
    else:
        with pytest.raises(ValueError, match=r"one of reid/mAP, reid/R1, got 'reid/map'"):
            hook._save_best_checkpoint(runner, {"reid/mAP": 1.0, "reid/R1": 2.0})


def test_a_file_that_was_written_anew_is_not_deleted_any_more(tmp_path):
    file = tmp_path / "best.pth"
    file.write_text("old")
    deletions = mmengine_fixes.LateDeletions(AtomicLocalBackend())
    deletions.remove(str(file))
    AtomicLocalBackend().put_text("new", file)
    deletions.carry_out()
    assert file.read_text() == "new"
    deletions.remove(str(file))
    deletions.carry_out()
    assert not file.exists()


def test_the_name_of_the_last_checkpoint_is_written_whole(tmp_path, monkeypatch):
    (tmp_path / "last_checkpoint").write_text("before")

    def fails(*_):
        raise OSError(errno.EIO, "broken disk")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="broken disk"):
        tiny_runner(tmp_path).train()
    assert (tmp_path / "last_checkpoint").read_text() == "before"
