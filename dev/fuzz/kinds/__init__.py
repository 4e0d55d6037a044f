"""The readers, one module for each kind of file."""

from __future__ import annotations

from dev.fuzz.case import Kind
from dev.fuzz.kinds.annotations import Annotations
from dev.fuzz.kinds.calibrations import Calibrations
from dev.fuzz.kinds.camera_lists import CameraLists, YamlCameraLists
from dev.fuzz.kinds.checkpoints import Checkpoints, ForgedCheckpoints
from dev.fuzz.kinds.configs import CfgOptions, Configs
from dev.fuzz.kinds.duke import Duke
from dev.fuzz.kinds.features import Features, FeaturesMat
from dev.fuzz.kinds.galleries import Galleries, GalleryFeatures
from dev.fuzz.kinds.ls_vid import LsVid
from dev.fuzz.kinds.mars import Mars
from dev.fuzz.kinds.mat_arrays import Hdf5Arrays, MatArrays
from dev.fuzz.kinds.pose_json import PoseJson
from dev.fuzz.kinds.resume import Resume
from dev.fuzz.kinds.run_records import Results, RunRecords
from dev.fuzz.kinds.stored_arrays import KeypointArrays, KeypointHeaders, PartialWork
from dev.fuzz.kinds.stored_configs import StoredConfigs
from dev.fuzz.kinds.tracks import Identities, Tracks
from dev.fuzz.kinds.two_cameras import IlidsSplits, IlidsVid, Prid2011
from dev.fuzz.kinds.video_poses import VideoPoses

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Annotations(),
        Mars(),
        IlidsVid(),
        IlidsSplits(),
        Prid2011(),
        Duke(),
        LsVid(),
        MatArrays(),
        Hdf5Arrays(),
        Tracks(),
        Identities(),
        CameraLists(),
        YamlCameraLists(),
        Features(),
        FeaturesMat(),
        Calibrations(),
        Galleries(),
        GalleryFeatures(),
        KeypointArrays(),
        KeypointHeaders(),
        PartialWork(),
        PoseJson(),
        VideoPoses(),
        Checkpoints(),
        ForgedCheckpoints(),
        Resume(),
        Configs(),
        CfgOptions(),
        StoredConfigs(),
        RunRecords(),
        Results(),
    )
}
"""By name."""
