import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.model import BaseModule
from mmengine.runner import set_random_seed

from mmctl.models import KeypointHeatmaps
from mmctl.registry import DATASETS, MODELS, TRANSFORMS
from mmctl.structures import BODY_SCALES
from mmctl.visualization import augmented_clips
from mmctl.visualization.augmented_clips import body_of, browse_dataset

STEPS = [
    {"type": "SampleClip", "clip_len": 3, "mode": "random"},
    {"type": "LoadFrames"},
    {"type": "LoadKeypoints"},
    {"type": "ResizeClip", "size": (64, 32)},
    {"type": "CropClip", "size": (64, 32), "padding": 6},
    {"type": "FlipClip", "prob": 0.5},
    {"type": "EraseFrames", "prob": 0.5},
    {"type": "PackClip"},
]


@pytest.fixture
def drawn(monkeypatch):
    """Collect what the sheet is asked to draw, and draw nothing."""
    sheets = []

    def collect(clips, body, out_file, **texts):
        sheets.append({"clips": clips, "body": body, "out_file": out_file, **texts})

    monkeypatch.setattr(augmented_clips, "draw_clip_sheet", collect)
    return sheets


def config(root, steps=STEPS, split="train", **model):
    dataset = {
        "type": "MARS",
        "data_root": str(root),
        "split": split,
        "keypoint_file": "info/keypoints.npy",
        "pipeline": steps,
    }
    loader = "train_dataloader" if split == "train" else "test_dataloader"
    return Config({loader: {"dataset": dataset}, "model": model})


def packed(cfg, seed, index):
    """Return what the data set itself gives for the only tracklet drawn."""
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    set_random_seed(seed)
    return dataset[index]


def test_the_clip_drawn_is_the_clip_that_the_model_gets(drawn_mars, drawn):
    cfg = config(drawn_mars, pose={"type": "KeypointHeatmaps", "stride": 4})
    assert browse_dataset(cfg, "sheet.png", num_tracklets=1, seed=5) == []
    (clip,) = drawn[0]["clips"]
    index = int(clip.caption.split(",")[0].removeprefix("tracklet "))
    expected = packed(cfg, 5, index)
    frames = expected["inputs"][0].permute(0, 2, 3, 1)
    np.testing.assert_array_equal(clip.frames, frames.numpy())
    keypoints = expected["data_samples"].keypoints[0]
    np.testing.assert_array_equal(clip.keypoints, keypoints.numpy())
    maps = KeypointHeatmaps(stride=4)(keypoints, (64, 32))
    np.testing.assert_array_equal(clip.heatmaps, maps.numpy())


def test_captions_and_names_are_those_of_the_tracklet(drawn_mars, drawn):
    cfg = config(drawn_mars)
    browse_dataset(cfg, "sheet.png", num_tracklets=100, seed=1)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert len(drawn[0]["clips"]) == len(dataset)
    for index, clip in enumerate(drawn[0]["clips"]):
        info = dataset.get_data_info(index)
        paths = info["frame_paths"]
        assert clip.caption == (
            f"tracklet {index}, pid {info['pid']}, camera {info['camid']}, train, "
            f"{len(paths)} frames"
        )
        numbers = [int(name.split(":")[0]) for name in clip.frame_names]
        assert numbers == sorted(numbers)
        for number, name in zip(numbers, clip.frame_names, strict=True):
            assert paths[number - 1].endswith(f"{name.split(': ')[1]}.jpg")


def test_a_name_is_that_of_the_frame_that_was_sampled(drawn_mars, drawn):
    steps = [{"type": "SampleClip", "clip_len": 1, "mode": "evenly"}, *STEPS[1:4]]
    browse_dataset(config(drawn_mars, steps), "a.png", num_tracklets=100)
    for clip in drawn[0]["clips"]:
        num_frames = int(clip.caption.split(", ")[-1].split()[0])
        # One chunk of all frames; its middle one has index S // 2.
        assert clip.frame_names[0].startswith(f"{num_frames // 2 + 1}: ")


def test_the_title_and_the_pipeline_are_named(drawn_mars, drawn):
    browse_dataset(config(drawn_mars), "a.png", num_tracklets=2, seed=7)
    assert drawn[0]["out_file"] == "a.png"
    assert drawn[0]["title"] == "config, train: 2 of 16 tracklets, seed 7"
    assert drawn[0]["notes"] == [
        "SampleClip → LoadFrames → LoadKeypoints → ResizeClip → CropClip → FlipClip → EraseFrames"
    ]


def test_a_seed_gives_one_sheet_and_another_seed_another(drawn_mars, drawn):
    for seed in (0, 0, 1):
        browse_dataset(config(drawn_mars), "a.png", num_tracklets=3, seed=seed)
    first, again, other = (sheet["clips"] for sheet in drawn)
    for one, two in zip(first, again, strict=True):
        assert one.caption == two.caption
        np.testing.assert_array_equal(one.frames, two.frames)
    assert [clip.caption for clip in first] != [clip.caption for clip in other]


def test_of_a_test_tracklet_the_first_clip_is_drawn(drawn_mars, drawn):
    steps = [{"type": "SampleClip", "clip_len": 2, "mode": "dense"}, *STEPS[1:4], STEPS[-1]]
    cfg = config(drawn_mars, steps, split="test", pose={"type": "KeypointHeatmaps"})
    browse_dataset(cfg, "a.png", split="test", num_tracklets=6)
    for clip in drawn[0]["clips"]:
        assert clip.frames.shape == (2, 64, 32, 3)
        assert clip.heatmaps.shape == (2, 17, 16, 8)
        assert clip.frame_names[0].startswith("1: ")
    assert any(
        "query" in clip.caption and "clip 1 of" in clip.caption for clip in drawn[0]["clips"]
    )


