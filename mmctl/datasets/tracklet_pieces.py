"""Long test tracklets in several items, so that no item holds more frames than memory allows."""

from __future__ import annotations

from typing import Any

from torch.utils.data import Dataset

from mmctl.datasets.tracklet_dataset import TrackletDataset
from mmctl.registry import DATASETS


@DATASETS.register_module()
class TrackletPieces(Dataset):
    """The test tracklets of a data set, each in as many items as its length asks for.

    A pipeline decodes all frames of an item at once. Here the clips of a tracklet of S frames are
    dealt to ceil(S / ``frames_per_piece``) items; ``VideoReID`` gives each the mean of its own
    clips and ``ReIDMetric`` puts a tracklet together again, each piece weighted by its real frames,
    so that the feature is that of the whole tracklet. Items of much the same size also allow a
    ``batch_size`` above 1, whose clips share the network's chunks.

    Args:
        dataset: Config of a :class:`TrackletDataset`, ``split='test'`` or ``'all'``, whose
            ``SampleClip`` takes all frames (``mode='interleaved'`` or ``'dense'``).
        frames_per_piece: Frames of an item, at least those of a clip; an item has up to two clips
            more.

    Raises:
        ValueError: If ``frames_per_piece`` is no positive integer, or the data set is for training
            or no set of tracklets.
    """

    def __init__(self, dataset: dict | TrackletDataset, frames_per_piece: int = 240) -> None:
        is_integer = isinstance(frames_per_piece, int) and not isinstance(frames_per_piece, bool)
        if not is_integer or frames_per_piece < 1:
            raise ValueError(
                "frames_per_piece must be a positive integer, because frames are counted, got "
                f"{frames_per_piece!r}"
            )
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        if not isinstance(self.dataset, TrackletDataset):
            raise ValueError(
                "TrackletPieces cut the tracklets of one data set, because a piece is known by the "
                f"id of its tracklet, got a {type(self.dataset).__name__}"
            )
        if self.dataset.split == "train":
            raise ValueError(
                "TrackletPieces are for testing: a training clip is short whatever the tracklet, "
                f"got split={self.dataset.split!r}"
            )
        self.pieces = [
            (index, piece, num_pieces)
            for index in range(len(self.dataset))
            for num_pieces in [-(-len(self._frame_paths(index)) // frames_per_piece)]
            for piece in range(num_pieces)
        ]

    def _frame_paths(self, index: int) -> list[str]:
        return self.dataset.get_data_info(index)["frame_paths"]

    @property
    def metainfo(self) -> dict[str, Any]:
        """What the data set says of itself."""
        return self.dataset.metainfo

    def __len__(self) -> int:
        return len(self.pieces)

    def get_data_info(self, index: int) -> dict[str, Any]:
        """Return the labels and paths of the tracklet of an item, and which piece it is."""
        tracklet, piece, num_pieces = self.pieces[index]
        return self.dataset.get_data_info(tracklet) | {"piece": (piece, num_pieces)}

    def __getitem__(self, index: int) -> Any:
        return self.dataset.pipeline(self.get_data_info(index))


@DATASETS.register_module()
class TrackletParts(TrackletPieces):
    """:class:`TrackletPieces` under its former name, for the configs that have it.

    Args:
        dataset: See there.
        frames_per_part: Its ``frames_per_piece``.
    """

    def __init__(self, dataset: dict | TrackletDataset, frames_per_part: int = 240) -> None:
        super().__init__(dataset, frames_per_part)
