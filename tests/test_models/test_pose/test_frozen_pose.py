"""FrozenPoseEstimator: mmpose's heatmaps, and an estimator that nothing changes."""

from __future__ import annotations

import copy
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner import CheckpointLoader
from mmengine.runner import load_state_dict as mmengine_load_state_dict
from torch import Tensor, nn

from mmctl.engine import check_state_dict
from mmctl.models import FrozenPoseEstimator, HRNetHeatmaps
from mmctl.models.pose.pose_estimator import build_estimator, read_model_config
from mmctl.registry import MODELS
from mmctl.structures import FLIP_ORDER
from tests.test_models.test_pose.small_estimators import (
    COCO,
    HRNET_W32,
    MMPOSE,
    OURS,
    SMALL_HRNET,
    VITPOSE,
    random_frames,
    randomize_estimator,
    save_published,
)

ADDRESS = "https://weights.invalid/estimator.pth"


def small(seed: int = 0, **arguments: Any) -> FrozenPoseEstimator:
    pose = FrozenPoseEstimator(copy.deepcopy(OURS), **arguments)
    randomize_estimator(pose.estimator, seed)
    return pose


def saved_small(folder: Path, seed: int = 0, **changes: Any) -> str:
    model = randomize_estimator(build_estimator(copy.deepcopy(OURS)), seed)
    return save_published(model, folder / f"small-{seed}.pth", **changes)


