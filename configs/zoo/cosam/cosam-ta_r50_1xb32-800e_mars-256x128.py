"""Co-segmentation (COSAM) and temporal attention, MARS.

Subramaniam et al., ICCV 2019, a variant of its public code.
"""

_base_ = './cosam-tp_r50_1xb32-800e_mars-256x128.py'

model = dict(
    backbone=dict(
        backbone=dict(strides=(1, 2, 2, 2)),
        plugins=[
            dict(
                type='CoSegmentation', stage=3, after=(5,), num_frames=4, map_size=(16, 8)
            ),
            dict(
                type='CoSegmentation', stage=4, after=(2,), num_frames=4, map_size=(8, 4)
            ),
        ],
    ),
    neck=dict(
        branches=dict(clip=dict(temporal=dict(type='ConvAttentionPool', map_size=(8, 4))))
    ),
)
