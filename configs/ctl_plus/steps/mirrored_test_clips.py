"""Test clips and their mirror images."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
test_pipeline = [
    *_base_.test_pipeline[:-1],
    dict(type='AddMirroredClips'),
    _base_.test_pipeline[-1],
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
