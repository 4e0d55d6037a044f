import subprocess
import sys

import pytest

from mmctl.engine.repairs import chosen_repairs as module
from mmctl.engine.repairs.chosen_repairs import REPAIRS, apply_repairs, chosen_repairs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, tuple(REPAIRS)),
        ("", tuple(REPAIRS)),
        ("all", tuple(REPAIRS)),
        ("none", ()),
        ("safe-loading, config-names", ("safe-loading", "config-names")),
    ],
)
def test_the_environment_chooses(monkeypatch, text, expected):
    monkeypatch.delenv("MMCTL_REPAIRS", raising=False)
    if text is not None:
        monkeypatch.setenv("MMCTL_REPAIRS", text)
    assert chosen_repairs() == expected


@pytest.mark.parametrize("text", ["safe_loading", "all,none", "safe-loading,"])
def test_an_unknown_repair_is_refused(monkeypatch, text):
    monkeypatch.setenv("MMCTL_REPAIRS", text)
    with pytest.raises(ValueError, match=r"MMCTL_REPAIRS must be 'all', 'none' or some of conf"):
        chosen_repairs()


def test_each_thing_is_mended_once(monkeypatch):
    done = []
    monkeypatch.setattr(module, "REPAIRS", {"a": lambda: done.append("a"), "b": lambda: None})
    monkeypatch.setattr(module, "_applied", set())
    for _ in range(2):
        apply_repairs(["a"])
    assert done == ["a"]
    with pytest.raises(KeyError, match="c"):
        apply_repairs(["c"])


COLD = """
import os, warnings
import mmengine.config.config as config, mmengine.config.utils as utils, mmengine.hub.hub as hub
import mmengine.hooks.checkpoint_hook as hook, mmengine.runner as runner
from mmengine.config import Config
from mmengine.fileio.backends.registry_utils import backends
from mmengine.model import PretrainedInit
from mmengine.registry import DATASETS, HOOKS, METRICS, MODELS
from mmengine.runner import CheckpointLoader

def state():
    names = utils.MODULE2PACKAGE, Config.fromfile, hub.install_package
    files = backends["local"], runner.find_latest_checkpoint, vars(hook).get("open")
    return {
        "config-reading": config.load,
        "config-names": names,
        "safe-loading": CheckpointLoader._schemes[""],
        "pretrained-weights": PretrainedInit.__init__,
        "whole-checkpoints": files,
        "mmcv-warning": sum("MultiScale" in str(found[1]) for found in warnings.filters),
    }

before = state()
changed = lambda: [name for name, value in state().items() if value != before[name]]
import mmctl.registry
for registry, name in ((MODELS, "GraphConv3d"), (METRICS, "ReIDMetric"), (DATASETS, "MARS")):
    assert registry.get(f"mmctl.{name}")
assert not changed()
for choice in ("none", "safe-loading,whole-checkpoints"):
    if os.fork() == 0:
        os.environ["MMCTL_REPAIRS"] = choice
        HOOKS.get("mmctl.GradNormHook")
        print("changed", *changed(), flush=True)
        import mmctl.engine
        mmctl.engine.apply_repairs()
        print("all", *changed(), flush=True)
        os._exit(0)
    os.wait()
"""


def test_a_hook_of_ours_mends_what_is_chosen_and_other_components_nothing():
    run = subprocess.run([sys.executable, "-c", COLD], capture_output=True, text=True, check=False)
    everything = f"all {' '.join(REPAIRS)}"
    chosen = "changed safe-loading whole-checkpoints"
    lines = [line.strip() for line in run.stdout.splitlines()]
    assert lines == ["changed", everything, chosen, everything], run.stderr[-3000:]
