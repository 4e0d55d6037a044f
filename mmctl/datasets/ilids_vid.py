"""iLIDS-VID (Wang et al., ECCV 2014): 300 persons in two cameras, ten splits."""

from __future__ import annotations

from mmctl.datasets.two_camera_dataset import TwoCameraDataset
from mmctl.registry import DATASETS


@DATASETS.register_module()
class ILIDSVID(TwoCameraDataset):
    """iLIDS-VID, one of its ten splits; results are means over all ten.

    Query is camera 1, gallery camera 2; ``person001`` is pid 1. In a row of the official split
    file ``train-test people splits/train_test_splits_ilidsvid.mat`` the first half are the test
    persons. Without that file the splits are drawn at random (always the same ones), saved as
    ``splits_ilids_vid.json`` in ``data_root`` and announced, for numbers on them compare with
    nobody else's. Arguments and errors are those of :class:`TwoCameraDataset`.
    """

    TITLE = "iLIDS-VID"
    SEQUENCES = ("i-LIDS-VID/sequences",)
    CAMERAS = ("cam1", "cam2")
    PERSON = "person"
    EXAMPLE = "person001"
    OFFICIAL_SPLITS = "train-test people splits/train_test_splits_ilidsvid.mat"
    DRAWN_SPLITS = "splits_ilids_vid.json"
