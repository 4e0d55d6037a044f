"""NVAN made small for drawn pedestrians: a narrow ResNet-50, else as the large one."""

_base_ = [
    '../../_base_/models/clip_r50.py',
    '../../_base_/datasets/quickstart_4x8.py',
    '../../_base_/schedules/quickstart_20e.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        stem_relu=False,
        backbone=dict(base_channels=16, stem_channels=16, init_cfg=None),
        plugins=[
            dict(type='NonLocalBlock', stage=2, after=(2, 3), subsample=False),
            dict(type='NonLocalBlock', stage=3, after=(3, 4, 5), subsample=False),
        ],
    ),
    neck=dict(channels=512, branches=dict(clip=dict(pool='avg'))),
    head=dict(
        neck='bnneck',
        classifier=dict(bias=False),
        losses=dict(
            triplet=dict(_delete_=True, type='BatchHardTripletLoss', margin='soft')
        ),
        branches=dict(clip=512), num_classes=96,
        retrieve=dict(at='after')
    ),
)
default_hooks = dict(logger=dict(interval=8), checkpoint=dict(interval=5))
