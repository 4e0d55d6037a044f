import pytest
import torch

from mmctl.models import StoredHeatmaps
from tests.random_state import normal


def test_stored_heatmaps_are_handed_on_in_float32() -> None:
    heatmaps = normal(3, 17, 4, 2).half()
    found = StoredHeatmaps()(heatmaps)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, heatmaps.float(), rtol=0, atol=0)


@pytest.mark.parametrize("shape", [(3, 16, 4, 2), (2, 3, 17, 4, 2)])
def test_another_shape_is_named(shape: tuple) -> None:
    with pytest.raises(ValueError, match=r"the stored heatmaps must be \(M, 17, h, w\).* got \("):
        StoredHeatmaps()(torch.zeros(shape))
