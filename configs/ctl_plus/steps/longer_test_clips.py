"""Test clips twice as long as those of training."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
test_pipeline = [
    dict(_base_.test_pipeline[0], clip_len=2 * _base_._clip_len),
    *_base_.test_pipeline[1:],
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
