"""A recurrent network made small for drawn pedestrians: a narrow ResNet-50, else as the large one."""

_base_ = [
    '../../_base_/models/tp_r50.py',
    '../../_base_/datasets/quickstart_4x8.py',
    '../../_base_/schedules/quickstart_20e.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        backbone=dict(base_channels=16, stem_channels=16, init_cfg=None, strides=(1, 2, 2, 2)),
    ),
    neck=dict(channels=512, branches=dict(clip=dict(temporal=dict(type='RecurrentPool', width=512)))),
    head=dict(branches=dict(clip=512), num_classes=96),
)
default_hooks = dict(logger=dict(interval=8), checkpoint=dict(interval=5))
