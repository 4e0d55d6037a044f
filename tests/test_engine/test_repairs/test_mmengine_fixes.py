from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import mmengine.runner.checkpoint as mmengine_checkpoint
import numpy as np
import pytest
import torch
from mmengine.hooks import CheckpointHook
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader

from mmctl.checkpoints.checkpoint_reading import load_from_local_safely
from mmctl.checkpoints.safe_loader import register_safe_loader
from mmctl.checkpoints.web_checkpoints import load_from_http_safely
from mmctl.engine import process_group
from mmctl.engine.process_group import init_cpu_distributed
from mmctl.engine.repairs import mmengine_fixes
from mmctl.engine.repairs.atomic_backend import AtomicLocalBackend
from tests.forked_processes import join_group
from tests.test_engine.tiny_runner import TinyModel, tiny_config, tiny_runner


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    work_dir = tmp_path_factory.mktemp("trained")
    runner = tiny_runner(work_dir)
    runner.train()
    return work_dir, runner


class RunsCode:
    """Pickles to a call of ``os.mkdir`` that happens when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


class TakesAttribute:
    """Pickles to ``getattr(HistoryBuffer, '__init__')``."""

    def __reduce__(self):
        return getattr, (HistoryBuffer, "__init__")


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


def test_numpy_values_and_plain_containers_survive(tmp_path):
    content = {
        "scalar": np.float64(0.25),
        "count": np.int64(7),
        "flag": np.bool_(True),
        "array": np.arange(6, dtype=np.float32).reshape(2, 3),
        "ordered": OrderedDict(b=1, a=torch.arange(2)),
        "rest": [None, (1, 2.5), {"x"}, b"bytes", torch.float16, torch.Size([2])],
    }
    loaded = load_from_local_safely(save(tmp_path / "a.pth", content))
    for key in ("scalar", "count", "flag", "rest"):
        assert loaded[key] == content[key]
        assert type(loaded[key]) is type(content[key])
    np.testing.assert_array_equal(loaded["array"], content["array"])
    assert list(loaded["ordered"]) == ["b", "a"]


def test_a_log_history_keeps_its_statistics(tmp_path):
    history = HistoryBuffer([1.0, 4.0], [1, 1])
    loaded = load_from_local_safely(save(tmp_path / "a.pth", {"loss": history}))["loss"]
    assert [loaded.statistics(s, 2) for s in ("min", "max", "mean")] == [1.0, 4.0, 2.5]
    assert loaded.statistics("current") == 4.0


def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path):
    target = tmp_path / "made_by_the_checkpoint"
    file = save(tmp_path / "hostile.pth", {"state_dict": {}, "meta": RunsCode(target)})
    with pytest.raises(ValueError, match=r"hostile\.pth.*mkdir.*could run code.*MMCTL_TRUST"):
        load_from_local_safely(file)
    assert not target.exists()


def test_an_unknown_class_is_refused_by_name(tmp_path):
    file = save(tmp_path / "a.pth", {"path": Path("x")})
    with pytest.raises(ValueError, match=r"a\.pth.*pathlib\.\w+.*neither a tensor"):
        load_from_local_safely(file)


def test_getattr_reaches_the_statistics_of_a_log_history_only(tmp_path):
    file = save(tmp_path / "a.pth", {"x": TakesAttribute()})
    with pytest.raises(ValueError, match=r"getattr.*__init__.*could run code"):
        load_from_local_safely(file)


def test_the_environment_cannot_switch_the_protection_off(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    file = save(tmp_path / "a.pth", RunsCode(tmp_path / "made"))
    with pytest.raises(ValueError, match="refused"):
        load_from_local_safely(file)


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


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<html>not found</html>", "22 bytes that begin with b'<html>.*web page"),
        (b"version https://git-lfs.github.com/spec/v1", "42 bytes .*Git LFS"),
        (
            pickle.dumps({"state_dict": {}, "path": 1}, protocol=4),
            r"40 bytes that begin with b'\\x80.*plain pickle",
        ),
        (b"notes", "5 bytes that begin with b'notes'.*another kind of file"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_named(tmp_path, content, kind):
    file = tmp_path / "notes.pth"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=rf"notes\.pth' cannot be read: {kind}") as caught:
        load_from_local_safely(str(file))
    assert "weights_only" not in str(caught.value)


def test_a_missing_file_is_named_with_the_place_looked_at(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=rf"'no\.pth' does not exist.*{tmp_path}"):
        load_from_local_safely("no.pth")
    with pytest.raises(FileNotFoundError, match="is a directory"):
        load_from_local_safely(str(tmp_path))


@pytest.mark.parametrize("registered", ["of MMEngine", "mended"])
def test_the_reader_is_ours_whatever_is_registered(monkeypatch, registered):
    def load_from_local(filename, map_location):
        return torch.load(filename, map_location=map_location, weights_only=False)

    other = load_from_local if registered == "mended" else mmengine_checkpoint.load_from_local
    for prefix in ("", "http://", "https://"):
        monkeypatch.setitem(CheckpointLoader._schemes, prefix, other)
    register_safe_loader()
    register_safe_loader()
    assert CheckpointLoader._get_checkpoint_loader("a.pth") is load_from_local_safely
    assert CheckpointLoader._get_checkpoint_loader("https://a/b.pth") is load_from_http_safely


def test_nothing_is_prepared_without_launcher_or_with_a_gpu(tmp_path, monkeypatch):
    config = tiny_config(tmp_path)
    before = config.to_dict()
    init_cpu_distributed(config, "none")
    monkeypatch.setattr(process_group, "get_device", lambda: "cuda")
    init_cpu_distributed(config, "pytorch")
    assert config.to_dict().keys() == before.keys()
    assert not torch.distributed.is_initialized()


def test_what_cpus_cannot_do_in_several_processes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(process_group, "get_device", lambda: "cpu")
    with pytest.raises(ValueError, match=r"launcher must be 'pytorch'.*got 'slurm'"):
        init_cpu_distributed(tiny_config(tmp_path), "slurm")
    with pytest.raises(ValueError, match=r"sync_bn must be None.*got 'torch'"):
        init_cpu_distributed(tiny_config(tmp_path, sync_bn="torch"), "pytorch")


DISTRIBUTED = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from mmengine.runner import Runner
from mmctl.engine import init_cpu_distributed, run_command
from tests.test_engine.tiny_runner import tiny_config

def main():
    config = tiny_config(Path(sys.argv[1]), launcher="pytorch")
    config.experiment_name = "distributed"
    init_cpu_distributed(config, "pytorch")
    runner = Runner.from_cfg(config)
    runner.train()
    weight = runner.model.module.backbone.weight.detach()
    others = [torch.empty_like(weight) for _ in range(2)]
    torch.distributed.all_gather(others, weight)
    assert torch.equal(*others), others
    assert runner.iter == 1, runner.iter
    assert runner.model.broadcast_buffers is False
    print("ranks agree")

run_command(main)
"""


def test_two_processes_train_on_cpus(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(DISTRIBUTED)
    root = Path(__file__).parents[3]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    environment = {
        **os.environ,
        **{"PYTHONPATH": str(root), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
    }
    done = subprocess.run(
        [*launcher, str(script), str(tmp_path / "work")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("ranks agree") == 2


def test_the_process_group_is_closed_at_the_end(tmp_path):
    assert not process_group.close_distributed()  # without a group there is nothing to do
    join_group(0, 1, tmp_path)
    assert process_group.close_distributed()
    assert not torch.distributed.is_initialized()


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


def test_a_process_ends_with_its_status_after_what_was_registered():
    code = """
import atexit
from mmctl.engine.process_group import end_process
atexit.register(print, "registered")
print("printed")
end_process(3)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "printed\nregistered\n")
