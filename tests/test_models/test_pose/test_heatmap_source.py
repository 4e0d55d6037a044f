"""Every source of heatmaps gets what it reads, in every mode of the model."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from mmctl.models.pose.heatmap_source import check_source
from mmctl.registry import MODELS
from tests.test_models.small_video_reid import CTL, SIZE, T, make_batch, make_tracklet
from tests.test_models.test_pose.small_estimators import OURS, randomize_estimator

POSE = {
    "frames": {"type": "mmctl.FrozenPoseEstimator", "estimator": OURS},
    "keypoints": {"type": "mmctl.KeypointHeatmaps"},
    "heatmaps": {"type": "mmctl.StoredHeatmaps"},
}


def build(reads: str, **changes: object) -> nn.Module:
    model = MODELS.build(copy.deepcopy({**CTL, "pose": POSE[reads], **changes})).eval()
    if reads == "frames":
        randomize_estimator(model.pose.estimator)
    return model


def batch(model: nn.Module) -> dict:
    tracklets = [make_tracklet(clips, seed, label=seed) for seed, clips in enumerate((1, 1))]
    for frames, sample in tracklets:
        generator = torch.Generator().manual_seed(int(frames.sum()))
        shape = (len(frames), T, 17, 16, 8)
        sample.heatmaps = torch.rand(shape, generator=generator).half()
    return model.data_preprocessor(make_batch(*tracklets))


def record_calls(module: nn.Module) -> list[tuple[tuple, Tensor]]:
    calls: list[tuple[tuple, Tensor]] = []
    module.register_forward_hook(lambda _, args, out: calls.append((args, out)))
    return calls


@pytest.mark.parametrize("mode", ["loss", "predict", "tensor"])
@pytest.mark.parametrize("reads", POSE)
def test_a_source_gets_what_it_reads(reads: str, mode: str) -> None:
    model = build(reads)
    calls, data = record_calls(model.pose), batch(model)
    samples = copy.deepcopy(data["data_samples"])
    model(**data, mode=mode)
    ((args, heatmaps),) = calls
    assert heatmaps.shape == (2 * T, 17, 16, 8)
    if reads == "frames":
        expected = (data["inputs"] * 256).flatten(0, 1)
    else:
        expected = torch.cat([getattr(sample, reads) for sample in samples]).flatten(0, 1)
    torch.testing.assert_close(args[0], expected)
    assert args[1:] == ((SIZE,) if reads == "keypoints" else ())


def test_frames_reach_the_estimator_as_they_were_before_the_normalisation() -> None:
    preprocessor = {
        "type": "mmctl.ClipDataPreprocessor",
        "mean": (120.0, 110.0, 100.0),
        "std": (50.0, 60.0, 70.0),
    }
    model = build("frames", data_preprocessor=preprocessor)
    calls, tracklet = record_calls(model.pose), make_tracklet(1, 0)
    model.test_step(make_batch(tracklet))
    torch.testing.assert_close(calls[0][0][0], tracklet[0][0].float(), rtol=1e-5, atol=1e-4)


def test_the_heatmaps_decide_the_feature() -> None:
    model = build("heatmaps")
    data = batch(model)
    first = [s.feature for s in model(**copy.deepcopy(data), mode="predict")]
    for sample in data["data_samples"]:
        sample.heatmaps = sample.heatmaps.flip(-1)
    second = [s.feature for s in model(**data, mode="predict")]
    assert all((a - b).norm() > 1e-5 for a, b in zip(first, second, strict=True))


def test_frames_alone_are_enough_for_an_estimator_in_tensor_mode() -> None:
    model = build("frames")
    data = batch(model)
    with torch.no_grad():
        expected = model(**data, mode="tensor")
        torch.testing.assert_close(model(data["inputs"]), expected)


def test_an_estimator_needs_nothing_stored() -> None:
    model = build("frames")
    data = batch(model)
    expected = [s.feature for s in model(**copy.deepcopy(data), mode="predict")]
    for sample in data["data_samples"]:
        del sample.keypoints, sample.heatmaps
    for sample, feature in zip(model(**data, mode="predict"), expected, strict=True):
        torch.testing.assert_close(sample.feature, feature)


def test_missing_heatmaps_are_an_error_that_names_the_transform() -> None:
    model = build("heatmaps")
    data = batch(model)
    del data["data_samples"][1].heatmaps
    with pytest.raises(
        ValueError, match=r"stored heatmaps, but .* a heatmap_file and put LoadHeat"
    ):
        model(**data, mode="predict")


class Own(nn.Module):
    reads = "frames"

    def from_clip(self, frames: Tensor, _: Tensor | None) -> Tensor:
        return frames


def test_a_source_of_one_s_own_is_taken() -> None:
    check_source(Own())


@pytest.mark.parametrize(
    ("attribute", "value", "given"),
    [
        ("reads", "sound", "'sound' and a from_clip"),
        ("reads", None, "None and a from_clip"),
        ("from_clip", property(), "'frames' and no from_clip"),
    ],
)
def test_what_is_no_source_is_refused(attribute: str, value: object, given: str) -> None:
    with pytest.raises(ValueError, match=f"Other must have reads, one of .* got {given}$"):
        check_source(type("Other", (Own,), {attribute: value})())
