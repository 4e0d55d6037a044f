"""The plain baseline with the steps of CTL+ that it can take, on MARS."""

_base_ = '../ctl/baseline_r50_1xb32-240e_mars-256x128.py'
_file = 'https://github.com/XingangPan/IBN-Net/releases/download/v1.0/resnet50_ibn_a-d9d0bb7b.pth'
_resnet = dict(_base_.model.backbone, init_cfg=dict(type='Pretrained', checkpoint=_file))
_norms = [dict(type='InstanceBatchNorm', stage=stage) for stage in (1, 2, 3)]
model = dict(
    backbone=dict(_delete_=True, type='ClipBackbone', backbone=_resnet, norms=_norms),
    head=dict(test_feature='after'),
)
test_evaluator = dict(refinement=dict(centre_cameras=True))
test_pipeline = [
    *_base_.test_pipeline[:-1],
    dict(type='AddMirroredClips'),
    _base_.test_pipeline[-1],
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.03,
        by_epoch=True,
        begin=0,
        end=10,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=10,
        end=_base_.train_cfg.max_epochs,
        T_max=_base_.train_cfg.max_epochs - 10,
        eta_min_ratio=0.01,
        convert_to_iter_based=True,
    ),
]
