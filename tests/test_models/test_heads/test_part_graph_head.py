import copy

import numpy as np
import pytest
import torch

from mmctl.functional.cross_scale import relative_entropy
from mmctl.models.heads import PartGraphHead
from mmctl.models.watched_values import watching
from tests.random_state import normal, randomize
from tests.references.graph_head import graph_head
from tests.test_models.test_heads.small_graph_head import SIZES, C, build, make_nodes

VARIANTS = {
    "full": {},
    "physical": {"topology": {"mask": False, "context": False}},
    "physical and mask": {"topology": {"context": False}},
    "context": {"topology": {"physical": False, "mask": False}},
    "context norm": {"topology": {"context_norm": "BN"}},
    "no self loops": {"topology": {"self_loops": False}},
    "M=2": {"cross_scale_after": (1, 2)},
    "s3": {"scales": ("s3",)},
    "s3 s1": {"scales": ("s1", "s3")},
    "s3 s2": {"scales": ("s2", "s3")},
    "L=1": {"num_layers": 1, "cross_scale_after": (1,)},
    "L=3": {"num_layers": 3, "cross_scale_after": (3,)},
    "tau=1": {"window": 1},
    "tau=5": {"window": 5},
    "per layer": {"per_layer": True},
    "add": {"fuse": "add"},
    "frame": {"graph": "frame", "fuse": "add", "num_frames": 4},
    "frame cross": {"graph": "frame", "num_frames": 4},
    "frame per layer": {"graph": "frame", "fuse": "add", "num_frames": 4, "per_layer": True},
    "frame without context": {"graph": "frame", "fuse": "add", "topology": {"context": False}},
    "no graph": {"graph": None, "fuse": "add"},
    "no graph s3": {"graph": None, "fuse": "add", "scales": ("s3",)},
    "disjoint": {"body": "disjoint"},
    "disjoint add": {"body": "disjoint", "fuse": "add"},
}
REFERENCED = [name for name in VARIANTS if name not in ("L=3", "tau=5", "context norm")]


@pytest.mark.parametrize("name", REFERENCED)
def test_the_head_equals_the_loops(name):
    variant = VARIANTS[name]
    head, nodes = randomize(build(**variant)).eval(), make_nodes(num_clips=1)
    result = head(nodes).detach()
    assert result.shape == (1, 4, 5, C)
    expected = graph_head(head, nodes, variant)
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", [name for name in VARIANTS if not name.startswith("no graph")])
def test_every_trainable_parameter_gets_a_gradient(name):
    head = randomize(build(channels=8, **VARIANTS[name]))
    result = head(make_nodes(channels=8))
    (result * normal(*result.shape, seed=9)).sum().backward()
    assert head.state_dict()
    for parameter_name, parameter in head.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name
        # A bias before a batch norm gets a gradient of zero.
        if not parameter_name.endswith("bias"):
            assert parameter.grad.abs().max() > 1e-9, parameter_name


@pytest.mark.parametrize(
    ("name", "absent", "present"),
    [
        ("physical", ["mask", "context"], ["physical"]),
        ("physical and mask", ["context"], ["mask"]),
        ("context", ["mask", "physical"], ["context"]),
        ("s3", ["s1", "s2", "transfers"], ["s3"]),
        ("s3 s1", ["s2"], ["transfers.2.s1", "layers.s1"]),
        ("add", ["transfers"], ["layers.s1.1"]),
        ("L=1", ["layers.s1.1", "layers.s3.1", "transfers.2"], ["layers.s1.0", "transfers.1"]),
        ("frame", ["collapse", "norm", "transfers"], ["squeeze_time"]),
        ("M=2", [], ["transfers.1.s1", "transfers.1.s2", "transfers.2.s1"]),
        ("full", ["transfers.1", "topologies.s1.1", "squeeze_time"], ["topologies.s1.0"]),
        ("per layer", [], ["topologies.s1.0", "topologies.s1.1"]),
    ],
)
def test_what_is_switched_off_is_not_built(name, absent, present):
    keys = list(build(**VARIANTS[name]).state_dict())
    assert not [key for key in keys if any(part in key for part in absent)]
    for part in present:
        assert [key for key in keys if part in key], part


def test_without_graph_nothing_is_trained():
    assert not list(build(**VARIANTS["no graph"]).state_dict())


