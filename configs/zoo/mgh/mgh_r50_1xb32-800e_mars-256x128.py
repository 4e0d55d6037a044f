"""MGH, multi-granular hypergraphs as their public code has them, MARS.

Yan et al., CVPR 2020: Rank-1 90.0, mAP 85.8 in the paper.
"""

_base_ = [
    '../../_base_/models/mgh_r50.py',
    '../../_base_/datasets/mars_4x8.py',
    '../../_base_/schedules/adam_800e.py',
    '../../_base_/default_runtime.py',
]

_clip_len = 8
train_pipeline = [
    dict(type='SampleClip', clip_len=_clip_len, mode='consecutive'),
    dict(type='LoadFrames'),
    dict(type='ResizeClip', size=(256, 128)),
    dict(type='FlipClip', prob=0.5),
    dict(type='EraseFrames', prob=0.5),
    dict(type='PackClip'),
]
val_pipeline = [
    dict(type='SampleClip', clip_len=_clip_len, mode='evenly'),
    dict(type='LoadFrames'),
    dict(type='ResizeClip', size=(256, 128)),
    dict(type='PackClip'),
]
test_pipeline = [dict(type='SampleClip', clip_len=_clip_len, mode='dense'), *val_pipeline[1:]]
train_dataloader = dict(
    sampler=dict(epoch='pids'), dataset=dict(pipeline=train_pipeline)
)
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val_evaluator = dict(protocol='query-excluded')
test_evaluator = val_evaluator
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=True, begin=0, end=20),
    dict(type='MultiStepLR', by_epoch=True, milestones=[200, 400, 600], gamma=0.1),
]
