import pytest
import torch

from mmctl.models import ContextTopology, FrameGraphConv, GraphConv3d

LAYERS = [GraphConv3d(4), FrameGraphConv(4), ContextTopology(4, 3, [(0, 1), (1, 2)])]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
@pytest.mark.parametrize(
    ("given", "got"),
    [((torch.zeros(2, 4),), "a tuple"), (torch.zeros(2, 4, 3), r"\(2, 4, 3\)")],
)
def test_a_graph_layer_in_the_place_of_a_neck_says_what_it_takes(layer, given, got):
    name = type(layer).__name__
    with pytest.raises(ValueError, match=rf"^{name} takes nodes \(B, T, N, C\).*got {got}$"):
        layer(given)


@pytest.mark.parametrize("layer", LAYERS[:2], ids=lambda layer: type(layer).__name__)
def test_a_convolution_without_a_graph_says_where_one_comes_from(layer):
    with pytest.raises(ValueError, match="as ContextTopology makes one of the nodes, got no adj"):
        layer(torch.zeros(2, 3, 5, 4))
