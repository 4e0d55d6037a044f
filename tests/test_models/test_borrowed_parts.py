"""Our parts in a model with the contract of MMAction2's recognizers, trained by the Runner.

Its own package cannot be imported from the wheel of version 1.2.0: this one has the same interface,
inputs (N, M, C, T, H, W), ``extract_feat`` with keywords for the head, samples with ``gt_label``.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.model import BaseDataPreprocessor, BaseModel
from mmengine.registry import DATASETS, MODELS
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

NUM_PEOPLE = 4


@DATASETS.register_module(force=True)
class DrawnClips(BaseDataset):
    """Two clips (C, T, H, W) of each person in each of two cameras, their own colour and noise."""

    def load_data_list(self) -> list[dict[str, Any]]:
        return [
            {"label": label, "camera": camera, "split": "gallery" if copy else "query"}
            for label in range(NUM_PEOPLE)
            for camera in (1, 2)
            for copy in range(2)
        ]

    def prepare_data(self, index: int) -> dict[str, Any]:
        info = self.get_data_info(index)
        generator = torch.Generator().manual_seed(index)
        clips = torch.randint(0, 60, (2, 3, 4, 16, 8), generator=generator, dtype=torch.uint8)
        clips[:, info["label"] % 3] += 50 * (1 + info["label"] // 3)
        sample = BaseDataElement(gt_label=torch.tensor([info["label"]]))
        sample.set_metainfo({key: info[key] for key in ("camera", "split")})
        return {"inputs": clips, "data_samples": sample}


@MODELS.register_module(force=True)
class StackClips(BaseDataPreprocessor):
    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        data = self.cast_data(data)
        return {**data, "inputs": torch.stack(list(data["inputs"])).float() / 255}


@MODELS.register_module(force=True)
class PartNeck(nn.Module):
    """Joints of a map over time as nodes, with parts and graph layers of ours."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        edges = [(0, 1), (0, 2), (0, 3), (0, 4)]
        topology = {"channels": channels, "num_nodes": 5, "edges": edges}
        self.maps = nn.Conv2d(channels, 17, 1)
        self.parts = MODELS.build({"type": "mmctl.PosePartNeck"})
        self.topology = MODELS.build({"type": "mmctl.ContextTopology", **topology})
        self.conv = MODELS.build({"type": "mmctl.GraphConv3d", "channels": channels})

    def forward(self, feats: Tensor, data_samples: Any = None) -> tuple[Tensor, dict]:
        frames = feats.transpose(1, 2).flatten(0, 1)  # (N * M * T, C, H, W)
        _, nodes = self.parts(frames, self.maps(frames), feats.shape[2])
        nodes = nodes["s3"] + self.conv(nodes["s3"], self.topology(nodes["s3"]))
        return nodes.mean(dim=(1, 2)), {}


@MODELS.register_module(force=True)
class ScoreHead(nn.Module):
    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, feats: Tensor) -> Tensor:
        return self.fc(feats)

    def loss(self, feats: Tensor, data_samples: list) -> dict[str, Tensor]:
        labels = torch.stack([sample.gt_label for sample in data_samples]).squeeze(1)
        scores = self(feats).unflatten(0, (len(labels), -1)).mean(dim=1)
        return {"loss_cls": nn.functional.cross_entropy(scores, labels)}

    def predict(self, feats: Tensor, data_samples: list) -> list:
        scores = self(feats).unflatten(0, (len(data_samples), -1)).mean(dim=1)
        for sample, score in zip(data_samples, scores, strict=True):
            sample.set_field(score, "pred_score")
        return data_samples


@MODELS.register_module(force=True)
class Recognizer(BaseModel):
    def __init__(self, neck: dict, cls_head: dict, data_preprocessor: dict) -> None:
        super().__init__(data_preprocessor)
        self.backbone = nn.Conv3d(3, 8, 3, stride=(1, 2, 2), padding=1)
        self.neck = MODELS.build(neck)
        self.cls_head = MODELS.build(cls_head)

    def extract_feat(self, inputs: Tensor, data_samples: Any = None) -> tuple[Tensor, dict]:
        clips = inputs.view((-1, *inputs.shape[2:]))  # (N * M, C, T, H, W)
        feats, loss_aux = self.neck(self.backbone(clips).relu(), data_samples=data_samples)
        return feats, loss_aux

    def forward(self, inputs: Tensor, data_samples: Any = None, mode: str = "tensor") -> Any:
        feats, arguments = self.extract_feat(inputs, data_samples=data_samples)
        if mode == "tensor":
            return feats
        return getattr(self.cls_head, mode)(feats, data_samples, **arguments)


def config(folder: Any) -> Config:
    loader = {"batch_size": 8, "num_workers": 0, "dataset": {"type": "DrawnClips"}}
    sampler = {"type": "mmctl.IdentitySampler", "num_pids": 4, "num_clips": 2, "key": "label"}
    fields = {"pid": "gt_label", "camid": "camera"}
    return Config(
        {
            "model": {
                "type": "Recognizer",
                "data_preprocessor": {"type": "StackClips"},
                "neck": {"type": "PartNeck", "channels": 8},
                "cls_head": {
                    "type": "mmctl.FeatureHead",
                    "head": {"type": "ScoreHead", "channels": 8, "num_classes": NUM_PEOPLE},
                    "losses": {"triplet": {"type": "mmctl.BatchHardTripletLoss", "margin": 50.0}},
                },
            },
            "train_dataloader": {**loader, "sampler": sampler},
            "val_dataloader": {**loader, "sampler": {"type": "DefaultSampler", "shuffle": False}},
            "val_evaluator": {"type": "mmctl.ReIDMetric", "topk": [1], "fields": fields},
            "train_cfg": {"type": "mmctl.ResumableEpochLoop", "max_epochs": 8},
            "val_cfg": {},
            "optim_wrapper": {
                "type": "mmctl.CpuAmpOptimWrapper",
                "optimizer": {"type": "Adam", "lr": 0.01},
            },
            "custom_hooks": [
                {"type": f"mmctl.{name}"} for name in ("FrameRateHook", "GradNormHook")
            ],
            "work_dir": str(folder),
            "experiment_name": uuid4().hex,
            "log_level": "ERROR",
            "default_scope": "mmengine",
        }
    )


def test_a_recognizer_learns_people_with_borrowed_parts(tmp_path):
    runner = Runner.from_cfg(config(tmp_path))
    before = {name: p.detach().clone() for name, p in runner.model.neck.named_parameters()}
    runner.train()
    scalars = runner.message_hub.log_scalars
    loss = scalars["train/loss_triplet"].data[0]
    assert 0 < loss[-2:].mean() < loss[:2].mean()
    assert scalars["val/reid/num_queries"].current() == 8
    assert scalars["val/reid/R1"].current() == 100  # colours tell the people apart
    seconds = scalars["train/time"].data[0]
    rate = scalars["train/frames_per_second"].data[0]
    assert rate[0] * seconds[0] == pytest.approx(8 * 2 * 4)  # items, clips, frames
    for name, parameter in runner.model.neck.named_parameters():
        assert not torch.equal(parameter, before[name]), name
