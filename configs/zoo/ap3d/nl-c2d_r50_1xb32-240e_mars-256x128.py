"""C2D with non-local blocks, MARS.

An operator of the ablation of AP3D (Gu et al., ECCV 2020).
"""

_base_ = [
    '../../_base_/models/clip_r50.py',
    '../../_base_/datasets/mars_4x8.py',
    '../../_base_/schedules/adam_240e.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        plugins=[
            dict(type='NonLocalBlock', stage=2, after=(1, 3)),
            dict(type='NonLocalBlock', stage=3, after=(1, 3, 5)),
        ],
    )
)
