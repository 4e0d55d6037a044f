import pytest
import torch

from mmctl.models.layers import InstanceBatchNorm
from tests.random_state import normal, randomize


def by_loops(norm, maps):
    """Return the same, one channel at a time; the variance is the biased one."""
    out, instances = maps.clone(), norm.IN.num_features
    for channel in range(maps.shape[1]):
        own = channel if channel < instances else channel - instances
        part = norm.IN if channel < instances else norm.BN
        for row in range(len(maps)):
            taken = maps[row, channel] if channel < instances else maps[:, channel]
            unit = (maps[row, channel] - taken.mean()) / (taken.var(correction=0) + 1e-5).sqrt()
            out[row, channel] = part.weight[own] * unit + part.bias[own]
    return out


@pytest.mark.parametrize(
    ("channels", "ratio", "instances"), [(6, 0.5, 3), (7, 0.5, 3), (4, 0.3, 1)]
)
def test_it_equals_the_loops(channels, ratio, instances):
    norm, maps = randomize(InstanceBatchNorm(channels, ratio).double()), normal(3, channels, 4, 2)
    assert norm.IN.num_features == instances
    torch.testing.assert_close(norm(maps), by_loops(norm, maps))


def test_only_the_batch_norm_depends_on_the_other_frames():
    norm = InstanceBatchNorm(4).double()
    maps, other = normal(2, 4, 3, 3), normal(2, 4, 3, 3, seed=3)
    other[0] = maps[0]
    first, second = norm(maps)[0], norm(other)[0]
    assert torch.equal(first[:2], second[:2])
    assert not torch.allclose(first[2:], second[2:])


def test_maps_keep_their_order_in_memory():
    norm, maps = InstanceBatchNorm(4), normal(2, 4, 3, 5, dtype=torch.float32)
    assert norm(maps).is_contiguous()
    last = norm(maps.contiguous(memory_format=torch.channels_last))
    assert last.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(last, norm(maps))


@pytest.mark.parametrize(("channels", "ratio"), [(1, 0.5), (4, 0.0), (4, 1.0)])
def test_a_norm_without_channels_is_refused(channels, ratio):
    with pytest.raises(ValueError, match=f"must leave channels to both norms, got {ratio}"):
        InstanceBatchNorm(channels, ratio)
