"""The steps that helped, together."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
_file = 'https://github.com/XingangPan/IBN-Net/releases/download/v1.0/resnet50_ibn_a-d9d0bb7b.pth'
# From scratch where the base is.
_weights = _base_.model.backbone.init_cfg and dict(type='Pretrained', checkpoint=_file)
_resnet = dict(_base_.model.backbone, init_cfg=_weights)
_norms = [dict(type='InstanceBatchNorm', stage=stage) for stage in (1, 2, 3)]
model = dict(
    backbone=dict(_delete_=True, type='ClipBackbone', backbone=_resnet, norms=_norms),
    head=dict(
        part_weight=1 / _base_.model.head.num_parts,
        test_feature='after',
        test_branches=('sum', 'concat'),
    ),
)
test_evaluator = dict(refinement=dict(centre_cameras=True))
test_pipeline = [
    *_base_.test_pipeline[:-1],
    dict(type='AddMirroredClips'),
    _base_.test_pipeline[-1],
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
