"""PRID-2011 (Hirzer et al., SCIA 2011), multi-shot: 178 persons in two cameras, ten splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mmctl.datasets.two_camera_dataset import TwoCameraDataset
from mmctl.registry import DATASETS

NUM_SHARED_PERSONS = 200
"""Persons up to this number are in both cameras; beyond it, equal numbers are other people."""

MIN_FRAMES = 22
"""Frames that a person needs in each camera: more than 21, as in Wang et al. (ECCV 2014)."""


@DATASETS.register_module()
class PRID2011(TwoCameraDataset):
    """The multi-shot version of PRID-2011, one of its ten splits; results are means over all ten.

    Query is ``cam_a``, gallery ``cam_b``; ``person_0001`` is pid 1. Folders of persons beyond
    ``person_0200`` are passed over: they are in one camera only. ``splits_prid2011.json`` names the
    persons of each split, 178 in all. Without that file the persons with more than 21 frames in
    both cameras are split at random (always in the same way), which is saved as
    ``splits_prid2011_drawn.json`` in ``data_root`` and announced, for numbers on it compare with
    nobody else's. The folders lie in ``prid_2011/multi_shot`` or ``multi_shot``. Arguments and
    errors are those of :class:`TwoCameraDataset`.
    """

    TITLE = "PRID-2011"
    SEQUENCES = ("prid_2011/multi_shot", "multi_shot")
    CAMERAS = ("cam_a", "cam_b")
    PERSON = "person_"
    EXAMPLE = "person_0001"
    OFFICIAL_SPLITS = "splits_prid2011.json"
    DRAWN_SPLITS = "splits_prid2011_drawn.json"

    def belongs(self, person: str) -> bool:
        """Return whether a person may be in both cameras.

        Args:
            person: Name of the person's folder.
        """
        return int(person.removeprefix(self.PERSON)) <= NUM_SHARED_PERSONS

    def count_persons(self, cameras: Sequence[Mapping[str, list[str]]]) -> list[str]:
        """Return the persons with enough frames in both cameras.

        Args:
            cameras: The frames of each person in each camera.

        Raises:
            ValueError: If fewer than two have.
        """
        persons = [
            person
            for person in cameras[0]
            if all(len(camera[person]) >= MIN_FRAMES for camera in cameras)
        ]
        if len(persons) < 2:
            raise ValueError(
                f"{self.data_root}: to draw splits at least two persons must have {MIN_FRAMES} "
                f"frames in both cameras, got {len(persons)} of {len(cameras[0])} persons; "
                f"{self.OFFICIAL_SPLITS} in data_root would name the persons instead"
            )
        return persons
