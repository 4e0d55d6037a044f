import copy
import dataclasses

import pytest
import torch
from mmengine.optim import OptimWrapper

from mmctl.registry import MODELS
from mmctl.structures import BODY_SCALES
from tests.random_state import normal
from tests.test_models.small_video_reid import (
    BACKBONE,
    BASELINE,
    CHANNELS,
    CONFIGS,
    CTL,
    SIZE,
    TRACKLETS,
    T,
    build,
    make_batch,
    make_tracklet,
    training_batch,
)


@pytest.mark.parametrize("name", CONFIGS)
def test_predict_gives_every_tracklet_one_unit_feature(name):
    samples = build(name).eval().test_step(make_batch(*TRACKLETS))
    assert len(samples) == 3
    for sample, (_, given) in zip(samples, TRACKLETS, strict=True):
        assert sample.feature.shape == (CHANNELS,)
        assert sample.feature.norm().item() == pytest.approx(1.0, abs=1e-5)
        assert (sample.pid, sample.camid, sample.split) == (given.pid, 1, "query")


@pytest.mark.parametrize("name", CONFIGS)
def test_a_feature_is_the_weighted_mean_over_the_clips(name):
    model = build(name).eval()
    frames, sample = TRACKLETS[2]
    single = []
    with torch.no_grad():
        for clip, keypoints in zip(frames, sample.keypoints, strict=True):
            inputs = clip.unsqueeze(0).float() / 256
            features = model.extract(inputs, keypoints.unsqueeze(0))
            single.append(model.head.predict(*features)[0])
    mean = sum(weight * clip for weight, clip in zip([1, 2, 3, 4], single, strict=True)) / 10
    found = model.test_step(make_batch(TRACKLETS[2]))[0].feature
    torch.testing.assert_close(found, mean / mean.norm(), rtol=1e-4, atol=1e-5)
    plain = sum(single) / 4
    assert not torch.allclose(found, plain / plain.norm(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("frames_per_chunk", [1, T, 2 * T + 1, 5 * T, 1000])
def test_a_feature_depends_neither_on_chunks_nor_on_its_batch(name, frames_per_chunk):
    alone = build(name).eval()
    together = build(name, frames_per_chunk=frames_per_chunk).eval()
    found = together.test_step(make_batch(*TRACKLETS))
    for sample, tracklet in zip(found, TRACKLETS, strict=True):
        expected = alone.test_step(make_batch(tracklet))[0].feature
        torch.testing.assert_close(sample.feature, expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(found[0].feature, found[1].feature, rtol=1e-3, atol=1e-3)


def test_no_more_frames_than_asked_go_through_the_network_at_once():
    model = build("baseline", frames_per_chunk=2 * T + 1).eval()
    seen = []
    model.backbone.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    model.test_step(make_batch(*TRACKLETS))
    assert seen == [2 * T, 2 * T, 2 * T, T]


def test_ctl_takes_its_heatmaps_from_the_keypoints():
    model, (frames, sample) = build().eval(), TRACKLETS[1]
    moved = copy.deepcopy(sample)
    moved.keypoints = moved.keypoints.flip(2)
    first, second = (model.test_step(make_batch((frames, s)))[0].feature for s in (sample, moved))
    assert not torch.allclose(first, second, rtol=1e-3, atol=1e-3)


def test_heatmaps_are_drawn_for_frames_of_the_size_of_the_inputs():
    model, seen = build().eval(), []
    model.pose.register_forward_hook(lambda _, args, out: seen.append((args[1], out.shape)))
    model.test_step(make_batch(TRACKLETS[1]))
    assert seen == [((64, 32), (T, 17, 16, 8))]


@pytest.mark.parametrize("name", CONFIGS)
def test_the_last_map_of_the_backbone_is_used(name):
    maps = {**BACKBONE, "out_indices": (1, 3)}
    found = build(name, backbone=maps).eval().test_step(make_batch(TRACKLETS[1]))
    expected = build(name).eval().test_step(make_batch(TRACKLETS[1]))
    torch.testing.assert_close(found[0].feature, expected[0].feature)


@pytest.mark.parametrize("name", CONFIGS)
def test_tensor_mode_gives_one_retrieval_feature_per_clip(name):
    model = build(name).eval()
    data = model.data_preprocessor(make_batch(*TRACKLETS))
    with torch.no_grad():
        clips = model(**data, mode="tensor")
    assert clips.shape == (7, CHANNELS)
    single = torch.nn.functional.normalize(clips[2], dim=0)
    expected = model.test_step(make_batch(TRACKLETS[1]))[0].feature
    torch.testing.assert_close(single, expected, rtol=1e-4, atol=1e-5)


def test_the_baseline_needs_no_samples_in_tensor_mode():
    with torch.no_grad():
        assert build("baseline").eval()(normal(2, T, 3, *SIZE).float()).shape == (2, CHANNELS)


@pytest.mark.parametrize("name", CONFIGS)
def test_loss_has_the_terms_and_the_statistics_of_the_heads(name):
    model = build(name)
    data = model.data_preprocessor(training_batch())
    terms = model(**data, mode="loss")
    branches = ("global", "sum", "concat") if name == "ctl" else ("global",)
    wanted = {f"loss_{kind}_{b}" for kind in ("triplet", "identity") for b in branches}
    statistics = {f"active_triplets_{branch}" for branch in branches}
    if name == "ctl":
        wanted.add("loss_diversity")
        statistics |= {"clamped_degrees", "attention_entropy"}
    wanted |= statistics
    assert set(terms) == wanted
    for statistic in statistics:
        assert 0 <= terms[statistic] <= 1
        assert not terms[statistic].requires_grad
    total, logged = model.parse_losses(terms)
    assert total.item() == pytest.approx(sum(v.item() for k, v in terms.items() if "loss" in k))
    assert set(logged) >= wanted


def test_labels_reach_the_losses():
    model = build("baseline").eval()
    data = model.data_preprocessor(training_batch())
    model.head.necks.clear()
    with torch.no_grad():
        feature, _ = model.extract(data["inputs"])
        logits = model.head.classifiers["global"](feature.mean(dim=1))
        expected = torch.nn.functional.cross_entropy(
            logits, torch.tensor([0, 0, 1, 1]), label_smoothing=0.1
        )
        terms = model(**data, mode="loss")
    assert terms["loss_identity_global"].item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_trainable_parameter_gets_a_gradient(name):
    model = build(name)
    data = model.data_preprocessor(training_batch())
    model.parse_losses(model(**data, mode="loss"))[0].backward()
    for parameter_name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, parameter_name
            assert parameter.grad.isfinite().all(), parameter_name
            if not parameter_name.endswith("bias"):
                assert parameter.grad.any(), parameter_name


@pytest.mark.parametrize("name", CONFIGS)
def test_training_lowers_the_loss(name):
    model = build(name).train()
    wrapper = OptimWrapper(torch.optim.Adam(model.parameters(), lr=1e-3))
    losses = [model.train_step(training_batch(), wrapper)["loss"].item() for _ in range(8)]
    assert losses[-1] < 0.8 * losses[0]


def test_bfloat16_autocast_gives_nearly_the_same_feature():
    model = build().eval()
    exact = model.test_step(make_batch(*TRACKLETS))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = model.test_step(make_batch(*TRACKLETS))
    for first, second in zip(exact, found, strict=True):
        assert second.feature.dtype == torch.float32
        assert (first.feature - second.feature).norm() < 6e-2


def test_a_body_spelt_out_in_lists_equals_its_name():
    body = dataclasses.asdict(BODY_SCALES["limb"])
    listed = {key: [list(group) for group in body[key]] for key in ("s2", "s3", "s2_to_s3")}
    listed["edges"] = {
        name: [list(edge) for edge in edges] for name, edges in body["edges"].items()
    }
    MODELS.build(copy.deepcopy({**CTL, "neck": {**CTL["neck"], "body": listed}}))


def test_samples_without_weights_are_one_clip_each():
    model = build("baseline").eval()
    tracklets = [make_tracklet(1, seed) for seed in range(3)]
    expected = [sample.feature for sample in model.test_step(make_batch(*tracklets))]
    bare = make_batch(*tracklets)
    for sample in bare["data_samples"]:
        del sample.clip_weights
    for sample, feature in zip(model.test_step(bare), expected, strict=True):
        torch.testing.assert_close(sample.feature, feature)


def test_the_model_builds_from_our_registry_without_a_default_scope():
    unscoped = {
        **BASELINE,
        "type": "VideoReID",
        "data_preprocessor": {"type": "ClipDataPreprocessor"},
    }
    assert MODELS.build(copy.deepcopy(unscoped)).pose is None
