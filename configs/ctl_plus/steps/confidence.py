"""Keypoints of a part weighed by their scores."""

_base_ = '../../ctl/ctl_r50_1xb32-240e_mars-256x128.py'
model = dict(neck=dict(confidence=True))
