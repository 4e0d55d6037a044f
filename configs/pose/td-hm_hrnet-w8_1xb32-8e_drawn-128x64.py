"""A narrow HRNet that learns the keypoints of drawn pedestrians in minutes on a CPU core."""

_base_ = '../_base_/default_runtime.py'

default_scope = 'mmpose'

# Frames of the quickstart as they are, (width, height), and heatmaps of a quarter of their size.
_codec = dict(type='MSRAHeatmap', input_size=(64, 128), heatmap_size=(16, 32), sigma=1.5)

model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    backbone=dict(
        type='HRNet',
        in_channels=3,
        extra=dict(
            stage1=dict(
                num_modules=1,
                num_branches=1,
                block='BOTTLENECK',
                num_blocks=(1,),
                num_channels=(16,),
            ),
            stage2=dict(
                num_modules=1,
                num_branches=2,
                block='BASIC',
                num_blocks=(2, 2),
                num_channels=(8, 16),
            ),
            stage3=dict(
                num_modules=1,
                num_branches=3,
                block='BASIC',
                num_blocks=(2, 2, 2),
                num_channels=(8, 16, 32),
            ),
            stage4=dict(
                num_modules=1,
                num_branches=4,
                block='BASIC',
                num_blocks=(2, 2, 2, 2),
                num_channels=(8, 16, 32, 64),
            ),
        ),
    ),
    head=dict(
        type='HeatmapHead',
        in_channels=8,
        out_channels=17,
        deconv_out_channels=None,
        loss=dict(type='KeypointMSELoss', use_target_weight=True),
        decoder=_codec,
    ),
    test_cfg=dict(flip_test=False),
)

# A frame is what a detector cut out: the box is the whole frame, without padding.
_box = dict(type='GetBBoxCenterScale', padding=1.0)
_cut = dict(type='TopdownAffine', input_size=_codec['input_size'])
train_pipeline = [
    dict(type='LoadImage'),
    _box,
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    _cut,
    dict(type='GenerateTarget', encoder=_codec),
    dict(type='PackPoseInputs'),
]
test_pipeline = [dict(type='LoadImage'), _box, _cut, dict(type='PackPoseInputs')]

_data = dict(type='CocoDataset', data_root='data/quickstart', data_mode='topdown')
train_dataloader = dict(
    batch_size=32,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(**_data, ann_file='info/coco_train.json', pipeline=train_pipeline),
)
test_dataloader = dict(
    batch_size=32,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        **_data, ann_file='info/coco_test.json', pipeline=test_pipeline, test_mode=True
    ),
)
# People of the test split, whom the estimator has never seen.
val_dataloader = test_dataloader
test_evaluator = [
    dict(type='PCKAccuracy', thr=0.05, prefix='pck@0.05'),
    dict(type='PCKAccuracy', thr=0.2, prefix='pck@0.2'),
    dict(type='CocoMetric', score_mode='keypoint', nms_mode='none'),
]
val_evaluator = test_evaluator

_max_epochs = 8
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=4e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=0,
        end=_max_epochs,
        T_max=_max_epochs,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(by_epoch=True, max_epochs=_max_epochs, val_interval=_max_epochs)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(
    logger=dict(interval=24),
    checkpoint=dict(interval=_max_epochs, max_keep_ckpts=1, save_best=None),
)
custom_hooks = [dict(type='SyncBuffersHook')]
auto_scale_lr = dict(base_batch_size=32)
