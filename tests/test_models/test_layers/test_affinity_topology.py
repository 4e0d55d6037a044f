import math

import numpy as np
import pytest
import torch

from mmctl.models.heads import PartGraphHead
from mmctl.models.layers import AffinityTopology
from tests.random_state import normal, randomize
from tests.references import zoo

EDGES, NODES = [(0, 1), (1, 2)], normal(2, 4, 3, 5)


def window_of(clip, t, size):
    """Nodes of a window, slot by slot, zeros past the ends of the clip."""
    frames = range(t - size // 2, t + size // 2 + 1)
    nothing = np.zeros_like(clip[0])
    return np.concatenate([clip[s] if 0 <= s < len(clip) else nothing for s in frames])


def physical(size):
    own = np.eye(3)
    for i, j in EDGES:
        own[i, j] = own[j, i] = 1
    return np.tile(own, (size, size))


@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.parametrize("kind", ["embedded", "distance"])
def test_every_kind_equals_the_loops(kind, window):
    layer = randomize(AffinityTopology(5, 3, EDGES, window, kind=kind, dim=2).double())
    made = layer(NODES).detach().numpy()
    for clip, own in zip(NODES.numpy(), made, strict=True):
        for t in range(4):
            rows = window_of(clip, t, window)
            expected = physical(window)
            for i, x in enumerate(rows):
                if kind == "embedded":
                    ask, answer = (
                        (m.weight.detach().numpy(), m.bias.detach().numpy())
                        for m in (layer.query, layer.key)
                    )
                    query = ask[0] @ x + ask[1]
                    expected[i] += zoo.softmax([query @ (answer[0] @ y + answer[1]) for y in rows])
                else:
                    alike = [2 / (math.exp(max(math.dist(x, y), 1e-6)) + 1) for y in rows]
                    expected[i] += np.array(alike) / sum(alike)
            np.testing.assert_allclose(own[t], expected)


def test_it_stands_where_the_context_does():
    topology = {"type": "mmctl.AffinityTopology", "kind": "distance"}
    head = PartGraphHead(8, topology=topology, cross_scale={"dim": 3})
    nodes = {name: normal(2, 3, n, 8, dtype=torch.float32) for name, n in (("s1", 17), ("s2", 10))}
    nodes["s3"] = normal(2, 3, 5, 8, dtype=torch.float32)
    assert head(nodes).shape == (2, 3, 5, 8)
    assert not list(head.topologies.parameters())


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"kind must be one of .* got 'cosine'"):
        AffinityTopology(5, 3, EDGES, kind="cosine")
