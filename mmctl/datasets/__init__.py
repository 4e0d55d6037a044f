"""Data sets of tracklets, the sampler of their batches and the transforms of their clips."""

from mmctl.datasets.batches.collate_clips import collate_clips
from mmctl.datasets.batches.identity_sampler import IdentitySampler
from mmctl.datasets.batches.worker_seed import seed_worker
from mmctl.datasets.dukemtmc_videoreid import DukeMTMCVideoReID
from mmctl.datasets.fixed_layout_dataset import FixedLayoutDataset, Listed
from mmctl.datasets.ilids_vid import ILIDSVID
from mmctl.datasets.joint_dataset import ConcatDataset, JointDataset
from mmctl.datasets.ls_vid import LSVID
from mmctl.datasets.mars import MARS
from mmctl.datasets.prid2011 import PRID2011
from mmctl.datasets.tracklet import Tracklet
from mmctl.datasets.tracklet_dataset import TrackletDataset
from mmctl.datasets.tracklet_pieces import TrackletParts, TrackletPieces
from mmctl.datasets.two_camera_dataset import TwoCameraDataset

__all__ = [
    "ILIDSVID",
    "LSVID",
    "MARS",
    "PRID2011",
    "ConcatDataset",
    "DukeMTMCVideoReID",
    "FixedLayoutDataset",
    "IdentitySampler",
    "JointDataset",
    "Listed",
    "Tracklet",
    "TrackletDataset",
    "TrackletParts",
    "TrackletPieces",
    "TwoCameraDataset",
    "collate_clips",
    "seed_worker",
]
