"""AGRL, an adaptive graph of pose and likeness, MARS.

Wu et al., TIP 2020: Rank-1 89.8, mAP 81.1 in the paper, the latter over the first 50 ranks alone.
"""

_base_ = [
    '../../_base_/models/agrl_r50.py',
    '../../_base_/datasets/mars_4x8.py',
    '../../_base_/schedules/adam_800e.py',
    '../../_base_/default_runtime.py',
]

_clip_len = 8
train_pipeline = [
    dict(type='SampleClip', clip_len=_clip_len, mode='restricted'),
    dict(type='LoadFrames'),
    dict(type='LoadKeypoints'),
    dict(type='ResizeClip', size=(256, 128)),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackClip'),
]
val_pipeline = [
    dict(type='SampleClip', clip_len=_clip_len, mode='evenly'),
    dict(type='LoadFrames'),
    dict(type='LoadKeypoints'),
    dict(type='ResizeClip', size=(256, 128)),
    dict(type='PackClip'),
]
test_pipeline = val_pipeline
_keypoint_file = 'info/keypoints.npy'
train_dataloader = dict(
    batch_size=16,
    sampler=dict(num_pids=4, epoch='pids'),
    dataset=dict(keypoint_file=_keypoint_file, pipeline=train_pipeline),
)
val_dataloader = dict(dataset=dict(keypoint_file=_keypoint_file, pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(keypoint_file=_keypoint_file, pipeline=test_pipeline))
optim_wrapper = dict(optimizer=dict(lr=1e-4))
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=True, milestones=[50, 100, 150], gamma=0.1)
]
train_cfg = dict(max_epochs=200, val_interval=20)
auto_scale_lr = dict(base_batch_size=16)
