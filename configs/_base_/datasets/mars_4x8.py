"""MARS, frames alone: batches of 8 identities x 4 clips x 4 frames, one in eight, of 256x128."""

_frame_size = (256, 128)
_clip_len = 4

train_pipeline = [
    dict(type='SampleClip', clip_len=_clip_len, mode='strided', stride=8),
    dict(type='LoadFrames'),
    dict(type='ResizeClip', size=_frame_size, interpolation='bicubic'),
    dict(type='FlipClip', prob=0.5),
    dict(type='PackClip'),
]
val_pipeline = [
    dict(type='SampleClip', clip_len=_clip_len, mode='evenly'),
    dict(type='LoadFrames'),
    dict(type='ResizeClip', size=_frame_size, interpolation='bicubic'),
    dict(type='PackClip'),
]
# All frames, 32 at a time.
test_pipeline = [dict(type='SampleClip', clip_len=32, mode='dense'), *val_pipeline[1:]]

_data = dict(type='MARS', data_root='data/mars')

train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    collate_fn=dict(type='mmctl.collate_clips'),
    sampler=dict(type='IdentitySampler', num_pids=8, num_clips=4, epoch='tracklets'),
    worker_init_fn=dict(type='mmctl.seed_worker'),
    dataset=dict(**_data, split='train', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=8,
    collate_fn=dict(type='mmctl.collate_clips'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**_data, split='test', pipeline=val_pipeline),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=8,
    collate_fn=dict(type='mmctl.collate_clips'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**_data, split='test', pipeline=test_pipeline),
)
val_evaluator = dict(type='ReIDMetric', distance='cosine', protocol='query-in-gallery')
test_evaluator = val_evaluator
