"""Section 3.5 in loops: what the three clip features are made of."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmctl.functional import fusion

B, T, N, C = 2, 4, 3, 5
GENERATOR = torch.Generator().manual_seed(0)
V_G = torch.randn(B, T, C, generator=GENERATOR, dtype=torch.float64)
V_P = torch.randn(B, T, N, C, generator=GENERATOR, dtype=torch.float64)
REDUCED = [
    torch.randn(B, T, width, generator=GENERATOR, dtype=torch.float64) for width in (2, 2, 1)
]


def by_loops(kind):
    fused = np.zeros((B, C))
    for b in range(B):
        for t in range(T):
            for c in range(C):
                value = V_G[b, t, c].item()
                if kind == "sum":
                    value += sum(V_P[b, t, n, c].item() for n in range(N))
                if kind == "concat":  # widths 2, 2, 1
                    value += REDUCED[c // 2][b, t, c % 2].item()
                fused[b, c] += value / T
    return fused


FUSED = {
    "global": lambda: fusion.fuse_global(V_G),
    "sum": lambda: fusion.fuse_sum(V_G, V_P),
    "concat": lambda: fusion.fuse_concat(V_G, REDUCED),
}


@pytest.mark.parametrize("kind", FUSED)
def test_it_equals_loops(kind):
    np.testing.assert_allclose(FUSED[kind]().numpy(), by_loops(kind), rtol=1e-12)


def test_without_parts_all_are_the_global_feature():
    expected = fusion.fuse_global(V_G)
    torch.testing.assert_close(fusion.fuse_sum(V_G, torch.zeros_like(V_P)), expected)
    zeros = [torch.zeros_like(part) for part in REDUCED]
    torch.testing.assert_close(fusion.fuse_concat(V_G, zeros), expected)


def test_the_order_of_frames_does_not_matter():
    turned = fusion.fuse_sum(V_G.flip(1), V_P.flip(1))
    torch.testing.assert_close(turned, fusion.fuse_sum(V_G, V_P))


def test_gradients():
    inputs = [x.clone().requires_grad_() for x in (V_G, V_P, *REDUCED)]
    assert torch.autograd.gradcheck(fusion.fuse_global, inputs[:1])
    assert torch.autograd.gradcheck(fusion.fuse_sum, inputs[:2])
    assert torch.autograd.gradcheck(lambda g, *x: fusion.fuse_concat(g, x), [V_G, *inputs[2:]])
