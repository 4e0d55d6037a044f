"""CTL made small for a first run on two CPU cores: a narrow ResNet-18 on drawn pedestrians."""

_base_ = '../ctl/ctl_r50_1xb32-240e_mars-256x128.py'

model = dict(
    backbone=dict(depth=18, base_channels=16, stem_channels=16, init_cfg=None),
    graph_head=dict(channels=128, cross_scale=dict(dim=64)),
    head=dict(channels=128, num_classes=96),
)

_frame_size = (128, 64)
_clip_len = 4
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
_data_root = 'data/quickstart'
train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    sampler=dict(num_pids=8, num_clips=2),
    dataset=dict(data_root=_data_root, pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=32, num_workers=2, dataset=dict(data_root=_data_root, pipeline=val_pipeline)
)
test_dataloader = dict(
    batch_size=16, num_workers=2, dataset=dict(data_root=_data_root, pipeline=test_pipeline)
)

_max_epochs = 20
optim_wrapper = dict(optimizer=dict(lr=3e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.03, by_epoch=False, begin=0, end=30),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=1,
        end=_max_epochs,
        T_max=_max_epochs - 1,
        eta_min_ratio=0.01,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=_max_epochs, val_interval=5)
default_hooks = dict(logger=dict(interval=8), checkpoint=dict(interval=5))
auto_scale_lr = dict(base_batch_size=16)
