"""Every registered name builds from a config, is reachable from a cold interpreter, is portable."""

from __future__ import annotations

import copy
import importlib
import pickle
import pkgutil
import subprocess
import sys

import pytest
import torch

import mmctl
import mmctl.registry
from tests.random_state import randomize
from tests.registry_examples import EXAMPLES, OURS, REGISTRIES, build

NAMES = [(kind, name) for kind, examples in EXAMPLES.items() for name in examples]
BUILT = [(kind, name) for kind, name in NAMES if kind != "FUNCTIONS"]
MODELS = list(EXAMPLES["MODELS"])

OPTIONAL = ("mmctl.gallery.engines.faiss_flat", "mmctl.gallery.engines.milvus")
"""Modules that say on import which extra they need; they register nothing."""


def registered_names() -> dict[str, list[str]]:
    """Return the names of every registry once all modules of the package are imported."""
    for module in pkgutil.walk_packages(mmctl.__path__, "mmctl."):
        if module.name not in OPTIONAL:
            importlib.import_module(module.name)
    # Tests and documentation register components of their own in the same process.
    return {
        kind: sorted(name for name, part in registry.module_dict.items() if is_ours(part))
        for kind, registry in REGISTRIES.items()
    }


def is_ours(component: object) -> bool:
    return component.__module__.partition(".")[0] == "mmctl"


def test_every_registered_name_has_an_example():
    registered = {kind: names for kind, names in registered_names().items() if names}
    assert registered == {kind: sorted(examples) for kind, examples in EXAMPLES.items()}


def test_every_registry_is_a_child_of_mmengine_s_with_our_scope():
    for kind, registry in REGISTRIES.items():
        assert registry.scope == "mmctl", kind
        if kind in OURS:
            assert registry.parent is None, kind
            continue
        assert registry.parent is not None, kind
        assert registry.parent.scope == "mmengine", kind
        assert registry.parent.name == registry.name, kind


def test_every_name_is_reachable_from_a_cold_interpreter():
    # One process per registry, each forked before any component was imported; the frameworks are
    # loaded once for all.
    code = f"""
import os, sys
import mmcv.transforms, mmengine.runner, mmengine.visualization, scipy.io
import mmctl.registry
from mmengine import registry as root
for kind, names in {registered_names()}.items():
    if os.fork() == 0:
        loaded = {{m for m in sys.modules if m.startswith("mmctl.")}}
        assert loaded == {{"mmctl.version", "mmctl.registry"}}, loaded
        registry = getattr(root, kind, None) or getattr(mmctl.registry, kind)
        found = [name for name in names if registry.get("mmctl." + name)]
        print("missing", kind, sorted(set(names) - set(found)), flush=True)
        os._exit(0)
    os.wait()
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = [line for line in run.stdout.splitlines() if line.startswith("missing")]
    assert lines == [f"missing {kind} []" for kind in REGISTRIES], run.stderr[-2000:]


@pytest.mark.parametrize(("kind", "name"), BUILT)
def test_every_name_builds_from_a_config(kind, name, tmp_path):
    assert type(build(kind, name, tmp_path)).__name__ == name


# A loop belongs to its runner.
@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, n in BUILT if k != "LOOPS"])
def test_every_component_survives_pickling(kind, name, tmp_path):
    built = build(kind, name, tmp_path)
    assert type(pickle.loads(pickle.dumps(built))) is type(built)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_round_trips_its_state(name, tmp_path):
    first = randomize(build("MODELS", name, tmp_path), seed=1)
    state = copy.deepcopy(first.state_dict())
    second = build("MODELS", name, tmp_path)
    second.load_state_dict(state, strict=True)
    third = pickle.loads(pickle.dumps(first))
    for other in (second.state_dict(), third.state_dict()):
        assert list(other) == list(state)
        for key, value in state.items():
            torch.testing.assert_close(other[key], value, rtol=0, atol=0)


@pytest.mark.parametrize("name", [n for n in MODELS if not callable(EXAMPLES["MODELS"][n])])
def test_building_does_not_change_the_config(name):
    config = {"type": f"mmctl.{name}", **copy.deepcopy(EXAMPLES["MODELS"][name])}
    given = copy.deepcopy(config)
    REGISTRIES["MODELS"].build(config)
    assert config == given
