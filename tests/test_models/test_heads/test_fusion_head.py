import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmctl.functional.losses import triplet_terms
from mmctl.models.heads import FusionHead
from mmctl.models.watched_values import watching
from tests.random_state import layer_of, normal
from tests.references import equations
from tests.test_models.test_heads.small_fusion_head import (
    BRANCHES,
    CLASSES,
    LABELS,
    V_G,
    V_P,
    C,
    build,
)


def reference_features(head):
    reduce = [layer_of(layer) for layer in head.reduce]
    return equations.clip_features(V_G.numpy(), V_P.numpy(), reduce)


def test_the_three_clip_features_equal_the_loops():
    head = build()
    for branch, expected in zip(BRANCHES, reference_features(head), strict=True):
        np.testing.assert_allclose(head.fuse(branch, V_G, V_P).detach(), expected)


def test_clip_features_of_a_worked_example():
    # V_g 1 and 3 in two frames; five parts of 1 .. 5 in the first, of 0 in the second frame.
    head = FusionHead(5, 2)
    with torch.no_grad():
        for layer in head.reduce:
            layer.weight.fill_(2.0)
            layer.bias.fill_(1.0)
    v_g = torch.tensor([1.0, 3.0]).view(1, 2, 1).expand(1, 2, 5)
    v_p = torch.zeros(1, 2, 5, 5)
    v_p[0, 0] = torch.arange(1.0, 6.0).unsqueeze(1)
    assert head.fuse("global", v_g, v_p).tolist() == [[2.0] * 5]
    # ((1 + 2 + 3 + 4 + 5) + 1 + 0 + 3) / 2.
    assert head.fuse("sum", v_g, v_p).tolist() == [[9.5] * 5]
    # Part n gives 2 * 5 * n + 1 in the first frame, 1 in the second: (10 n + 1 + 1 + 1 + 3) / 2.
    assert head.fuse("concat", v_g, v_p).tolist() == [[8.0, 13.0, 18.0, 23.0, 28.0]]


def test_the_widths_of_the_parts_add_up():
    with torch.device("meta"):
        head = FusionHead(2048, 625)
    assert [layer.out_features for layer in head.reduce] == [410, 410, 410, 409, 409]
    assert sum(p.numel() for p in head.reduce.parameters()) / 1e6 == pytest.approx(4.2, abs=0.05)
    # Three classifiers of 625 x 2048, three batch norms of 2 x 2048, g_c.
    rest = [*head.classifiers.parameters(), *head.necks.parameters()]
    assert sum(p.numel() for p in rest) / 1e6 == pytest.approx(3.9, abs=0.05)


def test_the_retrieval_feature_is_the_sum_branch_before_the_neck():
    head = build().eval()
    torch.testing.assert_close(head.predict(V_G, V_P), head.fuse("sum", V_G, V_P))


def test_the_feature_after_the_neck_comes_from_the_same_forward():
    head = build(test_feature="after").eval()
    feature, norm = head.fuse("sum", V_G, V_P), head.necks["sum"]
    expected = norm.weight * (feature - norm.running_mean)
    expected = expected / (norm.running_var + norm.eps).sqrt() + norm.bias
    torch.testing.assert_close(head.predict(V_G, V_P), expected)
    assert not torch.allclose(head.predict(V_G, V_P), feature)


@pytest.mark.parametrize("place", ["before", "after"])
def test_branches_are_joined_each_at_length_one(place):
    head = build(test_feature=place, test_branches=("sum", "concat")).eval()
    clips = head.predict(V_G, V_P)
    pieces = [head.fuse(name, V_G, V_P) for name in ("sum", "concat")]
    if place == "after":
        pieces = [head.necks[n](p) for n, p in zip(("sum", "concat"), pieces, strict=True)]
    torch.testing.assert_close(clips, torch.cat(pieces, dim=1))
    mean = clips.mean(dim=0)
    expected = torch.cat([piece.mean(0) / piece.mean(0).norm() for piece in pieces])
    torch.testing.assert_close(head.finish(mean), expected)
    one = build()
    assert torch.equal(one.finish(mean), mean)


