"""The one function that MMEngine's hub asks a package for."""

import subprocess
import sys

COLD = """
import os
import mmcv.transforms, mmengine.runner, mmengine.visualization
from mmengine.registry import DefaultScope
from mmctl import registry
from mmctl.utils import register_all_modules
assert not registry.MODELS.module_dict
for given in (True, False):
    if os.fork() == 0:
        register_all_modules(init_default_scope=given)
        assert "VideoReID" in registry.MODELS.module_dict
        assert "ReIDMetric" in registry.METRICS.module_dict
        assert "RunReportHook" in registry.HOOKS.module_dict
        current = DefaultScope.get_current_instance()
        print(given, current and current.scope_name, flush=True)
        os._exit(0)
    os.wait()
"""


def test_every_component_is_registered_in_a_cold_interpreter():
    run = subprocess.run([sys.executable, "-c", COLD], capture_output=True, text=True, check=False)
    assert run.stdout.splitlines()[-2:] == ["True mmctl", "False None"], run.stderr[-3000:]
