"""An estimator that several tools are given."""

from __future__ import annotations

import pytest
import torch

from mmctl.models.pose import HRNetHeatmaps

WIDTHS = (4, 8, 16, 32)
ARCH = {
    f"stage{stage}": {
        "num_modules": 1,
        "num_branches": stage,
        "block": "BOTTLENECK" if stage == 1 else "BASIC",
        "num_blocks": (1,) * stage,
        "num_channels": WIDTHS[:stage],
    }
    for stage in range(1, 5)
}


@pytest.fixture(scope="module")
def estimator(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the arguments that name a tiny HRNet with weights."""
    folder = tmp_path_factory.mktemp("estimator")
    (folder / "tiny.py").write_text(f"model = dict(type='HRNetHeatmaps', arch={ARCH})\n")
    torch.manual_seed(0)
    torch.save({"state_dict": HRNetHeatmaps(ARCH).state_dict()}, folder / "tiny.pth")
    return ["--estimator", str(folder / "tiny.py"), "--checkpoint", str(folder / "tiny.pth")]
