"""The plain baseline on the drawn benchmark with the steps of CTL+ that it can take."""

_base_ = './baseline_r18_drawn.py'
_resnet = dict(_base_.model.backbone)
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
