"""FrozenPoseEstimator: mmpose's heatmaps, and an estimator that nothing changes."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmctl.models import FrozenPoseEstimator
from mmctl.structures import FLIP_ORDER
from tests.test_models.test_pose.small_estimators import (
    HRNET_W32,
    MMPOSE,
    OURS,
    VITPOSE,
    random_frames,
    randomize_estimator,
    save_published,
)
from tests.test_models.test_pose.small_frozen_pose import Whole, saved_small, small


def mmpose_heatmaps(model: BaseModel, frames: Tensor, *, flip_test: bool) -> Tensor:
    """Run mmpose's own estimator as its tools do: BGR images in, heatmaps out."""
    from mmengine.structures import InstanceData
    from mmpose.structures import PoseDataSample

    model.test_cfg = {**model.test_cfg, "flip_test": flip_test, "output_heatmaps": True}
    samples = []
    for _ in frames:
        sample = PoseDataSample(
            metainfo={"flip_indices": list(FLIP_ORDER), "input_size": (32, 64)},
            gt_instances=InstanceData(
                bbox_centers=torch.zeros(1, 2).numpy(),
                bbox_scales=torch.ones(1, 2).numpy(),
                bboxes=torch.zeros(1, 4).numpy(),
                bbox_scores=torch.ones(1).numpy(),
            ),
        )
        samples.append(sample)
    images = [frame.flip(0).to(torch.uint8) for frame in frames]
    model.eval()
    with torch.no_grad():
        results = model.test_step({"inputs": images, "data_samples": samples})
    return torch.stack([result.pred_fields.heatmaps for result in results])


@pytest.fixture(scope="module", params=[HRNET_W32, VITPOSE], ids=["hrnet-w32", "vitpose-small"])
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple:
    """Mmpose's own estimator from its config, and ours that read a checkpoint of its weights."""
    pytest.importorskip("mmpose")
    from mmengine.hub import get_config
    from mmpose.registry import MODELS as MMPOSE_MODELS

    cfg = get_config(request.param).model
    model = randomize_estimator(MMPOSE_MODELS.build({**cfg, "_scope_": "mmpose"}), seed=3)
    checkpoint = save_published(model, tmp_path_factory.mktemp("published") / "weights.pth")
    ours = {"by name": FrozenPoseEstimator(request.param.removesuffix(".py"), checkpoint)}
    if request.param == HRNET_W32:
        ours["of mmpretrain"] = FrozenPoseEstimator({"type": "HRNetHeatmaps"}, checkpoint)
    return model, ours


@pytest.mark.parametrize("flip_test", [False, True])
def test_the_heatmaps_are_those_of_mmpose_from_its_published_form(
    published: tuple, flip_test: bool
) -> None:
    model, ours = published
    frames = random_frames(2)
    expected = mmpose_heatmaps(model, frames, flip_test=flip_test)
    assert expected.std() > 0.01
    for pose in ours.values():
        pose.flip_test = flip_test
        found = pose(frames)
        assert found.shape == (2, 17, 16, 8)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_the_hrnet_of_mmpretrain_has_the_weights_of_mmpose(published: tuple) -> None:
    model, ours = published
    for pose in ours.values():
        assert pose.estimator.state_dict().keys() == model.state_dict().keys()
    assert len({pose.weights_hash() for pose in ours.values()}) == 1


def test_types_without_scope_are_those_of_mmpose(tmp_path: Path) -> None:
    pytest.importorskip("mmpose")
    checkpoint, frames = saved_small(tmp_path), random_frames()
    given = copy.deepcopy(MMPOSE)
    found = FrozenPoseEstimator(given, checkpoint)(frames)
    torch.testing.assert_close(found, small()(frames), rtol=1e-5, atol=1e-6)
    assert given == MMPOSE


