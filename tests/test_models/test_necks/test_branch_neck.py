import numpy as np
import pytest
import torch

from mmctl.models.necks import BranchNeck, PooledBranch
from tests.random_state import normal

MAPS = normal(6, 4, 3, 2)


def test_places_are_pooled_before_frames():
    for pool, reduce in (("avg", np.mean), ("max", np.max)):
        made = PooledBranch(4, pool=pool)(MAPS.unflatten(0, (2, 3))).numpy()
        expected = np.zeros((2, 4))
        for clip in range(2):
            for channel in range(4):
                frames = [reduce(MAPS[3 * clip + t, channel].numpy()) for t in range(3)]
                expected[clip, channel] = sum(frames) / 3
        np.testing.assert_allclose(made, expected)


def test_every_branch_gives_one_feature():
    neck = BranchNeck(4, {"mean": {}, "peak": {"pool": "max"}})
    features, nodes = neck(MAPS, None, 3)
    assert nodes == {}
    assert {name: tuple(own.shape) for name, own in features.items()} == {
        "mean": (2, 4),
        "peak": (2, 4),
    }
    assert neck.out_channels == {"mean": 4, "peak": 4}
    assert (features["peak"] > features["mean"]).all()


def test_a_branch_reads_the_maps_that_it_names():
    neck = BranchNeck(4, {"one": {"maps": "a"}, "two": {"maps": "b"}})
    maps = {"a": normal(2, 1, 4, 3, 2), "b": normal(2, 3, 4, 3, 2, seed=1)}
    features, _ = neck(maps, None, 3)
    for branch, name in (("one", "a"), ("two", "b")):
        torch.testing.assert_close(features[branch], maps[name].mean(dim=(1, 3, 4)))


@pytest.mark.parametrize(
    ("wanted", "given", "message"),
    [
        ("c", {"a": MAPS.unflatten(0, (2, 3))}, "must name maps of the backbone, 'a', got 'c'"),
        (None, {"a": MAPS.unflatten(0, (2, 3))}, "must name maps of the backbone, 'a', got None"),
        ("a", MAPS, "must name maps of the backbone, those without a name, got 'a'"),
    ],
)
def test_maps_that_are_not_there_are_refused(wanted, given, message):
    with pytest.raises(ValueError, match=message):
        BranchNeck(4, {"one": {"maps": wanted}})(given, None, 3)


def test_unknown_pools_and_no_branches_are_refused():
    with pytest.raises(ValueError, match=r"pool must be one of .* got 'sum'"):
        PooledBranch(4, pool="sum")
    with pytest.raises(ValueError, match="at least one branch"):
        BranchNeck(4, {})