def test_without_keypoints_frames_are_drawn(drawn_mars, drawn):
    steps = [step for step in STEPS if step["type"] != "LoadKeypoints"]
    browse_dataset(config(drawn_mars, steps), "a.png")
    assert all(c.keypoints is None and c.heatmaps is None for c in drawn[0]["clips"])


def test_stored_heatmaps_are_drawn_as_the_model_gets_them(drawn_mars, drawn):
    @TRANSFORMS.register_module(name="AddMaps", force=True)
    class AddMaps:
        def __call__(self, results):
            maps = np.arange(len(results["frames"]) * 17 * 8, dtype=np.float16)
            return {**results, "heatmaps": maps.reshape(-1, 17, 4, 2)}

    try:
        cfg = config(
            drawn_mars, [*STEPS[:2], STEPS[3], {"type": "AddMaps"}], pose={"type": "StoredHeatmaps"}
        )
        assert browse_dataset(cfg, "a.png", num_tracklets=1) == []
    finally:
        TRANSFORMS.module_dict.pop("AddMaps")
    maps = drawn[0]["clips"][0].heatmaps
    assert maps.ravel().tolist() == list(range(3 * 17 * 8))


def test_an_estimator_sees_the_frames_in_their_own_range(drawn_mars, drawn):
    @MODELS.register_module(name="Brightness", force=True)
    class Brightness(BaseModule):
        reads = "frames"

        def from_clip(self, frames, _):
            return torch.nn.functional.avg_pool2d(frames, 4)[:, :1].expand(-1, 17, -1, -1)

    try:
        assert browse_dataset(config(drawn_mars, pose={"type": "Brightness"}), "a.png") == []
    finally:
        MODELS.module_dict.pop("Brightness")
    for clip in drawn[0]["clips"]:
        red = clip.frames[..., 0].reshape(3, 16, 4, 8, 4).mean(axis=(2, 4))
        np.testing.assert_allclose(clip.heatmaps[:, 5], red, rtol=1e-5)


def test_a_source_of_heatmaps_that_fails_is_reported_and_the_rest_is_drawn(drawn_mars, drawn):
    steps = [step for step in STEPS if step["type"] != "LoadKeypoints"]
    cfg = config(drawn_mars, steps, pose={"type": "KeypointHeatmaps"})
    (report,) = browse_dataset(cfg, "a.png")
    assert report.startswith("no heatmaps, because KeypointHeatmaps failed: ")
    assert "LoadKeypoints" in report
    assert drawn[0]["notes"][1] == report
    assert drawn[0]["clips"][0].frames.shape == (3, 64, 32, 3)


def test_parts_are_those_of_the_neck(drawn_mars, drawn):
    browse_dataset(config(drawn_mars, neck={"type": "PosePartNeck", "body": "disjoint"}), "a.png")
    assert drawn[0]["body"] == BODY_SCALES["disjoint"]
    assert body_of(Config({})) == BODY_SCALES["limb"]


def test_a_split_that_the_config_lacks_is_named(drawn_mars):
    with pytest.raises(ValueError, match=r"must have a val_dataloader .* has \['train'\]"):
        browse_dataset(config(drawn_mars), "a.png", split="val")


def test_a_wrapped_data_set_is_refused(drawn_mars):
    cfg = config(drawn_mars)
    own = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = {"type": "RepeatDataset", "dataset": own, "times": 2}
    with pytest.raises(ValueError, match="not a wrapper of others, got RepeatDataset"):
        browse_dataset(cfg, "a.png")


def test_a_pipeline_without_a_clip_is_refused(drawn_mars):
    with pytest.raises(ValueError, match="must sample, load and stack frames"):
        browse_dataset(config(drawn_mars, STEPS[:3]), "a.png")


@pytest.mark.parametrize("count", [0, -1])
def test_counts_must_be_positive(drawn_mars, count):
    with pytest.raises(ValueError, match="num_tracklets must be positive"):
        browse_dataset(config(drawn_mars), "a.png", num_tracklets=count)


def test_joints_that_nobody_has_labelled_have_no_place(drawn_mars, drawn, tmp_path):
    array = np.load(drawn_mars / "info" / "keypoints.npy")
    array[:, 9] = 0  # the left wrist
    array[:, 16, 2] = 0  # a hidden joint has its place
    np.save(tmp_path / "k.npy", array)
    steps = [step | ({"prob": 1.0} if step["type"] == "FlipClip" else {}) for step in STEPS]
    cfg = config(drawn_mars, steps, pose={"type": "KeypointHeatmaps", "stride": 4})
    cfg.train_dataloader.dataset.keypoint_file = str(tmp_path / "k.npy")
    browse_dataset(cfg, "sheet.png", num_tracklets=2)
    for clip in drawn[0]["clips"]:
        nowhere = np.isnan(clip.keypoints[..., :2]).all(axis=-1)
        # Left and right change names in a mirrored frame.
        assert nowhere.all(axis=0).nonzero()[0].tolist() == [10]
        assert nowhere.sum() == len(clip.frames)
        assert np.isfinite(clip.heatmaps).all()
        assert not clip.heatmaps[:, 10].any()
