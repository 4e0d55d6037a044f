"""IBN-Net-a in the place of the ResNet, at equal cost."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
_file = 'https://github.com/XingangPan/IBN-Net/releases/download/v1.0/resnet50_ibn_a-d9d0bb7b.pth'
# From scratch where the base is.
_weights = _base_.model.backbone.init_cfg and dict(type='Pretrained', checkpoint=_file)
_resnet = dict(_base_.model.backbone, init_cfg=_weights)
_norms = [dict(type='InstanceBatchNorm', stage=stage) for stage in (1, 2, 3)]
model = dict(
    backbone=dict(_delete_=True, type='ClipBackbone', backbone=_resnet, norms=_norms),
)
