"""Parameters without a gradient, at which distributed training stops."""

from __future__ import annotations

import re
import traceback

from torch.nn.parallel import DistributedDataParallel

_INDICES = re.compile(r"did not receive grad for rank \d+: ([\d ]+)")
_SHOWN = 3


def explain_unused_parameters(error: BaseException) -> str | None:
    """Return which parameters got no gradient, if torch's distributed wrapper stopped for that.

    Torch numbers them; their names are those of the wrapper that raised the error.

    Args:
        error: What a tool raised.
    """
    found = _INDICES.search(str(error)) if isinstance(error, RuntimeError) else None
    wrapper = _find_wrapper(error) if found is not None else None
    if found is None or wrapper is None:
        return None
    parameters = [name for name, value in wrapper.module.named_parameters() if value.requires_grad]
    names = [parameters[int(index)] for index in found[1].split()]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (
        f"every parameter must get a gradient in every iteration, because the processes wait for "
        f"each other's, but {len(names)} of {len(parameters)} got none: "
        f"{', '.join(names[:_SHOWN])}{more}. Leave out of the model what its loss does not use, "
        "freeze it (requires_grad=False), or set find_unused_parameters=True at the top of the "
        "config (or with --cfg-options), which looks for them in each iteration"
    )


def _find_wrapper(error: BaseException) -> DistributedDataParallel | None:
    for frame, _ in traceback.walk_tb(error.__traceback__):
        wrapper = frame.f_locals.get("self")
        if isinstance(wrapper, DistributedDataParallel):
            return wrapper
    return None
