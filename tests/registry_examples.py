"""A config of every registered name, and what builds it.

A new component needs one entry in :data:`EXAMPLES`: the arguments that build it, or a function of
a fresh folder that prepares the files it reads and returns them.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import torch
from mmengine.registry import Registry
from torch import nn

import mmctl
import mmctl.registry
from tests.drawn_sets import draw_tiny
from tests.test_models.small_video_reid import CTL
from tests.test_models.test_pose.small_estimators import SMALL_HRNET

REGISTRIES = {
    name: value for name, value in vars(mmctl.registry).items() if isinstance(value, Registry)
}


def annotated_tracklets(folder: Path) -> dict:
    tracklets = [
        {"pid": pid, "camid": camid, "split": "train", "frames": [f"{pid}_{camid}.png"]}
        for pid in (3, 8)
        for camid in (1, 2)
    ]
    (folder / "annotations.json").write_text(json.dumps({"tracklets": tracklets}))
    return {"data_root": str(folder)}


def ilids_vid(folder: Path) -> dict:
    for camid in (1, 2):
        for person in ("person001", "person002"):
            sequence = folder / "i-LIDS-VID" / "sequences" / f"cam{camid}" / person
            sequence.mkdir(parents=True)
            (sequence / f"cam{camid}_{person}_00001.png").write_bytes(b"")
    return {"data_root": str(folder)}


def prid2011(folder: Path) -> dict:
    for camera in "ab":
        for person in ("person_0001", "person_0002"):
            sequence = folder / "multi_shot" / f"cam_{camera}" / person
            sequence.mkdir(parents=True)
            (sequence / "0001.png").touch()
    split = [{"train": ["person_0001"], "test": ["person_0002"]}]
    (folder / "splits_prid2011.json").write_text(json.dumps(split))
    return {"data_root": str(folder)}


def dukemtmc_videoreid(folder: Path) -> dict:
    for section in ("train", "query", "gallery"):
        tracklet = folder / section / "0001" / "0001"
        tracklet.mkdir(parents=True)
        (tracklet / "0001_C1_F0001_X00001.jpg").touch()
    return {"data_root": str(folder)}


def ls_vid(folder: Path) -> dict:
    for name in ("tracklet_train/0001", "list_sequence", "test/data"):
        (folder / name).mkdir(parents=True)
    (folder / "tracklet_train" / "0001" / "0001_0001_01_0001.jpg").touch()
    for split in ("train", "test"):
        line = f"tracklet_{split}/0001/0001_0001 1\n"
        (folder / "list_sequence" / f"list_seq_{split}.txt").write_text(line)
    (folder / "test" / "data" / "info_test.mat").touch()
    return {"data_root": str(folder)}


def mars(folder: Path) -> dict:
    return {"data_root": str(draw_tiny(folder / "mars"))}


def sampled_data_set(folder: Path) -> dict:
    dataset = REGISTRIES["DATASETS"].build(
        {"type": "mmctl.TrackletDataset", **annotated_tracklets(folder)}
    )
    return {"dataset": dataset, "num_pids": 2, "num_clips": 2, "seed": 0}


def pieces_of_tracklets(folder: Path) -> dict:
    frames = [f"{index}.png" for index in range(5)]
    tracklets = [{"pid": 3, "camid": 1, "split": "query", "frames": frames}]
    (folder / "annotations.json").write_text(json.dumps({"tracklets": tracklets}))
    dataset = {"type": "mmctl.TrackletDataset", "data_root": str(folder), "split": "test"}
    return {"dataset": dataset, "frames_per_piece": 2}


def former_pieces(folder: Path) -> dict:
    return {"dataset": pieces_of_tracklets(folder)["dataset"], "frames_per_part": 2}


def one_of_several(folder: Path) -> dict:
    return {"datasets": [{"type": "mmctl.TrackletDataset", **annotated_tracklets(folder)}]}


def loop_of_a_runner(folder: Path) -> dict:
    from tests.test_engine.tiny_runner import tiny_runner

    runner = tiny_runner(folder)
    return {"runner": runner, "dataloader": runner._train_dataloader, "max_epochs": 2}


def last_stage(_: Path) -> dict:
    return {"last_stage": REGISTRIES["MODELS"].build(dict(SMALL_NET)).layer4}


def optimizer(_: Path) -> dict:
    return {"optimizer": torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)}


def needs_trackers(_: Path) -> dict:
    pytest.importorskip("trackers")
    return {}


SMALL_NET = {
    "type": "mmpretrain.ResNet",
    "depth": 18,
    "stem_channels": 8,
    "base_channels": 8,
}
TEMPORAL = {"type": "mmctl.TemporalConv", "stage": 2, "blocks": (0,)}
NON_LOCAL = {"type": "mmctl.NonLocalBlock", "stage": 3, "after": (1,)}
SMALL_RCNN = {"weights": None, "backbone": "resnet18", "options": {"min_size": 64}}
OURS = ("DETECTORS", "TRACKERS")
"""Registries of things that MMEngine has none for."""

EXAMPLES: dict[str, dict] = {
    "MODELS": {
        "AffinityGraphConv": {"channels": 4},
        "AffinityTopology": {"channels": 4, "num_nodes": 3, "edges": [(0, 1)], "dim": 2},
        "BatchHardTripletLoss": {"margin": 0.5},
        "BranchHead": {"branches": {"clip": 6}, "num_classes": 3},
        "BranchNeck": {"channels": 4, "branches": {"clip": {"pool": "max"}}},
        "CircleLoss": {"margin": 0.4, "scale": 32.0},
        "ClipBackbone": {"backbone": SMALL_NET, "convs": [TEMPORAL], "plugins": [NON_LOCAL]},
        "ClipDataPreprocessor": {},
        "CoSegmentation": {"channels": 4, "num_frames": 3, "map_size": (2, 2)},
        "ContextBlock": {"channels": 4, "num_nodes": 3, "num_frames": 2},
        "ContextTopology": {"channels": 4, "num_nodes": 3, "edges": [(0, 1), (1, 2)]},
        "ConvAttentionPool": {"channels": 4, "map_size": (2, 2)},
        "CrossScaleConv": {"channels": 4, "dim": 3},
        "DiversityLoss": {"loss_weight": 0.5},
        "FeatureHead": {"head": {"type": "mmctl.FusionHead", "channels": 6, "num_classes": 3}},
        "FrameGraphConv": {"channels": 4},
        "FramePositionLoss": {"channels": 4},
        "FrozenPoseEstimator": {"estimator": {"type": "HRNetHeatmaps", "arch": SMALL_HRNET}},
        "FusionHead": {"channels": 6, "num_classes": 3},
        "GraphConv3d": {"channels": 4},
        "HRNetHeatmaps": {"arch": SMALL_HRNET},
        "KeypointHeatmaps": {"stride": 2},
        "InstanceBatchNorm": {"channels": 4},
        "IntegrationDistribution": {"channels": 4, "num_frames": 2, "map_size": (2, 3)},
        "KeypointStripes": {"stripes": (4, 2)},
        "LinearClassifier": {"channels": 4, "num_classes": 3},
        "MeanPool": {"channels": 4},
        "NearestGraphConv": {"channels": 4, "width": 3},
        "NonLocalBlock": {"channels": 4},
        "PartGraphHead": {"channels": 4, "cross_scale": {"dim": 3}},
        "PooledBranch": {"channels": 4},
        "PosePartNeck": {},
        "RecurrentPool": {"channels": 4, "cell": "gru"},
        "SaliencyBoosting": {"channels": 4},
        "SaliencyErasing": last_stage,
        "SalientToBroad": {"channels": 4, "salient": 1},
        "StoredHeatmaps": {},
        "StatisticAttention": {"channels": 4},
        "StripeBranch": {"channels": 4, "stripes": (2,), "layers": [{"width": 3}]},
        "TemporalConv": {"in_channels": 4, "out_channels": 6, "registered": True},
        "TwinStage": last_stage,
        "VideoReID": {key: value for key, value in CTL.items() if key != "type"},
        "WindowContextBlock": {"channels": 4, "num_nodes": 3, "norm": "BN"},
    },
    "DATASETS": {
        "ConcatDataset": one_of_several,
        "DukeMTMCVideoReID": dukemtmc_videoreid,
        "ILIDSVID": ilids_vid,
        "JointDataset": one_of_several,
        "LSVID": ls_vid,
        "MARS": mars,
        "PRID2011": prid2011,
        "TrackletDataset": annotated_tracklets,
        "TrackletParts": former_pieces,
        "TrackletPieces": pieces_of_tracklets,
    },
    "TRANSFORMS": {
        "AddMirroredClips": {},
        "CropClip": {"size": (64, 32), "padding": 4},
        "EraseFrames": {"prob": 0.3},
        "FlipClip": {"prob": 0.3},
        "LoadFrames": {},
        "LoadHeatmaps": {},
        "LoadKeypoints": {},
        "PackClip": {},
        "ResizeClip": {"size": (64, 32)},
        "SampleClip": {"clip_len": 4, "mode": "interleaved"},
    },
    "DATA_SAMPLERS": {"IdentitySampler": sampled_data_set},
    "METRICS": {"ReIDMetric": {"topk": (1, 5)}},
    "HOOKS": {
        "CheckpointMatchHook": {"allow": ("head.",)},
        "FiniteLossHook": {},
        "FrameRateHook": {},
        "GradNormHook": {},
        "NumClassesHook": {},
        "QueryMatchHook": {},
        "RunReportHook": {},
        "SnapshotHook": {"interval": 100, "minutes": None},
    },
    "DETECTORS": {
        "MotFile": {"first_frame": 0},
        "TorchvisionBoxes": {"model": "ssdlite320_mobilenet_v3_large", "weights": None},
        "TorchvisionKeypointRCNN": SMALL_RCNN,
    },
    "TRACKERS": dict.fromkeys(("ByteTrack", "OCSORT", "SORT"), needs_trackers),
    "LOOPS": {"ResumableEpochLoop": loop_of_a_runner},
    "OPTIM_WRAPPERS": {"CpuAmpOptimWrapper": optimizer},
    # A function is looked up and not built: MMEngine binds the rest of the config to it.
    "FUNCTIONS": {"collate_clips": {}, "seed_worker": {}},
}


def build(kind: str, name: str, folder: Path) -> object:
    example = EXAMPLES[kind][name]
    arguments = example(folder) if callable(example) else copy.deepcopy(example)
    registry = REGISTRIES[kind] if kind in OURS else REGISTRIES[kind].parent
    assert registry is not None
    return registry.build({"type": f"mmctl.{name}", **arguments})
