import numpy as np
import pytest
import torch

from mmctl.models.layers import ConvAttentionPool, CoSegmentation, MeanPool, RecurrentPool
from tests.random_state import normal, randomize
from tests.references import zoo

MAPS = normal(2, 4, 3, 2, 3)
FEATURES = MAPS.mean(dim=(3, 4))


def test_the_mean_is_over_frames():
    torch.testing.assert_close(MeanPool(3)(FEATURES, MAPS), sum(FEATURES.unbind(1)) / 4)


def test_attention_equals_the_loops():
    pool = randomize(ConvAttentionPool(3, (2, 3), width=5).double())
    made = pool(FEATURES, MAPS).detach().numpy()
    place, time = (
        [p.detach().numpy() for p in layer.parameters()] for layer in (pool.place, pool.time)
    )
    for clip, features, own in zip(MAPS.numpy(), FEATURES.numpy(), made, strict=True):
        weights = zoo.softmax(zoo.attention_logits(clip, place, time))
        np.testing.assert_allclose(own, sum(w * f for w, f in zip(weights, features, strict=True)))


def test_maps_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"built for maps of \(7, 4\), .* got \(2, 3\)"):
        ConvAttentionPool(3, (7, 4))(FEATURES, MAPS)


def test_a_recurrent_network_equals_the_loops():
    pool = randomize(RecurrentPool(3, width=5).double())
    made = pool(FEATURES, MAPS).detach().numpy()
    weights = {name: value.detach().numpy() for name, value in pool.cell.named_parameters()}
    for features, own in zip(FEATURES.numpy(), made, strict=True):
        np.testing.assert_allclose(own, zoo.lstm(features, weights, 5))
    assert pool.out_channels == 5


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_other_cells_have_the_width_asked_for(cell):
    assert RecurrentPool(3, width=5, cell=cell).double()(FEATURES, MAPS).shape == (2, 5)


def test_an_unknown_cell_is_refused():
    with pytest.raises(ValueError, match=r"cell must be one of lstm, gru, rnn, got 'qrnn'"):
        RecurrentPool(3, cell="qrnn")


def test_co_segmentation_equals_the_loops():
    layer = randomize(CoSegmentation(3, 4, (2, 3), width=6).double()).eval()
    for module in (layer.embed[1], layer.summarize[1]):
        with torch.no_grad():
            module.running_mean.copy_(normal(module.num_features, seed=5))
    own = {name: value.detach().numpy() for name, value in layer.state_dict().items()}

    def normed(maps, name):
        def shape(key):
            return own[f"{name}.{key}"][:, None, None]

        spread = np.sqrt(shape("running_var") + 1e-5)
        return np.maximum(
            (maps - shape("running_mean")) / spread * shape("weight") + shape("bias"), 0
        )

    def sigmoid(values):
        return 1 / (1 + np.exp(-values))

    made = layer(MAPS).detach().numpy()
    for clip, result in zip(MAPS.numpy(), made, strict=True):
        embedded = normed(
            zoo.per_place(own["embed.0.weight"], own["embed.0.bias"], clip), "embed.1"
        )
        alike = zoo.correlate_others(embedded, 1e-4)
        hidden = zoo.per_place(own["summarize.0.weight"], own["summarize.0.bias"], alike)
        hidden = normed(hidden, "summarize.1")
        mask = sigmoid(zoo.per_place(own["summarize.3.weight"], own["summarize.3.bias"], hidden))
        masked = clip * mask
        weights = []
        for frame in masked:
            inner = np.tanh(own["weigh.0.weight"] @ frame.mean(axis=(1, 2)) + own["weigh.0.bias"])
            weights.append(sigmoid(own["weigh.2.weight"] @ inner + own["weigh.2.bias"]))
        common = sum(weights) / len(weights)
        np.testing.assert_allclose(result, masked * (1 + common[:, None, None]))


@pytest.mark.parametrize(
    ("frames", "size", "message"),
    [
        (3, (2, 3), r"num_frames=3 with maps of \(2, 3\), .* got 4 frames with maps of \(2, 3\)"),
        (4, (4, 3), r"num_frames=4 with maps of \(4, 3\), .* got 4 frames with maps of \(2, 3\)"),
    ],
)
def test_what_the_weights_fix_cannot_be_changed(frames, size, message):
    with pytest.raises(ValueError, match=message):
        CoSegmentation(3, frames, size).double()(MAPS)


def test_one_frame_has_no_others():
    with pytest.raises(ValueError, match=r"num_frames must be at least 2, .* got 1"):
        CoSegmentation(3, 1, (2, 3))
