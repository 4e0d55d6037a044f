"""iLIDS-VID with stored keypoints, the first of its ten splits; camera 1 queries camera 2."""

_frame_size = (256, 128)
_clip_len = 6

train_pipeline = [
    dict(type='SampleClip', clip_len=_clip_len, mode='random'),
    dict(type='LoadFrames'),
    dict(type='LoadKeypoints'),
    dict(type='ResizeClip', size=_frame_size),
    dict(type='FlipClip', prob=0.5),
    dict(type='EraseFrames', prob=0.5),
    dict(type='PackClip'),
]
val_pipeline = [
    dict(type='SampleClip', clip_len=_clip_len, mode='evenly'),
    dict(type='LoadFrames'),
    dict(type='LoadKeypoints'),
    dict(type='ResizeClip', size=_frame_size),
    dict(type='PackClip'),
]
test_pipeline = [dict(type='SampleClip', clip_len=_clip_len, mode='interleaved'), *val_pipeline[1:]]

_data = dict(
    type='ILIDSVID', data_root='data/ilids-vid', keypoint_file='info/keypoints.npy', fold=0
)

train_dataloader = dict(
    batch_size=32,
    num_workers=8,
    sampler=dict(type='IdentitySampler', num_pids=8, num_clips=4, epoch='tracklets'),
    worker_init_fn=dict(type='mmctl.seed_worker'),
    dataset=dict(**_data, split='train', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**_data, split='test', pipeline=val_pipeline),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(**_data, split='test', pipeline=test_pipeline),
)
# The cameras are the roles here: queries are not part of the gallery.
val_evaluator = dict(type='ReIDMetric', distance='cosine', protocol='query-excluded')
test_evaluator = val_evaluator