def test_weighed_parts_count_in_the_sum_alone():
    plain, head = build(), build(part_weight=0.2)
    for name in ("global", "concat"):
        torch.testing.assert_close(head.fuse(name, V_G, V_P), plain.fuse(name, V_G, V_P))
    expected = (V_P.mean(dim=2) + V_G).mean(dim=1)
    torch.testing.assert_close(head.fuse("sum", V_G, V_P), expected)
    with pytest.raises(ValueError, match="part_weight must be positive, got 0"):
        build(part_weight=0)


def test_branches_that_are_none_are_named():
    with pytest.raises(ValueError, match="must be some of global, sum, concat, got"):
        build(test_branches=("sum", "parts"))


def test_the_feature_can_be_chosen_after_the_head_is_built():
    head, other = build().eval(), build(test_feature="after").eval()
    other.load_state_dict(head.state_dict())
    head.choose_test_feature("after")
    torch.testing.assert_close(head.predict(V_G, V_P), other.predict(V_G, V_P))
    head.choose_test_feature("before")
    torch.testing.assert_close(head.predict(V_G, V_P), head.fuse("sum", V_G, V_P))
    with pytest.raises(ValueError, match="test_feature must be 'before' or 'after', got 'both'"):
        head.choose_test_feature("both")
    bare = build(neck="none")
    with pytest.raises(ValueError, match="test_feature='after' needs a neck to come after"):
        bare.choose_test_feature("after")
    assert bare.test_feature == "before"


@pytest.mark.parametrize("neck", ["bnneck", "none"])
def test_the_losses_equal_the_definitions(neck):
    head = build(neck=neck)
    terms = head.loss(V_G, V_P, LABELS)
    names = {f"loss_{kind}_{branch}" for kind in ("triplet", "identity") for branch in BRANCHES}
    assert set(terms) == {*names, "loss_diversity"}
    for branch, feature in zip(BRANCHES, reference_features(head), strict=True):
        triplet = equations.batch_hard_triplet(feature, LABELS.tolist(), 0.3)
        assert terms[f"loss_triplet_{branch}"].item() == pytest.approx(triplet)
        given = torch.from_numpy(feature)
        if neck == "bnneck":
            bn = head.necks[branch]
            given = (given - given.mean(0)) / (given.var(0, unbiased=False) + bn.eps).sqrt()
            given = given * bn.weight + bn.bias
        logits = given @ head.classifiers[branch].weight.T
        identity = F.cross_entropy(logits, LABELS, label_smoothing=0.1)
        assert terms[f"loss_identity_{branch}"].item() == pytest.approx(identity.item())
    averaged = V_P.numpy().mean(axis=1)
    assert terms["loss_diversity"].item() == pytest.approx(equations.part_diversity(averaged))


def test_the_share_of_active_triplets_of_each_branch_is_kept():
    head = build()
    with watching() as watched:
        head.loss(V_G, V_P, LABELS)
    for branch, feature in zip(BRANCHES, reference_features(head), strict=True):
        terms = triplet_terms(torch.from_numpy(feature), LABELS, margin=0.3)
        expected = (terms > 0).double().mean().item()
        assert watched[f"active_triplets_{branch}"].item() == pytest.approx(expected)
    head = build(losses={"triplet": None})
    with watching() as watched:
        head.loss(V_G, V_P, LABELS)
    assert watched == {}


def test_label_smoothing_of_a_worked_example():
    # Zero logits: every class has probability 1/4, so the loss is ln 4 whatever the smoothing.
    head = build(neck="none")
    torch.nn.init.zeros_(head.classifiers["sum"].weight)
    loss = head.loss(V_G, V_P, LABELS)["loss_identity_sum"]
    assert loss.item() == pytest.approx(np.log(4))


def test_diversity_sees_the_parts_after_the_temporal_mean():
    # Two frames whose parts cancel except for one direction each: the mean is orthonormal.
    noise = normal(1, 1, 5, C)
    mean = 3 * torch.eye(5, C, dtype=torch.float64)
    v_p = torch.cat([mean + noise, mean - noise], dim=1)
    v_g, labels = normal(1, 2, C), torch.tensor([0])
    head = build(neck="none")
    assert head.loss(v_g, v_p, labels)["loss_diversity"].item() == pytest.approx(0.0, abs=1e-12)
    same = v_p[:, :, :1].expand_as(v_p)
    assert head.loss(v_g, same, labels)["loss_diversity"].item() == pytest.approx(20.0)