def test_a_config_file_is_read_with_its_preprocessor(tmp_path: Path) -> None:
    pytest.importorskip("mmpose")
    model = {key: value for key, value in MMPOSE.items() if key != "data_preprocessor"}
    config = tmp_path / "own.py"
    config.write_text(f"model = {model!r}\ndata_preprocessor = {MMPOSE['data_preprocessor']!r}\n")
    found = FrozenPoseEstimator(str(config), saved_small(tmp_path))(random_frames())
    torch.testing.assert_close(found, small()(random_frames()), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("swap", [{"bgr_to_rgb": True}, {"rgb_to_bgr": True}, {}], ids=str)
def test_the_network_sees_what_mmpose_would_show_it(swap: dict) -> None:
    """Mmpose's images are BGR; ours are RGB."""
    pytest.importorskip("mmpose")
    statistics = {"mean": [100.0, 120.0, 140.0], "std": [50.0, 60.0, 70.0]}
    preprocessor = {"type": "PoseDataPreprocessor", **statistics, **swap}
    pose = FrozenPoseEstimator({**copy.deepcopy(MMPOSE), "data_preprocessor": preprocessor})
    seen: list[Tensor] = []
    pose.estimator.backbone.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    frames = random_frames()
    pose(frames)
    images = [frame.flip(0).to(torch.uint8) for frame in frames]
    expected = pose.estimator.data_preprocessor({"inputs": images, "data_samples": None})["inputs"]
    torch.testing.assert_close(seen[0], expected)


@pytest.mark.parametrize("sees_rgb", [True, False])
def test_the_network_sees_frames_in_its_own_order_and_scale(sees_rgb: bool) -> None:
    mean, std = (100.0, 120.0, 140.0), (50.0, 60.0, 70.0)
    statistics = {"mean": mean, "std": std, "bgr_to_rgb": sees_rgb}
    pose = FrozenPoseEstimator({**copy.deepcopy(OURS), **statistics})
    seen: list[Tensor] = []
    pose.estimator.backbone.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    frames = random_frames()
    pose(frames)
    for place, channel in enumerate((0, 1, 2) if sees_rgb else (2, 1, 0)):
        expected = (frames[:, channel] - mean[place]) / std[place]
        torch.testing.assert_close(seen[0][:, place], expected)


def test_statistics_are_optional() -> None:
    pytest.importorskip("mmpose")
    pose = FrozenPoseEstimator(
        {**copy.deepcopy(MMPOSE), "data_preprocessor": {"type": "PoseDataPreprocessor"}}
    )
    seen: list[Tensor] = []
    pose.estimator.backbone.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    pose(random_frames())
    torch.testing.assert_close(seen[0], random_frames().flip(1))


@pytest.mark.parametrize("shift", [False, True])
def test_a_flip_test_averages_with_the_mirrored_frame(shift: bool) -> None:
    estimator = {**copy.deepcopy(OURS), "shift_heatmap": shift}
    plain, pose = (FrozenPoseEstimator(estimator, flip_test=flip) for flip in (False, True))
    for each in (plain, pose):
        randomize_estimator(each.estimator)
    frames = random_frames()
    straight, mirrored = plain(frames), plain(frames.flip(-1))
    found = pose(frames)
    left_wrist, right_wrist = 9, 10
    for column in range(1, 8):
        source = 7 - column + shift  # what lies a pixel further left moves here
        expected = (straight[:, left_wrist, :, column] + mirrored[:, right_wrist, :, source]) / 2
        torch.testing.assert_close(found[:, left_wrist, :, column], expected)


def test_frames_are_resized_first() -> None:
    frames = random_frames(height=96, width=48)
    resized = nn.functional.interpolate(frames, (64, 32), mode="bilinear", align_corners=False)
    found = small(input_size=(64, 32))(frames)
    torch.testing.assert_close(found, small()(resized))
    assert found.shape == (3, 17, 16, 8)


@pytest.mark.parametrize("frames_per_chunk", [1, 2, 5, 100])
def test_chunks_do_not_change_the_heatmaps(frames_per_chunk: int) -> None:
    pose, sizes = small(frames_per_chunk=frames_per_chunk), []
    pose.estimator.register_forward_pre_hook(lambda _, args: sizes.append(len(args[0])))
    found = pose(random_frames(5))
    assert max(sizes) == min(frames_per_chunk, 5)
    assert sum(sizes) == 5
    torch.testing.assert_close(found, small()(random_frames(5)), rtol=1e-5, atol=1e-6)


def test_heatmaps_have_no_gradient_and_are_float32_under_autocast() -> None:
    pose, frames = small(), random_frames().requires_grad_()
    exact = pose(frames)
    seen: list[torch.dtype] = []
    pose.estimator.head["final_layer"].register_forward_hook(
        lambda *args: seen.append(args[2].dtype)
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = pose(frames)
    assert seen == [torch.bfloat16]
    for heatmaps in (exact, rounded):
        assert heatmaps.dtype == torch.float32
        assert not heatmaps.requires_grad
    assert (exact - rounded).norm() < 0.1 * exact.norm()
    assert not torch.equal(exact, rounded)


@pytest.mark.parametrize("change", ["weight", "running_var"])
def test_the_hash_tells_weights_and_statistics_apart(change: str) -> None:
    first, second = small(), small()
    assert first.weights_hash() == second.weights_hash()
    assert len(first.weights_hash()) == 64
    norm = next(m for m in second.estimator.modules() if isinstance(m, nn.BatchNorm2d))
    with torch.no_grad():
        getattr(norm, change)[0] += 1e-6
    assert first.weights_hash() != second.weights_hash()
    assert small(seed=1).weights_hash() != first.weights_hash()


def modules_of(pose: FrozenPoseEstimator) -> list[nn.Module]:
    modules = list(pose.estimator.modules())
    assert len(modules) > 100
    return modules


def test_nothing_that_walks_through_the_model_meets_the_estimator() -> None:
    model = Whole(small()).train()
    model.requires_grad_(True)
    assert not any(module.training for module in modules_of(model.pose))
    assert not any(p.requires_grad for p in model.pose.estimator.parameters())
    theirs = {id(tensor) for tensor in model.pose.estimator.state_dict(keep_vars=True).values()}
    assert not theirs & {id(tensor) for tensor in (*model.parameters(), *model.buffers())}
    assert {id(p) for p in model.pose.parameters()} <= theirs
    before = model.pose.weights_hash()
    model.apply(
        lambda module: [nn.init.zeros_(p) for p in module._parameters.values() if p is not None]
    )
    assert model.pose.weights_hash() == before


def test_training_modes_leave_the_statistics_alone() -> None:
    model = Whole(small())
    before, frames = model.pose.weights_hash(), random_frames()
    expected = model.pose(frames)
    model.train()
    model(frames).backward()
    assert model.conv.weight.grad is not None
    assert model.pose.train() is model.pose
    assert model.pose.weights_hash() == before
    torch.testing.assert_close(model.pose(frames), expected, rtol=0, atol=0)


@pytest.mark.parametrize("init_cfg", [None, {"type": "Constant", "layer": "Conv2d", "val": 0.5}])
def test_the_initialisation_of_the_model_leaves_the_estimator_alone(
    tmp_path: Path, init_cfg: dict | None
) -> None:
    pose = FrozenPoseEstimator(copy.deepcopy(OURS), saved_small(tmp_path, seed=2))
    model = Whole(pose, init_cfg)
    model.init_weights()
    assert pose.weights_hash() == small(seed=2).weights_hash()
    if init_cfg:
        assert (model.conv.weight == 0.5).all()


def test_an_estimator_moves_and_changes_type_with_the_model() -> None:
    model = Whole(small()).double()
    tensors = model.pose.estimator.state_dict().values()
    assert {t.dtype for t in tensors} == {torch.float64, torch.int64}
    assert model.pose.estimator.data_preprocessor.mean.dtype == torch.float64


def test_copies_are_independent_and_equal() -> None:
    pose, frames = small(), random_frames()
    for other in (copy.deepcopy(pose), pickle.loads(pickle.dumps(pose))):
        torch.testing.assert_close(other(frames), pose(frames), rtol=0, atol=0)
        randomize_estimator(other.estimator, seed=9)
        assert other.weights_hash() != pose.weights_hash()
