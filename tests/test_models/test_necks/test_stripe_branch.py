import numpy as np
import pytest
import torch

from mmctl.models.necks import BranchNeck, StripeBranch
from tests.random_state import normal, randomize
from tests.references import zoo

MAPS = normal(2, 4, 3, 4, 2)


def test_without_layers_it_is_the_mean_of_the_stripes():
    (made,) = StripeBranch(3, (2, 1), []).eval()(MAPS)
    for clip, own in zip(MAPS.numpy(), made, strict=True):
        np.testing.assert_allclose(own, zoo.stripe_means(clip, (2, 1)).mean(axis=(0, 1)))


def test_lengths_decide_where_the_pool_says_so():
    (made,) = StripeBranch(3, (2, 1), [], pool="norm").eval()(MAPS)
    for clip, own in zip(MAPS.numpy(), made, strict=True):
        nodes = zoo.stripe_means(clip, (2, 1))
        rows = []
        for n in range(3):
            lengths = np.array([np.linalg.norm(nodes[t, n]) for t in range(4)])
            rows.append((lengths / lengths.sum()) @ nodes[:, n])
        np.testing.assert_allclose(own, np.mean(rows, axis=0))


def test_subsets_are_frames_of_the_clip_in_training_alone():
    branch = StripeBranch(3, (2,), [], subsets=2)
    torch.manual_seed(1)
    whole, two, three = branch(MAPS)
    torch.manual_seed(1)
    order = [sorted(torch.randperm(4)[left:].tolist()) for left in (2, 1)]
    assert [len(own) for own in order] == [2, 3]
    for made, frames in ((two, order[0]), (three, order[1])):
        torch.testing.assert_close(made, MAPS[:, frames].mean(dim=(1, 3, 4)))
    assert len(branch.eval()(MAPS)) == 1
    torch.testing.assert_close(branch(MAPS)[0], whole)


def test_layers_follow_each_other_and_give_the_width():
    layers = [{"type": "mmctl.NearestGraphConv", "width": w} for w in (5, 2)]
    branch = randomize(StripeBranch(3, (2,), layers).double()).eval()
    assert branch.out_channels == 4
    first, second = branch.layers
    nodes = second(first(torch.from_numpy(zoo.stripe_means(MAPS[0].numpy(), (2,)))[None]))
    torch.testing.assert_close(branch(MAPS)[0][:1], nodes.mean(dim=(1, 2)))


def test_the_neck_names_further_features_and_hands_on_poses():
    layer = {"type": "mmctl.AffinityGraphConv"}
    branches = {
        "global": {"unit_norm": True},
        "graph": {"type": "mmctl.StripeBranch", "stripes": (2,), "layers": [layer], "subsets": 2},
    }
    neck = randomize(BranchNeck(3, branches).double())
    assert neck.needs_pose
    held = torch.ones(8, 3, 2, dtype=torch.bool)
    features, _ = neck(MAPS.flatten(0, 1), held, 4)
    assert list(features) == ["global", "graph", "graph.1", "graph.2"]
    neck.eval()
    first, _ = neck(MAPS.flatten(0, 1), held, 4)
    second, _ = neck(MAPS.flatten(0, 1), ~held, 4)
    torch.testing.assert_close(first["global"], second["global"])
    assert not torch.allclose(first["graph"], second["graph"])


def test_unit_features_are_rectified_and_normalised():
    neck = randomize(BranchNeck(3, {"clip": {"unit_norm": True}}).double()).eval()
    norm = neck.branches["clip"].norm
    made = neck(MAPS.flatten(0, 1), None, 4)[0]["clip"].detach().numpy()
    scale = norm.weight.detach().numpy() / np.sqrt(norm.running_var.numpy() + norm.eps)
    for clip, own in zip(MAPS.numpy(), made, strict=True):
        unit = np.maximum(zoo.unit(clip.mean(axis=(0, 2, 3))), 0)
        expected = (unit - norm.running_mean.numpy()) * scale + norm.bias.detach().numpy()
        np.testing.assert_allclose(own, expected)


def test_an_unknown_pool_is_refused():
    with pytest.raises(ValueError, match=r"pool must be one of .* got 'max'"):
        StripeBranch(3, (2,), [], pool="max")
