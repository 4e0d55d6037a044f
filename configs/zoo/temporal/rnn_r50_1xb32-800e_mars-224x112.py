"""Recurrent network over frames, MARS.

Gao and Nevatia 2018: Rank-1 81.6, mAP 73.9 in their repository.
"""

_base_ = [
    '../../_base_/models/tp_r50.py',
    '../../_base_/datasets/mars_4x8.py',
    '../../_base_/schedules/adam_800e.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(backbone=dict(strides=(1, 2, 2, 2))),
    neck=dict(branches=dict(clip=dict(temporal=dict(type='RecurrentPool', width=512)))),
    head=dict(branches=dict(clip=512)),
)
optim_wrapper = dict(optimizer=dict(lr=1e-4))

_clip_len = 4
train_pipeline = [
    dict(type='SampleClip', clip_len=_clip_len, mode='consecutive'),
    dict(type='LoadFrames'),
    dict(type='ResizeClip', size=(224, 112)),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackClip'),
]
val_pipeline = [
    dict(type='SampleClip', clip_len=_clip_len, mode='evenly'),
    dict(type='LoadFrames'),
    dict(type='ResizeClip', size=(224, 112)),
    dict(type='PackClip'),
]
test_pipeline = [dict(type='SampleClip', clip_len=_clip_len, mode='dense'), *val_pipeline[1:]]
train_dataloader = dict(
    sampler=dict(epoch='pids'), dataset=dict(pipeline=train_pipeline)
)
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val_evaluator = dict(distance='euclidean', protocol='query-excluded')
test_evaluator = val_evaluator
