"""A learned factor on the heatmaps."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(neck=dict(learn_scale=True))
