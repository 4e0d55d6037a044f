"""The steps that helped, together."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(
    head=dict(
        part_weight=1 / _base_.model.head.num_parts,
        test_feature='after',
        test_branches=('sum', 'concat'),
    )
)
test_evaluator = dict(refinement=dict(centre_cameras=True))
test_pipeline = [
    *_base_.test_pipeline[:-1],
    dict(type='AddMirroredClips'),
    _base_.test_pipeline[-1],
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
