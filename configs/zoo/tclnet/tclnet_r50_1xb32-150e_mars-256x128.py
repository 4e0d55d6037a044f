"""TCLNet, temporal saliency erasing and boosting, MARS.

Hou et al., ECCV 2020: Rank-1 89.8, mAP 85.1 in the paper.
"""

_base_ = [
    '../../_base_/models/tclnet_r50.py',
    '../../_base_/datasets/mars_4x8.py',
    '../../_base_/schedules/adam_150e.py',
    '../../_base_/default_runtime.py',
]

# Clips of four: the network takes frames in pairs.
test_pipeline = [
    dict(type='SampleClip', clip_len=4, mode='dense'),
    *_base_.test_pipeline[1:],
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
