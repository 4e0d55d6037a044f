"""One of several gloo processes that evaluate a split together, through MMEngine's Evaluator.

``python -m tests.test_evaluation.evaluating_process RANK WORLD_SIZE PORT BATCH TRACKLETS OUT``
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import torch
import torch.distributed
from mmengine.dataset import DefaultSampler, pseudo_collate
from mmengine.evaluator import Evaluator
from torch.utils.data import DataLoader

from mmctl.evaluation import TrackletFeatures
from mmctl.structures import TrackletSample
from tests.test_evaluation.drawn_split import drawn_tracklets


def to_samples(tracklets: TrackletFeatures) -> list[TrackletSample]:
    return [
        TrackletSample(
            pid=int(tracklets.pids[row]),
            camid=int(tracklets.camids[row]),
            split=str(tracklets.splits[row]),
            tracklet_id=row,
            frame_paths=[str(tracklets.frame_paths[row])],
            feature=torch.from_numpy(tracklets.features[row]),
        )
        for row in range(len(tracklets.pids))
    ]


def main() -> None:
    rank, world_size, port, batch, num_tracklets = map(int, sys.argv[1:6])
    out = Path(sys.argv[6])
    if world_size > 1:
        os.environ |= {"LOCAL_RANK": str(rank), "MASTER_ADDR": "127.0.0.1"}
        torch.distributed.init_process_group(
            "gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=world_size
        )
    samples = to_samples(drawn_tracklets(num_tracklets=num_tracklets))
    dump = {"dump_file": str(out / "features.npz")} if rank == 0 else {}
    evaluator = Evaluator([{"type": "mmctl.ReIDMetric", **dump}])
    sampler = DefaultSampler(samples, shuffle=False)
    for data in DataLoader(samples, batch, sampler=sampler, collate_fn=pseudo_collate):
        evaluator.process(data_samples=data)
    metrics = evaluator.evaluate(len(samples))
    (out / f"rank{rank}.json").write_text(json.dumps(metrics))
    if world_size > 1:
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
