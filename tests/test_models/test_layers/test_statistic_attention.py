import numpy as np
import pytest
import torch

from mmctl.models.layers import IntegrationDistribution, StatisticAttention
from tests.random_state import normal, randomize
from tests.references import sinet, zoo

CLIPS = normal(2, 3, 8, 2, 4)


def at_rest(layer):
    randomize(layer.double()).eval()
    for module in layer.modules():
        if hasattr(module, "running_mean"):
            with torch.no_grad():
                module.running_mean.copy_(normal(module.num_features, seed=6))
                module.running_var.copy_(1 + normal(module.num_features, seed=7).square())
    return layer, {name: value.detach().numpy() for name, value in layer.state_dict().items()}


def normed(values, own, name, axis):
    """A batch norm over the channels of an axis."""
    shape = [1] * values.ndim
    shape[axis] = -1

    def of(key):
        return own[f"{name}.{key}"].reshape(shape)

    spread = np.sqrt(of("running_var") + 1e-5)
    return (values - of("running_mean")) / spread * of("weight") + of("bias")


def test_statistic_attention_equals_the_loops():
    layer, own = at_rest(StatisticAttention(8))
    for clip, made in zip(CLIPS.numpy(), layer(CLIPS).detach().numpy(), strict=True):
        squeezed = zoo.per_place(own["squeeze.weight"], own["squeeze.bias"], clip)
        found = sinet.distribute_moments(squeezed, sinet.clip_moments(squeezed, (4, 5, 6)))
        added = normed(
            zoo.per_place(own["expand.weight"], own["expand.bias"], found), own, "norm", 1
        )
        np.testing.assert_allclose(made, np.maximum(clip + added, 0), atol=1e-12)


def test_integration_and_distribution_equal_the_loops():
    layer, own = at_rest(IntegrationDistribution(8, 3, (2, 4), reduction=4))
    for clip, made in zip(CLIPS.numpy(), layer(CLIPS).detach().numpy(), strict=True):
        squeezed = zoo.per_place(own["squeeze.0.weight"], own["squeeze.0.bias"], clip)
        squeezed = normed(squeezed, own, "squeeze.1", 1)
        rows = squeezed.transpose(0, 2, 3, 1).reshape(24, 2)
        few = own["integrate.0.weight"][:, :, 0] @ rows + own["integrate.0.bias"][:, None]
        few = normed(few, own, "integrate.1", 0)
        rows = rows + own["distribute.weight"][:, :, 0] @ few + own["distribute.bias"][:, None]
        maps = rows.reshape(3, 2, 4, 2).transpose(0, 3, 1, 2)
        added = zoo.per_place(own["expand.weight"], own["expand.bias"], maps)
        np.testing.assert_allclose(made, np.maximum(clip + added, 0), atol=1e-12)


@pytest.mark.parametrize(
    "layer", [StatisticAttention(8), IntegrationDistribution(8, 3, (2, 4), reduction=4)]
)
def test_a_new_one_rectifies_and_changes_nothing_else(layer):
    torch.testing.assert_close(layer.double()(CLIPS), CLIPS.relu())


@pytest.mark.parametrize(("frames", "size"), [(4, (2, 4)), (3, (4, 2))])
def test_what_the_weights_fix_cannot_be_changed(frames, size):
    layer = IntegrationDistribution(8, frames, size).double()
    with pytest.raises(
        ValueError, match=r"which its weights fix, got 3 frames with maps of \(2, 4\)"
    ):
        layer(CLIPS)
