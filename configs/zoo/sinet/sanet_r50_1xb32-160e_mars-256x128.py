"""SANet, statistic attention, MARS.

Bai et al., TCSVT 2021: Rank-1 91.2, mAP 86.0 in the paper.
"""

_base_ = [
    '../../_base_/models/clip_r50.py',
    '../../_base_/datasets/mars_4x8.py',
    '../../_base_/schedules/adam_150e.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        # The public code's stem; its weights need it.
        stem_padding=False,
        plugins=[
            dict(type='StatisticAttention', stage=2, after=(1, 3)),
        ],
    )
)

_clip_len = 4
train_pipeline = [
    dict(type='SampleClip', clip_len=_clip_len, mode='restricted'),
    *_base_.train_pipeline[1:4],
    dict(type='EraseFrames', prob=0.5),
    dict(type='PackClip'),
]
test_pipeline = [
    dict(type='SampleClip', clip_len=_clip_len, mode='interleaved'),
    *_base_.test_pipeline[1:],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
train_cfg = dict(max_epochs=160)