@pytest.fixture
def counted_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Serve every address from a file and return the list of what was asked for."""
    path, asked = saved_small(tmp_path, seed=5), []
    original = CheckpointLoader.load_checkpoint

    def load(filename: str, *args: Any, **kwargs: Any) -> Any:
        asked.append(filename)
        return original(path if filename == ADDRESS else filename, *args, **kwargs)

    monkeypatch.setattr(CheckpointLoader, "load_checkpoint", load)
    return asked


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


class Whole(BaseModel):
    """A model around an estimator, with a trained layer."""

    def __init__(self, pose: FrozenPoseEstimator, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.pose = pose
        self.conv = nn.Conv2d(3, 2, 1)
        self.norm = nn.BatchNorm2d(2)

    def forward(self, frames: Tensor) -> Tensor:
        return self.conv(frames).mean() + self.pose(frames).mean()


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


def test_a_checkpoint_has_the_estimator_only_if_asked() -> None:
    model = Whole(small())
    assert model.state_dict().keys() == {
        *("conv.weight", "conv.bias", "norm.weight", "norm.bias"),
        *("norm.running_mean", "norm.running_var", "norm.num_batches_tracked"),
    }
    asked = Whole(small(save_weights=True)).state_dict()
    theirs = {key for key in asked if key.startswith("pose.")}
    assert theirs == {f"pose.estimator.{key}" for key in model.pose.estimator.state_dict()}


def load_with_torch(model: nn.Module, state: dict) -> None:
    model.load_state_dict(state, strict=True)


def load_with_mmengine(model: nn.Module, state: dict) -> None:
    mmengine_load_state_dict(model, state, strict=True)


@pytest.mark.parametrize("load", [load_with_torch, load_with_mmengine])
def test_states_with_and_without_the_estimator_load(load: Any) -> None:
    model = Whole(small(seed=1))
    bare, full = Whole(small()).state_dict(), Whole(small(seed=2, save_weights=True)).state_dict()
    load(model, bare)
    assert model.pose.weights_hash() == small(seed=1).weights_hash()
    load(model, full)
    assert model.pose.weights_hash() == small(seed=2).weights_hash()
    wanting = Whole(small(save_weights=True))
    with pytest.raises(RuntimeError, match=r"Missing key.*pose.estimator.backbone|missing keys in"):
        load(wanting, bare)


def test_a_state_with_half_an_estimator_is_refused() -> None:
    full = Whole(small(save_weights=True)).state_dict()
    del full["pose.estimator.head.final_layer.bias"]
    full["pose.estimator.head.other"] = torch.zeros(1)
    with pytest.raises(RuntimeError) as caught:
        Whole(small()).load_state_dict(full)
    assert 'Missing key(s) in state_dict: "pose.estimator.head.final_layer.bias"' in str(
        caught.value
    )
    assert 'Unexpected key(s) in state_dict: "pose.estimator.head.other"' in str(caught.value)
    full = Whole(small(save_weights=True)).state_dict()
    full["pose.estimator.head.final_layer.bias"] = torch.zeros(3)
    with pytest.raises(RuntimeError, match=r"size mismatch for head\.final_layer\.bias"):
        Whole(small()).load_state_dict(full)


def test_an_address_is_read_when_the_model_is_initialised(counted_downloads: list[str]) -> None:
    pose = FrozenPoseEstimator(copy.deepcopy(OURS), ADDRESS)
    assert counted_downloads == []
    model = Whole(pose)
    model.init_weights()
    assert counted_downloads == [ADDRESS]
    model(random_frames())
    model(random_frames())
    pose.init_weights()
    assert counted_downloads == [ADDRESS]
    assert pose.weights_hash() == small(seed=5).weights_hash()


def test_an_address_is_read_at_the_first_use_at_the_latest(counted_downloads: list[str]) -> None:
    pose = FrozenPoseEstimator(copy.deepcopy(OURS), ADDRESS)
    torch.testing.assert_close(pose(random_frames()), small(seed=5)(random_frames()))
    pose(random_frames())
    assert counted_downloads == [ADDRESS]
    hashed = FrozenPoseEstimator(copy.deepcopy(OURS), ADDRESS).weights_hash()
    assert hashed == small(seed=5).weights_hash()


def test_weights_of_a_checkpoint_of_the_model_are_not_overwritten(
    counted_downloads: list[str],
) -> None:
    model = Whole(FrozenPoseEstimator(copy.deepcopy(OURS), ADDRESS))
    model.load_state_dict(Whole(small(seed=6, save_weights=True)).state_dict())
    model(random_frames())
    assert model.pose.weights_hash() == small(seed=6).weights_hash()
    assert counted_downloads == []


@pytest.mark.parametrize(
    ("drop", "changes", "message"),
    [
        ("head.final_layer.bias", {}, "1 missing: head.final_layer.bias"),
        (None, {"head.more": torch.zeros(2)}, "1 unknown: head.more"),
        (
            None,
            {"head.final_layer.bias": torch.zeros(16)},
            r"1 of another shape: head.final_layer.bias is \(16,\)",
        ),
    ],
)
def test_a_checkpoint_that_does_not_fit_names_its_keys(
    tmp_path: Path, drop: str | None, changes: dict, message: str
) -> None:
    path = saved_small(tmp_path, **changes)
    if drop:
        content = torch.load(path)
        del content["state_dict"][drop]
        torch.save(content, path)
    with pytest.raises(ValueError, match=f"does not fit HRNetHeatmaps.*{message}"):
        FrozenPoseEstimator(copy.deepcopy(OURS), path)


def test_counters_and_the_wrapper_s_prefix_may_differ(tmp_path: Path) -> None:
    path = saved_small(tmp_path)
    state = torch.load(path)["state_dict"]
    bare = {f"module.{k}": v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    torch.save(bare, path)
    found = FrozenPoseEstimator(copy.deepcopy(OURS), path)(random_frames())
    torch.testing.assert_close(found, small()(random_frames()))


def test_a_missing_checkpoint_is_named_at_once() -> None:
    with pytest.raises(FileNotFoundError, match=r"no-weights\.pth' does not exist"):
        FrozenPoseEstimator(copy.deepcopy(OURS), "no-weights.pth")


def test_a_checkpoint_without_weights_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(
        ValueError, match="must be a dict of weights by name to fit a model, got a list"
    ):
        FrozenPoseEstimator(copy.deepcopy(OURS), str(tmp_path / "list.pth"))


def test_a_checkpoint_of_the_whole_must_bring_weights_where_nothing_else_does(
    tmp_path: Path,
) -> None:
    path = saved_small(tmp_path)
    named = Whole(FrozenPoseEstimator(copy.deepcopy(OURS), path))
    check_state_dict(named, named.state_dict(), "a.pth")
    unnamed = Whole(small())
    with pytest.raises(ValueError, match=r"missing from the checkpoint: pose\.estimator\.backbone"):
        check_state_dict(unnamed, named.state_dict(), "a.pth")
    state = named.state_dict() | {f"pose.{k}": v for k, v in named.pose.optional_state().items()}
    check_state_dict(unnamed, state, "a.pth")
    unnamed.load_state_dict(state)
    check_state_dict(unnamed, named.state_dict(), "a.pth")


def test_weights_in_an_init_cfg_that_nothing_reads_are_refused(tmp_path: Path) -> None:
    pretrained = {"type": "Pretrained", "checkpoint": saved_small(tmp_path)}
    with pytest.raises(
        ValueError, match=r"must be given as checkpoint.*nothing reads its init_cfg"
    ):
        FrozenPoseEstimator({**copy.deepcopy(OURS), "init_cfg": pretrained})


WITHOUT_HEATMAPS = {
    "rtmpose": "mmpose::body_2d_keypoint/rtmpose/coco/rtmpose-s_8xb256-420e_coco-256x192.py",
    "simcc": "mmpose::body_2d_keypoint/simcc/coco/simcc_res50_8xb64-210e_coco-256x192.py",
    "bottom-up": "mmpose::body_2d_keypoint/dekr/coco/dekr_hrnet-w32_8xb10-140e_coco-512x512.py",
    "regression": {**MMPOSE, "head": {**MMPOSE["head"], "type": "RegressionHead"}},
    "no head": {key: value for key, value in MMPOSE.items() if key != "head"},
}


@pytest.mark.parametrize("estimator", WITHOUT_HEATMAPS.values(), ids=WITHOUT_HEATMAPS)
def test_a_model_without_heatmaps_is_refused(estimator: dict | str) -> None:
    pytest.importorskip("mmpose")
    with pytest.raises(
        ValueError, match="must be a TopdownPoseEstimator whose head gives heatmaps"
    ):
        FrozenPoseEstimator(estimator)


def test_another_number_of_keypoints_is_refused() -> None:
    pytest.importorskip("mmpose")
    with pytest.raises(ValueError, match=r"out_channels must be 17, one map per COCO .* got 16"):
        FrozenPoseEstimator({**MMPOSE, "head": {**MMPOSE["head"], "out_channels": 16}})


@pytest.fixture
def without_mmpose(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "mmpose"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mmpose", None)


@pytest.mark.usefixtures("without_mmpose")
def test_a_missing_mmpose_is_named_with_what_to_do() -> None:
    for estimator in (MMPOSE, WITHOUT_HEATMAPS["simcc"], f"{COCO}td-hm_hrnet-w32_udp-8xb64.py"):
        with pytest.raises(ValueError, match=r"needs mmpose.*mmctl\[pose\].*HRNetHeatmaps"):
            FrozenPoseEstimator(estimator)
    assert small()(random_frames()).shape == (3, 17, 16, 8)


@pytest.mark.usefixtures("without_mmpose")
@pytest.mark.parametrize("arch", ["w32", "w48"])
def test_where_mmpose_is_missing_its_hrnet_is_mmpretrains(arch: str) -> None:
    name = f"{COCO}td-hm_hrnet-{arch}_8xb{64 if arch == 'w32' else 32}-210e_coco-256x192"
    for file in (name, f"{name}.py"):
        assert read_model_config(file) == {"type": "HRNetHeatmaps", "arch": arch}


@pytest.mark.parametrize("arch", ["w32", "w48"])
def test_where_mmpose_is_installed_its_config_is_read(arch: str) -> None:
    pytest.importorskip("mmpose")
    sizes = {"w32": "8xb64-210e_coco-256x192", "w48": "8xb32-210e_coco-384x288"}
    cfg = read_model_config(f"{COCO}td-hm_hrnet-{arch}_{sizes[arch]}.py")
    assert cfg["type"] == "TopdownPoseEstimator"
    ours = MODELS.build({"type": "HRNetHeatmaps", "arch": arch})
    theirs = build_estimator(cfg)
    shapes = {key: value.shape for key, value in theirs.state_dict().items()}
    assert {key: value.shape for key, value in ours.state_dict().items()} == shapes
    for name in ("mean", "std"):
        assert torch.equal(
            getattr(ours.data_preprocessor, name), getattr(theirs.data_preprocessor, name)
        )
    assert ours.test_cfg.items() <= theirs.test_cfg.items()


WRONG = {
    "size": ({"input_size": (64,)}, r"input_size must be \(height, width\) or None, got \(64,\)"),
    "chunk": ({"frames_per_chunk": 0}, "frames_per_chunk must be at least 1, got 0"),
    "type": ({"estimator": {"arch": "w32"}}, "estimator must be a dict with 'type'"),
    "package": ({"estimator": "mmdet::x.py"}, "must begin with 'mmpose::', got 'mmdet::x.py'"),
    "arch": ({"estimator": {"type": "HRNetHeatmaps", "arch": "w1"}}, "arch must be one of .*'w32'"),
    "preprocessor": (
        {"estimator": {key: value for key, value in MMPOSE.items() if key != "data_preprocessor"}},
        "must have a data_preprocessor with mean, std and channel order",
    ),
    "flip": (
        {"estimator": {**MMPOSE, "test_cfg": {"flip_mode": "udp_combined"}}, "flip_test": True},
        "flip_test must be False .* got 'udp_combined'",
    ),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_named(arguments: dict, message: str) -> None:
    if "TopdownPoseEstimator" in str(arguments):
        pytest.importorskip("mmpose")
    with pytest.raises(ValueError, match=message):
        FrozenPoseEstimator(**{"estimator": OURS, **copy.deepcopy(arguments)})


@pytest.mark.parametrize("name", ["nowhere.py", "mmpose::body_2d_keypoint/nowhere"])
def test_a_missing_config_is_named(name: str) -> None:
    if "::" in name:
        pytest.importorskip("mmpose")
    with pytest.raises(FileNotFoundError, match=r"estimator '.*nowhere.*there is no .*nowhere\.py"):
        FrozenPoseEstimator(name)


def test_frames_of_another_shape_are_named() -> None:
    with pytest.raises(ValueError, match=r"frames must be \(M, 3, H, W\), got \(2, 3, 3, 64, 32\)"):
        small()(torch.zeros(2, 3, 3, 64, 32))
    with pytest.raises(
        ValueError, match=r"cannot take frames of \(40, 20\).*multiples.*input_size"
    ):
        small()(torch.zeros(1, 3, 40, 20))


def test_an_hrnet_has_one_mode() -> None:
    model = HRNetHeatmaps(SMALL_HRNET)
    with pytest.raises(ValueError, match="has mode 'tensor' only, got 'loss'"):
        model(torch.zeros(1, 3, 64, 32), mode="loss")
