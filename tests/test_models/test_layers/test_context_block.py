import numpy as np
import pytest
import torch

from mmctl.functional.graph import temporal_windows
from mmctl.models.layers import ContextBlock, WindowContextBlock
from tests.random_state import layer_of, norm_of, normal, randomize
from tests.references import equations

NODES = normal(2, 4, 3, 5)


def window_block(norm=None, **kwargs):
    block = WindowContextBlock(5, 3, norm=norm, **kwargs).double()
    return randomize(block)


def test_the_frame_block_equals_the_loops():
    block = randomize(ContextBlock(5, 3, 4).double())
    layers = [layer_of(layer) for layer in (block.squeeze, block.squeeze_time, block.expand)]
    result = block(NODES).detach()
    assert result.shape == (2, 1, 3, 3)
    expected = equations.frame_context(NODES.numpy(), *layers)
    np.testing.assert_allclose(result[:, 0], expected)


@pytest.mark.parametrize("norm", [None, "BN"])
@pytest.mark.parametrize("window", [1, 3, 5])
@pytest.mark.parametrize("training", [True, False])
def test_the_window_block_equals_the_loops(norm, window, training):
    block = window_block(norm, window=window).train(training)
    stacked = equations.windows(NODES.numpy(), window)
    bn = None if norm is None else norm_of(block.norm)
    expected = equations.window_context(
        stacked, layer_of(block.squeeze), layer_of(block.expand), bn
    )
    result = block(temporal_windows(NODES, window)).detach()
    assert result.shape == (2, 4, window * 3, window * 3)
    np.testing.assert_allclose(result, expected, rtol=1e-9)


@pytest.mark.parametrize("norm", [None, "BN"])
def test_relating_nodes_equals_relating_their_windows(norm):
    block = window_block(norm).eval()
    torch.testing.assert_close(block.relate_nodes(NODES), block(temporal_windows(NODES, 3)))


def test_rows_have_length_one_and_columns_do_not():
    for result in (
        randomize(ContextBlock(5, 3, 4).double())(NODES),
        window_block()(temporal_windows(NODES, 3)),
    ):
        torch.testing.assert_close(result.norm(dim=-1), torch.ones_like(result[..., 0]))
        assert (result.norm(dim=-2) - 1).abs().max() > 0.05


def test_the_frame_block_on_a_worked_example():
    # One channel, two nodes, two frames: squeeze 2x, time 1 * first + 3 * second.
    # Node 0: 2 * (1 + 3 * 1) = 8; node 1: 2 * (2 + 3 * 0) = 4.
    # Expand rows: (8, 0), (3/4 * 8, 0) | (4, 4), (0, 2 * 4) -> (8, 6) and (4, 8) - (0, 5) = (4, 3).
    block = ContextBlock(1, 2, 2)
    with torch.no_grad():
        block.squeeze.weight.fill_(2.0)
        block.squeeze_time.weight.copy_(torch.tensor([[1.0, 3.0]]))
        expand = torch.tensor([[1.0, 0.0], [0.75, 0.0], [0.0, 1.0], [0.0, 2.0]])
        block.expand.weight.copy_(expand)
        block.expand.bias.copy_(torch.tensor([0.0, 0.0, 0.0, -5.0]))
    nodes = torch.tensor([[1.0, 2.0], [1.0, 0.0]]).view(1, 2, 2, 1)
    expected = torch.tensor([[[[0.8, 0.6], [0.8, 0.6]]]])
    torch.testing.assert_close(block(nodes), expected)


@pytest.mark.parametrize("build", [lambda: ContextBlock(5, 3, 4), lambda: WindowContextBlock(5, 3)])
def test_a_new_block_does_not_see_the_scale_of_the_features(build):
    block, nodes = build(), NODES.float()
    given = nodes if isinstance(block, ContextBlock) else temporal_windows(nodes, 3)
    assert block(given).abs().max() > 0.1
    torch.testing.assert_close(block(100 * given), block(given))
    for name, parameter in block.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any()
        else:
            fan_out, fan_in = parameter.shape
            bound = (6 / (fan_in + fan_out)) ** 0.5
            assert 0.5 * bound < parameter.abs().max() <= bound


@pytest.mark.parametrize("num_frames", [1, 2, 7])
def test_the_window_block_takes_any_number_of_frames(num_frames):
    result = window_block().relate_nodes(normal(2, num_frames, 3, 5))
    assert result.shape == (2, num_frames, 9, 9)


@pytest.mark.parametrize("num_frames", [3, 5])
def test_the_frame_block_refuses_another_number_of_frames(num_frames):
    with pytest.raises(ValueError, match=rf"built for, 4, got {num_frames}"):
        ContextBlock(5, 3, 4)(torch.zeros(2, num_frames, 3, 5))


def test_an_unknown_norm_and_an_even_window_are_refused():
    with pytest.raises(
        ValueError, match="norm of the context block must be None or 'BN', got 'LN'"
    ):
        WindowContextBlock(5, 3, norm="LN")
    with pytest.raises(ValueError, match=r"window must be odd and positive .* got 2"):
        WindowContextBlock(5, 3, window=2)


def test_without_norm_no_norm_is_built():
    assert {name.split(".")[0] for name, _ in WindowContextBlock(5, 3).named_parameters()} == {
        "squeeze",
        "expand",
    }


def test_the_norm_makes_clips_differ_at_the_start():
    # Features have a common part, as a backbone's have: without the norm it rules all graphs.
    nodes = 50 + normal(32, 3, 3, 16, dtype=torch.float32)
    torch.manual_seed(0)
    plain, normed = (WindowContextBlock(16, 3, window=1, norm=norm) for norm in (None, "BN"))

    def similarity(block):
        flat = torch.nn.functional.normalize(block.relate_nodes(nodes)[:, 1].flatten(1), dim=1)
        return ((flat @ flat.T).sum() - 32) / (32 * 31)

    assert similarity(plain) > 0.7
    assert similarity(normed).abs() < 0.2


@pytest.mark.parametrize("norm", [None, "BN"])
def test_rows_stay_float32_under_autocast(norm):
    block = window_block(norm).float().eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = block.relate_nodes(NODES.float())
    assert result.dtype == torch.float32
    torch.testing.assert_close(result.norm(dim=-1), torch.ones(2, 4, 9), rtol=1e-5, atol=1e-5)


def test_gradients_pass_gradcheck():
    nodes = normal(1, 2, 2, 3).requires_grad_()
    block = randomize(WindowContextBlock(3, 2).double())
    assert torch.autograd.gradcheck(block.relate_nodes, (nodes,))
    assert torch.autograd.gradcheck(randomize(ContextBlock(3, 2, 2).double()), (nodes,))
