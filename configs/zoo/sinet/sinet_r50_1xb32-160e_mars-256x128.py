"""SINet: salient-to-broad transition and integration-distribution, MARS.

Bai et al., CVPR 2022: Rank-1 91.0, mAP 86.2 in the paper.
"""

_base_ = './idnet_r50_1xb32-160e_mars-256x128.py'

_integration = dict(
    type='IntegrationDistribution', stage=2, after=(1, 3), num_frames=4, map_size=(32, 16)
)
model = dict(
    backbone=dict(
        plugins=[
            _integration,
            dict(type='SalientToBroad', stage=3, after=(1,), salient=1),
            dict(type='SalientToBroad', stage=3, after=(3,), salient=2),
            dict(type='SalientToBroad', stage=3, after=(5,), salient=3),
        ],
    ),
    neck=dict(branches=dict(clip=dict(frames=True))),
    head=dict(
        losses=dict(
            # Clips of one person in a batch tell apart where in a clip a frame is.
            frames=dict(type='FramePositionLoss', loss_weight=0.001),
        ),
    ),
)
