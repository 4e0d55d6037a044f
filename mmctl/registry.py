"""The registries of mmctl, children of MMEngine's, with scope ``mmctl``.

Each names the package that fills it, so a component is imported when it is first asked for and
no ``register_all_modules`` is needed. Other OpenMMLab projects reach a component as
``mmctl.<Name>`` once this module is imported, which
``custom_imports = dict(imports=['mmctl.registry'])`` in a config does.
"""

from typing import Any

from mmengine import registry as root
from mmengine.registry import Registry


def _child(parent: Registry, *locations: str) -> Registry:
    return Registry(parent.name, parent=parent, scope="mmctl", locations=list(locations))


MODELS = _child(root.MODELS, "mmctl.models")
DATASETS = _child(root.DATASETS, "mmctl.datasets")
TRANSFORMS = _child(root.TRANSFORMS, "mmctl.datasets.transforms")
DATA_SAMPLERS = _child(root.DATA_SAMPLERS, "mmctl.datasets")
FUNCTIONS = _child(root.FUNCTIONS, "mmctl.datasets")
METRICS = _child(root.METRICS, "mmctl.evaluation.reid_metric")
HOOKS = _child(root.HOOKS, "mmctl.engine", "mmctl.reports")
LOOPS = _child(root.LOOPS, "mmctl.engine")
OPTIM_WRAPPERS = _child(root.OPTIM_WRAPPERS, "mmctl.engine")
DETECTORS = Registry("detector", scope="mmctl", locations=["mmctl.models.detectors"])
TRACKERS = Registry("tracker", scope="mmctl", locations=["mmctl.models.trackers"])
VISUALIZERS = _child(root.VISUALIZERS, "mmctl.visualization")

# Nothing of ours lies in these, but MMEngine warns of a scope that has no registry of a kind.
EVALUATOR = _child(root.EVALUATOR)
LOG_PROCESSORS = _child(root.LOG_PROCESSORS)
MODEL_WRAPPERS = _child(root.MODEL_WRAPPERS)
OPTIM_WRAPPER_CONSTRUCTORS = _child(root.OPTIM_WRAPPER_CONSTRUCTORS)
OPTIMIZERS = _child(root.OPTIMIZERS)
PARAM_SCHEDULERS = _child(root.PARAM_SCHEDULERS)
VISBACKENDS = _child(root.VISBACKENDS)
WEIGHT_INITIALIZERS = _child(root.WEIGHT_INITIALIZERS)


def type_name(kind: Any) -> str:
    """Return the bare name of a ``type`` in a config.

    Args:
        kind: A name, one with its scope or module before it, or the class itself, as configs with
            imports have it.
    """
    return str(getattr(kind, "__name__", kind)).rpartition(".")[2]
