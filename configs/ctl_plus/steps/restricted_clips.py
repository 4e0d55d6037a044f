"""Training clips with a random frame of each piece of the tracklet."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
train_pipeline = [dict(_base_.train_pipeline[0], mode='restricted'), *_base_.train_pipeline[1:]]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
