"""MGH made small for drawn pedestrians: a narrow ResNet-50, else as the large one."""

_base_ = [
    '../../_base_/models/mgh_r50.py',
    '../../_base_/datasets/quickstart_4x8.py',
    '../../_base_/schedules/quickstart_20e.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(backbone=dict(base_channels=16, stem_channels=16, init_cfg=None)),
    neck=dict(channels=512),
    head=dict(branches=dict(whole=512), num_classes=96),
)
default_hooks = dict(logger=dict(interval=8), checkpoint=dict(interval=5))
