"""The quickstart's drawn pedestrians, frames alone: 8 identities x 2 clips x 4 frames of 128x64."""

_frame_size = (128, 64)
_clip_len = 4

train_pipeline = [
    dict(type='SampleClip', clip_len=_clip_len, mode='random'),
    dict(type='LoadFrames'),
    dict(type='ResizeClip', size=_frame_size),
    dict(type='FlipClip', prob=0.5),
    dict(type='EraseFrames', prob=0.5),
    dict(type='PackClip'),
]
val_pipeline = [
    dict(type='SampleClip', clip_len=_clip_len, mode='evenly'),
    dict(type='LoadFrames'),
    dict(type='ResizeClip', size=_frame_size),
    dict(type='PackClip'),
]
test_pipeline = [dict(type='SampleClip', clip_len=_clip_len, mode='dense'), *val_pipeline[1:]]

_data = dict(type='MARS', data_root='data/quickstart')

train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    collate_fn=dict(type='mmctl.collate_clips'),
    sampler=dict(type='IdentitySampler', num_pids=8, num_clips=2, epoch='tracklets'),
    worker_init_fn=dict(type='mmctl.seed_worker'),
    dataset=dict(**_data, split='train', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=2,
    collate_fn=dict(type='mmctl.collate_clips'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**_data, split='test', pipeline=val_pipeline),
)
test_dataloader = dict(
    batch_size=16,
    num_workers=2,
    collate_fn=dict(type='mmctl.collate_clips'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**_data, split='test', pipeline=test_pipeline),
)
val_evaluator = dict(type='ReIDMetric', distance='cosine', protocol='query-in-gallery')
test_evaluator = val_evaluator
