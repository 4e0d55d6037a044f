import numpy as np
import torch

from mmctl.models.layers import AffinityGraphConv, NearestGraphConv
from tests.random_state import norm_of, normal, randomize
from tests.references import zoo

NODES = normal(2, 3, 4, 5)


def arrays(layer):
    return {name: value.detach().numpy() for name, value in layer.named_parameters()}


def test_nearest_graph_convolution_equals_the_loops():
    layer = randomize(NearestGraphConv(5, width=3, neighbours=3, reach=1).double()).eval()
    own, norm = arrays(layer), norm_of(layer.norm)
    made = layer(NODES).detach().numpy()
    assert layer.out_channels == 6
    for clip, result in zip(NODES.numpy(), made, strict=True):
        others = zoo.nearest_mean(clip, 3, 1)
        for t in range(3):
            rows = []
            for n in range(4):
                first = own["own.weight"] @ clip[t, n] + own["own.bias"]
                second = own["others.weight"] @ others[t, n] + own["others.bias"]
                rows.append(np.maximum(zoo.unit(np.concatenate([first, second])), 0))
            np.testing.assert_allclose(result[t], norm(np.stack(rows)))


def occupied():
    generator = torch.Generator().manual_seed(3)
    return torch.rand(2, 3, 2, 4, generator=generator) < 0.4


def test_affinity_graph_convolution_equals_the_loops():
    for pose in (True, False):
        layer = randomize(AffinityGraphConv(5, gamma=0.3, pose=pose).double()).eval()
        norm, held = norm_of(layer.norm), occupied()
        made = layer(NODES, held if pose else None).detach().numpy()
        for b, clip in enumerate(NODES.flatten(1, 2).numpy()):
            values = clip @ layer.linear.weight.detach().numpy().T
            frames = [[set(np.flatnonzero(p)) for p in frame] for frame in held[b].numpy()]
            graphs = [zoo.part_adjacency(frames, 4)] if pose else []
            update = norm(zoo.row_mean([*graphs, zoo.affinity(clip)], values))
            update = np.where(update > 0, update, 0.1 * update)
            expected = 0.7 * clip + 0.3 * update
            np.testing.assert_allclose(made[b].reshape(12, 5), expected, atol=1e-6)


def test_only_what_connects_parts_needs_poses():
    assert AffinityGraphConv(5).needs_pose
    assert not AffinityGraphConv(5, pose=False).needs_pose
    assert not NearestGraphConv(5).needs_pose
