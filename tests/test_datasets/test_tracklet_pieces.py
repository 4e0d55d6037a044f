"""Long tracklets in pieces: bounded items, and the same feature as in one piece."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch import nn

from mmctl.datasets import MARS, TrackletParts, TrackletPieces
from mmctl.evaluation import ReIDMetric
from mmctl.models import VideoReID

CLIP_LEN = 2


class MeanColours(nn.Module):
    """A backbone whose map is the frame, four pixels in one."""

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor]:
        return (nn.functional.avg_pool2d(frames, 16).square(),)


@pytest.fixture
def model() -> VideoReID:
    torch.manual_seed(0)
    model = VideoReID(
        data_preprocessor={"type": "mmctl.ClipDataPreprocessor"},
        backbone={"type": MeanColours},
        neck={"type": "mmctl.PosePartNeck"},
        head={"type": "mmctl.FusionHead", "channels": 3, "num_classes": 4, "num_parts": 0},
        frames_per_chunk=4,
    )
    return model.eval()


def mars(root, mode="interleaved", **arguments) -> MARS:
    pipeline = [
        {"type": "mmctl.SampleClip", "clip_len": CLIP_LEN, "mode": mode},
        {"type": "mmctl.LoadFrames"},
        {"type": "mmctl.ResizeClip", "size": (32, 16)},
        {"type": "mmctl.PackClip"},
    ]
    return MARS(data_root=str(root), split="test", pipeline=pipeline, **arguments)


def evaluate(model, dataset, batch_size, dump_file):
    metric = ReIDMetric(dump_file=str(dump_file))
    for start in range(0, len(dataset), batch_size):
        stop = min(start + batch_size, len(dataset))
        batch = pseudo_collate([dataset[index] for index in range(start, stop)])
        with torch.no_grad():
            metric.process(None, model.test_step(batch))
    metrics = metric.evaluate(len(dataset))
    with np.load(dump_file) as file:
        return metrics, {name: file[name] for name in file.files}


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("mode", ["interleaved", "dense"])
def test_pieces_give_the_features_of_whole_tracklets(mode, batch_size, drawn_mars, model, tmp_path):
    whole = mars(drawn_mars, mode)
    pieces = TrackletPieces(mars(drawn_mars, mode), frames_per_piece=3)
    assert len(pieces) > len(whole) + 5
    expected, features = evaluate(model, whole, 1, tmp_path / "whole.npz")
    metrics, joined = evaluate(model, pieces, batch_size, tmp_path / "pieces.npz")
    np.testing.assert_allclose(joined.pop("features"), features.pop("features"), atol=2e-6)
    for name in ("pids", "camids", "tracklet_ids", "splits", "frame_paths"):
        np.testing.assert_array_equal(joined[name], features[name])
    assert metrics == pytest.approx(expected)


def test_an_item_holds_a_bounded_number_of_frames_and_none_is_lost(drawn_mars):
    whole, pieces = mars(drawn_mars), TrackletPieces(mars(drawn_mars), frames_per_piece=3)
    most = 3 + 2 * CLIP_LEN
    frames = [len(item["inputs"].flatten(0, 1)) for item in (pieces[i] for i in range(len(pieces)))]
    assert max(frames) <= most
    assert max(len(whole[i]["inputs"].flatten(0, 1)) for i in range(len(whole))) >= 6
    weights = sum(float(pieces[i]["data_samples"].clip_weights.sum()) for i in range(len(pieces)))
    assert weights == sum(len(whole.get_data_info(i)["frame_paths"]) for i in range(len(whole)))


def test_the_former_name_deals_the_same(drawn_mars):
    former = TrackletParts(mars(drawn_mars), frames_per_part=3)
    assert former.pieces == TrackletPieces(mars(drawn_mars), frames_per_piece=3).pieces


def test_short_tracklets_stay_in_one_item(drawn_mars):
    pieces = TrackletPieces(mars(drawn_mars), frames_per_piece=100)
    assert len(pieces) == len(mars(drawn_mars))
    assert pieces[0]["data_samples"].piece == (0, 1)
    assert pieces.metainfo["dataset_name"] == "MARS"


def test_a_mode_of_one_clip_cannot_be_dealt_out(drawn_mars):
    pieces = TrackletPieces(mars(drawn_mars, "evenly"), frames_per_piece=3)
    with pytest.raises(ValueError, match=r"mode one of all frames, got 1 clips .*mode='evenly'"):
        [pieces[index] for index in range(len(pieces))]


def test_a_training_split_is_refused(drawn_mars):
    with pytest.raises(ValueError, match="TrackletPieces are for testing"):
        TrackletPieces({"type": "mmctl.MARS", "data_root": str(drawn_mars), "split": "train"})


@pytest.mark.parametrize("number", [0, -3, "3", None, 2.5, True])
def test_a_piece_has_a_positive_number_of_frames(number, drawn_mars):
    with pytest.raises(
        ValueError, match=f"frames_per_piece must be a positive integer, .*, got {number!r}$"
    ):
        TrackletPieces(mars(drawn_mars), frames_per_piece=number)


def piece_of(piece, **fields):
    """What ``predict`` leaves of one piece, in the direction of its own axis."""
    feature = torch.eye(3)[piece[0]]
    return {
        "pid": 1,
        "camid": 1,
        "split": "query",
        "tracklet_id": 7,
        "feature": feature,
        "clip_mean": 2 * feature,
        "unit_widths": (),
        "clip_weights": torch.tensor([2.0, 1.0]),
        "piece": piece,
        **fields,
    }


MATCH = {"pid": 1, "camid": 2, "split": "gallery", "tracklet_id": 8, "feature": torch.ones(3)}


def test_pieces_weigh_by_their_frames_and_by_the_length_of_their_means(tmp_path):
    metric = ReIDMetric(dump_file=str(tmp_path / "features.npz"))
    # Means of length 2 over 3 frames and of length 1 over 8: (6, 8, 0), as a unit vector.
    second = piece_of((1, 2), clip_weights=torch.tensor([8.0]))
    second["clip_mean"] = second["feature"]
    metric.process(None, [second, MATCH, piece_of((0, 2))])
    metric.evaluate(3)
    with np.load(tmp_path / "features.npz") as file:
        np.testing.assert_allclose(file["features"][0], [0.6, 0.8, 0.0], atol=1e-6)


def test_branches_get_length_one_once_their_pieces_are_added_up(tmp_path):
    metric = ReIDMetric(dump_file=str(tmp_path / "features.npz"))
    weights = torch.tensor([1.0])
    means = [torch.tensor([3.0, 0.0, 1.0]), torch.tensor([0.0, 4.0, 1.0])]
    for index, mean in enumerate(means):
        own = {"clip_mean": mean, "unit_widths": (2, 1), "clip_weights": weights}
        metric.process(None, [piece_of((index, 2), **own)])
    metric.process(None, [MATCH])
    metric.evaluate(3)
    with np.load(tmp_path / "features.npz") as file:
        # (3, 4) and (2): each of length 1, then both together.
        expected = np.array([0.6, 0.8, 1.0]) / np.sqrt(2)
        np.testing.assert_allclose(file["features"][0], expected, atol=1e-6)


@pytest.mark.parametrize("given", [[(0, 2)], [(0, 2), (0, 2)], [(0, 3), (2, 3)]])
def test_a_missing_or_repeated_piece_is_named(given):
    metric = ReIDMetric()
    metric.process(None, [piece_of(piece) for piece in given] + [MATCH])
    with pytest.raises(ValueError, match="every piece of tracklet 7 must come once, got"):
        metric.evaluate(len(given) + 1)


def test_a_piece_without_its_weight_is_named():
    sample = piece_of((0, 2))
    del sample["clip_mean"]
    with pytest.raises(ValueError, match=r"tracklet 7 .* lacks \['clip_mean'\]"):
        ReIDMetric().process(None, [sample])


def test_unlabelled_tracklets_are_cut_into_pieces(tmp_path):
    entry = {"camid": 1, "frames": [f"{number}.jpg" for number in range(7)]}
    (tmp_path / "annotations.json").write_text(json.dumps({"tracklets": [entry]}))
    dataset = {"type": "mmctl.TrackletDataset", "data_root": str(tmp_path), "split": "all"}
    pieces = TrackletPieces(dataset, frames_per_piece=3)
    assert [pieces.get_data_info(index)["piece"] for index in range(3)] == [(0, 3), (1, 3), (2, 3)]
