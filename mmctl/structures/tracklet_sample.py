"""What travels with the frames of one tracklet through the model to the metric."""

from __future__ import annotations

from mmengine.structures import BaseDataElement


class TrackletSample(BaseDataElement):
    """Labels, keypoints, heatmaps and feature of one tracklet.

    A :class:`mmengine.structures.BaseDataElement`, so ``sample.to(device)`` moves its tensors.

    Attributes:
        pid: Person id of the data set; -1 marks junk, 0 a distractor.
        camid: Camera id of the data set.
        tracklet_id: Index of the tracklet in its data set.
        split: ``'train'``, ``'query'`` or ``'gallery'``.
        gt_label: Contiguous training label, 0 .. number of training pids - 1 (training only).
        frame_paths: Paths of all frames of the tracklet, in time order.
        clip_mode: How the clips were sampled, for instance ``'interleaved'``.
        clip_weights: Distinct frames of each clip, (M,), float32: the weights of the average over
            clips (a clip filled by repetition counts only its real frames).
        keypoints: x, y, score in pixels of the packed frames, (M, T, 17, 3), float32; only where
            the pipeline loads keypoints.
        heatmaps: Raw (pre-softmax) maps of the joints, each covering the whole packed frame,
            (M, T, 17, h, w), float16; only where the pipeline loads stored heatmaps.
        part: (p, P) if the sample is the p-th of P parts of the tracklet, see ``TrackletParts``.
        feature: Feature of the tracklet or its part, (C,), set by ``predict``.
        feature_norm: Length of the mean over clips before ``feature`` was made a unit vector, set
            by ``predict``: what parts are weighted with beside their frames.
    """
