"""CTL+ on the drawn benchmark: CTL there with the steps that helped."""

_base_ = './ctl_r18_drawn.py'
_resnet = dict(_base_.model.backbone)
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