@pytest.mark.parametrize(("num_layers", "window"), [(1, 3), (2, 3), (3, 3), (1, 5), (2, 1)])
@pytest.mark.parametrize("per_layer", [False, True])
def test_a_frame_reaches_exactly_its_neighbours_and_no_other_clip(num_layers, window, per_layer):
    head = randomize(
        build(
            num_layers=num_layers,
            window=window,
            cross_scale_after=(num_layers,),
            per_layer=per_layer,
        )
    ).eval()
    nodes = make_nodes(num_clips=2, num_frames=9)
    changed = {scale: value.clone() for scale, value in nodes.items()}
    for value in changed.values():
        value[1, 4] += 1.0
    moved = (head(nodes) - head(changed)).abs().flatten(2).amax(dim=2) > 0
    reach = num_layers * (window // 2)
    assert moved[1].tolist() == [abs(frame - 4) <= reach for frame in range(9)]
    assert not moved[0].any()


@pytest.mark.parametrize("num_frames", [1, 2, 7])
def test_the_window_graph_takes_any_number_of_frames(num_frames):
    head = build().eval()
    assert head(make_nodes(num_frames=num_frames)).shape == (2, num_frames, 5, C)


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_a_head_that_never_saw_data_gives_finite_features(mode):
    head = build().train(mode == "train")
    assert head({s: 280 * v for s, v in make_nodes().items()}).isfinite().all()


@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_the_shortcut_goes_around_later_layers_only(num_layers):
    head = randomize(build(scales=("s3",), num_layers=num_layers)).eval()
    nodes = make_nodes()

    def silence(layer):
        silenced = copy.deepcopy(head)
        conv = silenced.layers["s3"][layer]
        with torch.no_grad():
            conv.collapse.weight.zero_()
            conv.norm.running_mean.zero_()
            conv.norm.bias.zero_()
        return silenced

    inner = []
    head.layers["s3"][0].register_forward_hook(lambda *args: inner.append(args[2]))
    expected = head(nodes)
    if num_layers == 1:
        torch.testing.assert_close(inner[0], expected)
        assert not silence(0)(nodes).any()
        return
    # A silent later layer lets the features before it pass, a silent first one does not.
    seen = []
    later = silence(num_layers - 1)
    later.layers["s3"][-1].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    torch.testing.assert_close(later(nodes), seen[0])
    assert later(nodes).any()
    seen = []
    first = silence(0)
    first.layers["s3"][1].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    first(nodes)
    assert not seen[0].any()


def test_addition_of_a_worked_example():
    # One channel: every keypoint 1, every s2 part 10, every s3 part 100: 100 + 0.3 * 11 = 103.3.
    head = PartGraphHead(1, graph=None, fuse="add")
    values = {"s1": 1.0, "s2": 10.0, "s3": 100.0}
    nodes = {s: torch.full((1, 2, n, 1), values[s]) for s, n in SIZES.items()}
    torch.testing.assert_close(head(nodes), torch.full((1, 2, 5, 1), 103.3))
    # Left arm of s1: keypoints 5, 7, 9, mean 7; of s2: parts 2, 3, mean 2.5; 2 + 0.5 * 9.5.
    head = PartGraphHead(1, graph=None, fuse="add", balance=0.5)
    nodes = {s: torch.arange(n).view(1, 1, n, 1) * 1.0 for s, n in SIZES.items()}
    nodes["s3"][0, 0, 1] = 2.0
    assert head(nodes)[0, 0, 1].item() == pytest.approx(2 + 0.5 * (7 + 2.5))


def test_the_balance_weighs_the_other_scales():
    nodes = make_nodes()
    head = randomize(build()).eval()
    fused, balance = head(nodes), head.balance
    assert balance == 0.3
    head.balance = 0.0
    alone = head(nodes)
    head.balance = 1.0
    torch.testing.assert_close(fused - alone, 0.3 * (head(nodes) - alone))
    assert not torch.allclose(fused, alone)


def test_the_clamped_fraction_is_reported():
    head = build(scales=("s3",), topology={"context": False, "self_loops": False}).eval()
    # Star plus identity: degrees 5 for the trunk, 2 for a limb, in each slot of tau = 3: rows of
    # the tiled window sum to 3 * 4 + 1 and 3 * 1 + 1. A mask of -2 in two limbs' rows: 3 - 6 + 1.
    with torch.no_grad():
        head.topologies["s3"][0].mask[1, 0] = head.topologies["s3"][0].mask[4, 4] = -2.0
    with watching() as watched:
        head(make_nodes())
    assert set(watched) == {"clamped_degrees"}
    assert watched["clamped_degrees"].item() == pytest.approx(2 / 5)
    assert not watched["clamped_degrees"].requires_grad
    head = build(**VARIANTS["no graph"])
    with watching() as watched:
        head(make_nodes())
    assert watched == {}


def test_the_attention_entropy_is_the_mean_over_the_cross_scale_layers():
    head, seen = build(), []
    for conv in head.transfers["2"].values():
        conv.register_forward_hook(
            lambda conv, nodes, _: seen.append(relative_entropy(conv.adjacency(*nodes)).item())
        )
    with watching() as watched:
        head.eval()(make_nodes())
    assert len(seen) == 2
    assert seen[0] != pytest.approx(seen[1], rel=1e-6)
    assert watched["attention_entropy"].item() == pytest.approx(sum(seen) / 2)
    assert not watched["attention_entropy"].requires_grad


def test_degree_eps_reaches_the_normalization():
    nodes, signed = make_nodes(), {"topology": {"physical": False}}
    first, second = (randomize(build(degree_eps=e, **signed)).eval() for e in (0.1, 5.0))
    assert not torch.allclose(first(nodes), second(nodes))


def test_a_config_that_is_reused_is_not_changed():
    topology, cross_scale = {"context": False}, {"dim": 4}
    PartGraphHead(C, graph="frame", topology=topology, cross_scale=cross_scale)
    PartGraphHead(C, topology=topology, cross_scale=cross_scale)
    assert topology == {"context": False}
    assert cross_scale == {"dim": 4}


def test_the_graphs_have_the_parameters_of_the_specification():
    with torch.device("meta"):
        head = PartGraphHead()
    count = {
        name: sum(p.numel() for p in part.parameters()) / 1e6
        for name, part in head.named_children()
    }
    # 6 layers * (C^2 + 3 C^2 + 2 C); 2 * (2 * 256 C + 2 * 512 * 256 + 2 * (C + 256) * 256 + C^2).
    assert count["layers"] == pytest.approx(100.7, abs=0.05)
    assert count["transfers"] == pytest.approx(13.4, abs=0.05)
    # Sum over N of tau = 3 windows n = 51, 30, 15: n^3 + n^2 + 2049, and the N x N masks.
    blocks = sum((3 * n) ** 3 + (3 * n) ** 2 + 2049 + n**2 for n in (17, 10, 5)) / 1e6
    assert count["topologies"] == pytest.approx(blocks)
    assert round(count["topologies"], 1) == 0.2


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"scales": ("s1", "s2")}, r"scales must be .* include 's3'.*\('s1', 's2'\)"),
        ({"scales": ("s3", "s4")}, r"scales must be among 's1', 's2' and 's3'"),
        ({"graph": "spatial"}, "graph must be 'window', 'frame' or None, got 'spatial'"),
        ({"num_layers": 0}, "num_layers must be at least 1, got 0"),
        ({"fuse": "mean"}, "fuse must be 'cross-scale' or 'add', got 'mean'"),
        ({"graph": None}, "fuse='cross-scale' needs a graph, got graph=None: use fuse='add'"),
        ({"cross_scale_after": (1,)}, r"layers from 1 to num_layers=2 .*got \(1,\)"),
        ({"cross_scale_after": (0, 2)}, r"layers from 1 to num_layers=2 .*got \(0, 2\)"),
        ({"num_layers": 3}, r"layers from 1 to num_layers=3 .*got \(2,\)"),
        ({"window": 2}, r"window must be odd and positive .*got 2"),
        ({"graph": "frame"}, "graph='frame' with context needs num_frames"),
        ({"body": "stick"}, r"body must be one of .*got 'stick'"),
    ],
)
def test_a_wrong_argument_is_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        PartGraphHead(C, **kwargs)


def test_a_missing_scale_is_named():
    nodes = make_nodes()
    del nodes["s2"]
    with pytest.raises(ValueError, match=r"the neck must give the scales .*\['s2'\] missing"):
        build()(nodes)


def test_scales_that_are_not_in_use_are_ignored():
    head, nodes = build(scales=("s3",)).eval(), make_nodes()
    torch.testing.assert_close(head(nodes), head({"s3": nodes["s3"]}))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", ["full", "M=2", "frame"])
def test_bfloat16_autocast_gives_nearly_the_same(name, training):
    torch.manual_seed(0)
    variant = {**VARIANTS[name], "cross_scale": {"dim": 16}}
    head = PartGraphHead(64, **variant).train(training)
    nodes = {s: value.float().abs() for s, value in make_nodes(channels=64).items()}
    state = copy.deepcopy(head.state_dict())
    exact = head(nodes)
    head.load_state_dict(state)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = head(nodes)
    assert result.isfinite().all()
    assert (result.float() - exact).norm() < 1e-2 * exact.norm()
