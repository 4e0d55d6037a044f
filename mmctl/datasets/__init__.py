"""Data sets of tracklets, the sampler of their batches and the transforms of their clips."""

from mmctl.datasets.identity_sampler import IdentitySampler
from mmctl.datasets.ilids_vid import ILIDSVID
from mmctl.datasets.mars import MARS
from mmctl.datasets.tracklet_dataset import TrackletDataset
from mmctl.datasets.worker_seed import seed_worker

__all__ = ["ILIDSVID", "MARS", "IdentitySampler", "TrackletDataset", "seed_worker"]
