"""tools/benchmarks: the baseline is the same function, and the counts are what they say."""

from __future__ import annotations

import copy
import sys
from argparse import Namespace
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from mmctl.models import FusionHead, PartGraphHead
from tests.conftest import ROOT
from tests.random_state import normal, randomize

sys.path.insert(0, str(ROOT / "tools" / "benchmarks"))

from bench_head import eq5_bytes, parse_args
from compared_heads import Batch, OurHead, build_model, largest_differences, predict, training_loss
from counted_costs import Sizes, count_macs, macs_per_frame, saved_bytes
from paper_order_head import PaperOrderHead

C = 12
NUM_NODES = {"s1": 17, "s2": 10, "s3": 5}
VARIANTS = {
    "full": {},
    "tau=1": {"window": 1},
    "tau=5": {"window": 5},
    "L=1": {"num_layers": 1, "cross_scale_after": (1,)},
    "L=3": {"num_layers": 3, "cross_scale_after": (1, 3)},
    "s3": {"scales": ("s3",)},
    "s3 s1": {"scales": ("s1", "s3")},
    "physical": {"topology": {"mask": False, "context": False}},
    "context": {"topology": {"physical": False, "mask": False, "self_loops": False}},
    "context norm": {"topology": {"context_norm": "BN"}},
    "disjoint": {"body": "disjoint", "balance": 0.7, "degree_eps": 0.2},
}


def make_heads(channels: int = C, **kwargs: Any) -> tuple[OurHead, PaperOrderHead]:
    """The package's heads with random weights in float64, and the same in the paper's order."""
    kwargs.setdefault("cross_scale", {"dim": 4, "logit_scale": 0.1})
    ours = OurHead(PartGraphHead(channels, **copy.deepcopy(kwargs)), FusionHead(channels, 7))
    randomize(ours.double())
    return ours, PaperOrderHead(ours.graph_head, ours.fusion_head)


def make_batch(channels: int = C, num_clips: int = 4, num_frames: int = 3) -> Batch:
    def features(*nodes: int, seed: int) -> torch.Tensor:
        return normal(num_clips, num_frames, *nodes, channels, seed=seed).requires_grad_()

    nodes = {scale: features(n, seed=n) for scale, n in NUM_NODES.items()}
    return Batch(features(seed=0), nodes, torch.arange(num_clips) // 2)


def options(*arguments: str) -> Namespace:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["bench_head.py", *arguments])
        return parse_args()


@pytest.mark.parametrize("name", VARIANTS)
def test_the_paper_s_order_gives_the_same_features_and_gradients(name: str) -> None:
    ours, paper = make_heads(**VARIANTS[name])
    batch = make_batch()
    assert predict(ours, batch).std() > 0.1
    largest_differences(ours, paper, batch, tolerances=(1e-12, 1e-9))
    torch.testing.assert_close(training_loss(ours, batch), training_loss(paper, batch))


def test_the_parts_themselves_are_the_same() -> None:
    ours, paper = make_heads()
    nodes = make_batch().nodes
    torch.testing.assert_close(ours.eval().graph_head(nodes), paper.eval()(nodes))


@pytest.mark.parametrize(
    "name",
    [
        "graph_head.layers.s2.1.collapse.weight",
        "graph_head.topologies.s3.0.mask",
        "graph_head.transfers.2.s1.relate_source.linear.weight",
        "fusion_head.reduce.3.weight",
        "fusion_head.classifiers.concat.weight",
    ],
)
def test_a_head_with_one_other_weight_is_not_compared(name: str) -> None:
    ours, paper = make_heads()
    weights = dict(paper.named_parameters())[name]
    with torch.no_grad():
        weights[1] *= 1.5
    with pytest.raises(ValueError, match=r"must agree to .* before their costs are compared"):
        largest_differences(ours, paper, make_batch())


def test_a_head_that_lacks_a_gradient_is_not_compared() -> None:
    ours, paper = make_heads()
    paper.graph_head.layers["s1"][0].weight.requires_grad_(False)
    with pytest.raises(ValueError, match=r"only one head has gradients of .*layers.s1.0.weight"):
        largest_differences(ours, paper, make_batch())


def test_comparing_leaves_no_gradient_and_no_change_of_weights() -> None:
    ours, paper = make_heads()
    batch, before = make_batch(), copy.deepcopy(dict(ours.named_parameters()))
    largest_differences(ours, paper, batch)
    tensors = (*ours.parameters(), *paper.parameters(), *batch.tensors().values())
    assert all(tensor.grad is None for tensor in tensors)
    assert all(torch.equal(before[name], p) for name, p in ours.named_parameters())


@pytest.mark.parametrize(
    "kwargs",
    [
        {"graph": "frame", "num_frames": 3},
        {"fuse": "add"},
        {"per_layer": True},
    ],
)
def test_an_ablation_without_a_baseline_is_refused(kwargs: dict) -> None:
    with pytest.raises(ValueError, match=r"the paper's order is written for graph='window'"):
        make_heads(**kwargs)


