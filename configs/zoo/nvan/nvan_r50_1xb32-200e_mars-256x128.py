"""NVAN, non-local blocks over the clip and soft margins, MARS.

Liu et al., BMVC 2019: Rank-1 90.0, mAP 82.8 in the paper.
"""

_base_ = [
    '../../_base_/models/clip_r50.py',
    '../../_base_/datasets/mars_4x8.py',
    '../../_base_/schedules/adam_800e.py',
    '../../_base_/default_runtime.py',
]

model = dict(
    backbone=dict(
        stem_relu=False,
        plugins=[
            dict(type='NonLocalBlock', stage=2, after=(2, 3), subsample=False),
            dict(type='NonLocalBlock', stage=3, after=(3, 4, 5), subsample=False),
        ],
    ),
    neck=dict(branches=dict(clip=dict(pool='avg'))),
    head=dict(
        neck='bnneck',
        classifier=dict(bias=False),
        losses=dict(
            triplet=dict(_delete_=True, type='BatchHardTripletLoss', margin='soft')
        ),
    ),
)

_clip_len = 8
train_pipeline = [
    dict(type='SampleClip', clip_len=_clip_len, mode='restricted'),
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
test_pipeline = [dict(type='SampleClip', clip_len=_clip_len, mode='first-of-chunk'), *val_pipeline[1:]]
train_dataloader = dict(
    sampler=dict(epoch='pids'), dataset=dict(pipeline=train_pipeline)
)
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val_evaluator = dict(protocol='mars-official')
test_evaluator = val_evaluator
optim_wrapper = dict(optimizer=dict(lr=1e-4))
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=True, milestones=[50, 100, 150], gamma=0.1)
]
train_cfg = dict(max_epochs=200)
