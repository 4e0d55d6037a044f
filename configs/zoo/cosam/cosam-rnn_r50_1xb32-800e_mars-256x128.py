"""Co-segmentation (COSAM) and a recurrent network, MARS.

Subramaniam et al., ICCV 2019, a variant of its public code.
"""

_base_ = [
    '../../_base_/models/tp_r50.py',
    '../../_base_/datasets/mars_4x8.py',
    '../../_base_/schedules/adam_800e.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        plugins=[
            dict(
                type='CoSegmentation', stage=3, after=(5,), num_frames=4, map_size=(16, 8)
            ),
            dict(
                type='CoSegmentation', stage=4, after=(2,), num_frames=4, map_size=(16, 8)
            ),
        ],
    ),
    neck=dict(branches=dict(clip=dict(temporal=dict(type='RecurrentPool', width=512)))),
    head=dict(branches=dict(clip=512)),
)

_clip_len = 4
train_pipeline = [
    dict(type='SampleClip', clip_len=_clip_len, mode='consecutive'),
    dict(type='LoadFrames'),
    dict(type='ResizeClip', size=(256, 128)),
    dict(type='FlipClip', prob=0.5),
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
val_evaluator = dict(distance='euclidean', protocol='query-excluded')
test_evaluator = val_evaluator
