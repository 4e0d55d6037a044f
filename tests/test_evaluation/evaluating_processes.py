"""Several gloo processes that evaluate one split together, through MMEngine's Evaluator.

``python -m tests.test_evaluation.evaluating_processes TRACKLETS OUT WORLD_SIZE [WORLD_SIZE ...]``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from mmengine.dataset import DefaultSampler, pseudo_collate
from mmengine.evaluator import Evaluator
from torch.utils.data import DataLoader

import mmctl.evaluation  # noqa: F401 (before the processes part)
from mmctl.evaluation import TrackletFeatures
from mmctl.structures import TrackletSample
from tests.forked_processes import join_group, run_forked
from tests.test_evaluation.drawn_split import drawn_tracklets

BATCH = 4


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


def evaluate(rank: int, world_size: int, num_tracklets: int, out: Path) -> None:
    join_group(rank, world_size, out)
    samples = to_samples(drawn_tracklets(num_tracklets=num_tracklets))
    dump = {"dump_file": str(out / "features.npz")} if rank == 0 else {}
    evaluator = Evaluator([{"type": "mmctl.ReIDMetric", **dump}])
    sampler = DefaultSampler(samples, shuffle=False)
    for data in DataLoader(samples, BATCH, sampler=sampler, collate_fn=pseudo_collate):
        evaluator.process(data_samples=data)
    metrics = evaluator.evaluate(len(samples))
    (out / f"rank{rank}.json").write_text(json.dumps(metrics))
    torch.distributed.destroy_process_group()


def main() -> None:
    num_tracklets, out = int(sys.argv[1]), Path(sys.argv[2])
    ranks = []
    for world_size in map(int, sys.argv[3:]):
        folder = out / str(world_size)
        folder.mkdir()
        ranks += [(rank, world_size, num_tracklets, folder) for rank in range(world_size)]
    # Forked, so that the imports are paid for once.
    sys.exit(any(run_forked(evaluate, ranks)))


if __name__ == "__main__":
    main()
