"""P3D-A, MARS.

An operator of the ablation of AP3D (Gu et al., ECCV 2020).
"""

_base_ = [
    '../../_base_/models/clip_r50.py',
    '../../_base_/datasets/mars_4x8.py',
    '../../_base_/schedules/adam_240e.py',
    '../../_base_/default_runtime.py',
]

_conv = dict(type='TemporalConv', form='p3d-a')
model = dict(
    backbone=dict(
        convs=[
            dict(**_conv, stage=2, blocks=(0, 2)),
            dict(**_conv, stage=3, blocks=(0, 2, 4)),
        ],
    )
)
