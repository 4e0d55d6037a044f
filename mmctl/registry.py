"""The registries of mmctl, children of MMEngine's, with scope ``mmctl``.

Each names the package that fills it, so a component is imported when it is first asked for and
no ``register_all_modules`` is needed. Other OpenMMLab projects reach a component as
``mmctl.<Name>`` once this module is imported, which
``custom_imports = dict(imports=['mmctl.registry'])`` in a config does.
"""

from mmengine.registry import DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import FUNCTIONS as MMENGINE_FUNCTIONS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import VISUALIZERS as MMENGINE_VISUALIZERS
from mmengine.registry import Registry


def _child(parent: Registry, location: str) -> Registry:
    return Registry(parent.name, parent=parent, scope="mmctl", locations=[location])


MODELS = _child(MMENGINE_MODELS, "mmctl.models")
DATASETS = _child(MMENGINE_DATASETS, "mmctl.datasets")
TRANSFORMS = _child(MMENGINE_TRANSFORMS, "mmctl.datasets.transforms")
DATA_SAMPLERS = _child(MMENGINE_DATA_SAMPLERS, "mmctl.datasets")
METRICS = _child(MMENGINE_METRICS, "mmctl.evaluation")
HOOKS = _child(MMENGINE_HOOKS, "mmctl.engine")
OPTIM_WRAPPERS = _child(MMENGINE_OPTIM_WRAPPERS, "mmctl.engine")
FUNCTIONS = _child(MMENGINE_FUNCTIONS, "mmctl.engine")
VISUALIZERS = _child(MMENGINE_VISUALIZERS, "mmctl.visualization")
