"""SINet made small for drawn pedestrians: a narrow ResNet-50, else as the large one."""

_base_ = [
    '../../_base_/models/clip_r50.py',
    '../../_base_/datasets/quickstart_4x8.py',
    '../../_base_/schedules/quickstart_20e.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        backbone=dict(base_channels=16, stem_channels=16, init_cfg=None),
        stem_padding=False,
        plugins=[
            dict(
                type='IntegrationDistribution',
                stage=2,
                after=(1, 3),
                num_frames=4,
                map_size=(16, 8),
            ),
            dict(type='SalientToBroad', stage=3, after=(1,), salient=1),
            dict(type='SalientToBroad', stage=3, after=(3,), salient=2),
            dict(type='SalientToBroad', stage=3, after=(5,), salient=3),
        ],
    ),
    neck=dict(channels=512, branches=dict(clip=dict(frames=True))),
    head=dict(
        branches=dict(clip=512),
        num_classes=96,
        losses=dict(frames=dict(type='FramePositionLoss', loss_weight=0.001)),
    ),
)
default_hooks = dict(logger=dict(interval=8), checkpoint=dict(interval=5))