@pytest.mark.parametrize("term", ["triplet", "identity", "diversity"])
def test_a_loss_that_is_left_out_builds_nothing(term):
    head = build(losses={term: None}, neck="none")
    assert not [name for name in head.loss(V_G, V_P, LABELS) if term in name]
    assert bool(len(head.classifiers)) == (term != "identity")


def test_a_loss_config_replaces_the_paper_s():
    cfg = {"triplet": {"type": "mmctl.BatchHardTripletLoss", "margin": 2.0, "loss_weight": 3.0}}
    head = build(losses=cfg)
    expected = equations.batch_hard_triplet(reference_features(head)[1], LABELS.tolist(), 2.0)
    terms = head.loss(V_G, V_P, LABELS)
    assert terms["loss_triplet_sum"].item() == pytest.approx(3 * expected)


@pytest.mark.parametrize(
    "kwargs",
    [{}, {"neck": "none"}, {"num_parts": 0}, {"losses": {"triplet": None}}, {"num_parts": 3}],
)
def test_every_trainable_parameter_gets_a_gradient(kwargs):
    head = build(**kwargs)
    num_parts = kwargs.get("num_parts", 5)
    parts = V_P[:, :, :num_parts] if num_parts else None
    sum(head.loss(V_G, parts, LABELS).values()).backward()
    for name, parameter in head.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            # A bias that shifts all clips alike gets a gradient of zero.
            if name.endswith("weight"):
                assert parameter.grad.abs().max() > 1e-9, name


def test_the_shift_of_the_neck_is_fixed_at_zero():
    head = FusionHead(C, CLASSES)
    for branch in BRANCHES:
        assert not head.necks[branch].bias.requires_grad
        assert not head.necks[branch].bias.any()


def test_the_baseline_has_the_global_branch_only():
    head = build(num_parts=0).eval()
    expected = V_G.numpy().mean(axis=1)
    np.testing.assert_allclose(head.predict(V_G, None).detach(), expected)
    terms = head.train().loss(V_G, None, LABELS)
    assert set(terms) == {"loss_triplet_global", "loss_identity_global"}
    assert {name.split(".")[1] for name, _ in head.named_parameters()} == {"global"}


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"neck": "ln"}, "neck must be 'bnneck' or 'none', got 'ln'"),
        ({"test_feature": "both"}, "test_feature must be 'before' or 'after', got 'both'"),
        ({"neck": "none", "test_feature": "after"}, "test_feature='after' needs a neck"),
        ({"num_parts": 8}, "num_parts must be from 0 to channels=7, got 8"),
        ({"num_parts": -1}, "num_parts must be from 0 to channels=7, got -1"),
        ({"losses": {"center": {}}}, r"losses.center must be a config with the type .*got \{\}"),
        (
            {"num_parts": 0, "losses": {"diversity": {"type": "mmctl.DiversityLoss"}}},
            "losses.diversity needs parts, got num_parts=0",
        ),
        ({"losses": {"identity": None}}, "neck='bnneck' needs losses.identity, got None"),
    ],
)
def test_a_wrong_argument_is_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        FusionHead(C, CLASSES, **kwargs)


@pytest.mark.parametrize(("num_parts", "given"), [(0, 5), (5, 0), (3, 5)])
def test_another_number_of_parts_is_refused(num_parts, given):
    head = build(num_parts=num_parts)
    parts = V_P if given else None
    for call in (lambda: head.loss(V_G, parts, LABELS), lambda: head.predict(V_G, parts)):
        with pytest.raises(ValueError, match=rf"num_parts={num_parts} and got {given} parts"):
            call()


def test_bfloat16_autocast_keeps_losses_in_float32():
    head = build().float()
    exact = head.loss(V_G.float(), V_P.float(), LABELS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = head.loss(V_G.float(), V_P.float(), LABELS)
    for name, term in terms.items():
        assert term.dtype == torch.float32, name
        assert term.item() == pytest.approx(exact[name].item(), rel=5e-2), name