@pytest.mark.parametrize("num_frames", [1, 3])
@pytest.mark.parametrize("paper_order", [False, True])
@pytest.mark.parametrize(("training", "run"), [(False, predict), (True, training_loss)])
def test_counts_are_what_the_shapes_say(num_frames, paper_order, training, run) -> None:
    ours, paper = make_heads()
    batch = make_batch(num_frames=num_frames)
    counted = count_macs(lambda: run(paper if paper_order else ours, batch)) / (4 * num_frames)
    sizes = Sizes(C, num_frames, num_classes=7, dim=4)
    formula = macs_per_frame(sizes, paper_order=paper_order, training=training)
    assert counted == pytest.approx(sum(formula.values()))


def test_the_heads_stay_within_their_budget_at_the_paper_s_size() -> None:
    ours, paper = (
        macs_per_frame(Sizes(2048, 6), paper_order=order, training=True) for order in (False, True)
    )
    assert 1.22e9 < sum(ours.values()) <= 1.235e9
    assert sum(ours.values()) < 0.65 * sum(paper.values())
    # 32 nodes, 2 layers of W (C x C) and collapse (C x 3C); 51, 30 and 15 nodes of a window.
    layers = 2 * 32 * 4 * 2048**2 + 2 * (51**2 + 30**2 + 15**2) * 2048
    assert ours["graph layers"] == layers
    # Each of the 96 rows of a window is multiplied by W instead of each of the 32 nodes.
    assert paper["graph layers"] - layers == 2 * 64 * 2048**2


def test_equation_5_keeps_at_most_350_megabytes_of_the_paper_s_batch() -> None:
    # Tensors without data: what is kept does not depend on the values.
    with FakeTensorMode():
        head = OurHead(PartGraphHead(), FusionHead(2048, 625))
        kept = eq5_bytes(head, options("--frames", "6", "--channels", "2048"))
    # Pairs of s1 and s3, s2 and s3: BN's input twice, one ReLU's output, one mask; nodes: two
    # inputs of BN, two outputs of ReLU, the relation.
    pairs, nodes = 17**2 + 10**2 + 2 * 5**2, 17 + 10 + 2 * 5
    assert kept == pytest.approx(32 * 6 * 256 * (13 * pairs + 20 * nodes), rel=0.002)
    assert kept <= 350e6


def test_equation_5_in_the_paper_s_order_keeps_the_differences() -> None:
    ours, paper = make_heads(channels=64)
    args = options("--frames", "2", "--channels", "64")
    ours.float()
    paper.float()
    differences = 32 * 2 * 64 * (17**2 + 10**2 + 2 * 5**2) * 4
    assert eq5_bytes(paper, args) > eq5_bytes(ours, args) + differences


def test_a_storage_is_counted_once_and_what_is_given_is_not() -> None:
    given = torch.rand(10, requires_grad=True)

    def run() -> torch.Tensor:
        grown = given.exp()  # exp keeps its output, the product two views of the same storage
        return grown[:5] * grown[5:] * given.sum()

    # exp 10, the first product 5 and the sum 1 numbers of 4 bytes.
    assert saved_bytes(run, [given]) == 4 * (10 + 5 + 1)
    assert saved_bytes(given.square, []) == 4 * 10
    assert saved_bytes(given.square, [given]) == 0


def test_a_backbone_of_the_wanted_width_is_built() -> None:
    model = build_model(256)
    assert model.backbone(torch.rand(1, 3, 64, 32))[0].shape == (1, 256, 4, 2)
    with pytest.raises(ValueError, match=r"channels must be a multiple of 32 .* got 48"):
        build_model(48)


@pytest.mark.parametrize("extra", [[], ["--amp"]])
def test_the_command_prints_every_figure(run_tool, capsys, extra: list[str]) -> None:
    sizes = ["--clips", "4", "--frames", "2", "--channels", "256", "--repeats", "1"]
    run_tool("benchmarks/bench_head.py", *sizes, *extra)
    printed = capsys.readouterr().out
    assert "4 clips of 2 frames, C=256" in printed
    for row in (
        *("equal: features to", "topology", "graph layers", "cross-scale", "fusion head"),
        *("all, test", "all, training", "heads and losses", "eq. 5, 32 clips"),
        *("forward + backward", "processor time", "training step of the whole model at 256x128"),
    ):
        assert row in printed, row


@pytest.mark.parametrize("wrong", [["--clips", "3"], ["--clips", "2"], ["--repeats", "0"]])
def test_a_wrong_option_is_named(run_tool, capsys, wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        run_tool("benchmarks/bench_head.py", *wrong)
    assert "clips must be even and at least 4" in capsys.readouterr().err
