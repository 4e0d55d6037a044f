import numpy as np
import pytest
import torch
from torch import nn

from mmctl.models.layers.channel_norm import normalize_channels
from tests.random_state import norm_of, normal, randomize


@pytest.mark.parametrize("training", [True, False])
def test_each_channel_is_normalized_over_all_other_axes(training):
    norm = randomize(nn.BatchNorm1d(5).double()).train(training)
    nodes = normal(2, 4, 3, 5)
    expected = norm_of(norm)(nodes.reshape(-1, 5).numpy()).reshape(nodes.shape)
    np.testing.assert_allclose(normalize_channels(norm, nodes).detach(), expected, atol=1e-12)


def test_training_updates_the_running_statistics_per_channel():
    norm, nodes = nn.BatchNorm1d(5, momentum=1.0).double(), normal(2, 4, 3, 5)
    normalize_channels(norm, nodes)
    torch.testing.assert_close(norm.running_mean, nodes.mean(dim=(0, 1, 2)))


def test_nodes_that_are_not_contiguous_keep_their_layout():
    norm = randomize(nn.BatchNorm1d(5).double()).eval()
    nodes = normal(2, 3, 4, 5).transpose(1, 2)
    result = normalize_channels(norm, nodes)
    torch.testing.assert_close(result, normalize_channels(norm, nodes.contiguous()))


def test_a_conversion_to_synchronised_batch_norm_keeps_the_result():
    norm = randomize(nn.BatchNorm1d(5).double()).eval()
    nodes = normal(2, 4, 3, 5)
    expected = normalize_channels(norm, nodes)
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(norm)
    assert isinstance(converted, nn.SyncBatchNorm)
    torch.testing.assert_close(normalize_channels(converted, nodes), expected)
