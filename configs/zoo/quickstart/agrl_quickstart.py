"""AGRL made small for drawn pedestrians: a narrow ResNet-50, else as the large one."""

_base_ = [
    '../../_base_/models/agrl_r50.py',
    '../../_base_/datasets/quickstart_4x8.py',
    '../../_base_/schedules/quickstart_20e.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(backbone=dict(base_channels=16, stem_channels=16, init_cfg=None)),
    neck=dict(channels=512),
    head=dict(branches=dict(whole=512, graph=512), num_classes=96),
)

_keypoints = dict(type='LoadKeypoints')
train_pipeline = [*_base_.train_pipeline[:2], _keypoints, *_base_.train_pipeline[2:]]
val_pipeline = [*_base_.val_pipeline[:2], _keypoints, *_base_.val_pipeline[2:]]
test_pipeline = [*_base_.test_pipeline[:2], _keypoints, *_base_.test_pipeline[2:]]
_keypoint_file = 'info/keypoints.npy'
train_dataloader = dict(
    dataset=dict(keypoint_file=_keypoint_file, pipeline=train_pipeline)
)
val_dataloader = dict(dataset=dict(keypoint_file=_keypoint_file, pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(keypoint_file=_keypoint_file, pipeline=test_pipeline))
default_hooks = dict(logger=dict(interval=8), checkpoint=dict(interval=5))
