"""Non-local AP3D made small for drawn pedestrians: a narrow ResNet-50, else as the large one."""

_base_ = [
    '../../_base_/models/clip_r50.py',
    '../../_base_/datasets/quickstart_4x8.py',
    '../../_base_/schedules/quickstart_20e.py',
    '../../_base_/default_runtime.py',
]

_conv = dict(type='TemporalConv', form='p3d-c', registered=True)
model = dict(
    backbone=dict(
        backbone=dict(base_channels=16, stem_channels=16, init_cfg=None),
        convs=[
            dict(**_conv, stage=2, blocks=(0, 2)),
            dict(**_conv, stage=3, blocks=(0, 2, 4)),
        ],
        plugins=[
            dict(type='NonLocalBlock', stage=2, after=(1, 3)),
            dict(type='NonLocalBlock', stage=3, after=(1, 3, 5)),
        ],
    ),
    neck=dict(channels=512),
    head=dict(branches=dict(clip=512), num_classes=96),
)
default_hooks = dict(logger=dict(interval=8), checkpoint=dict(interval=5))
