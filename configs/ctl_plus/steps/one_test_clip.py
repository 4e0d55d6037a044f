"""One test clip of frames spread over the tracklet, not all frames."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
test_pipeline = [dict(_base_.test_pipeline[0], mode='evenly'), *_base_.test_pipeline[1:]]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
